"""X-Ray trace ids and W3C trace ids: the same 16 bytes, written differently.

Source: AWS X-Ray Developer Guide, "Sending trace data to X-Ray" ("Trace ID format"); `1-` epoch in 8 hex
digits `-` 24 hex digits.
"""

from __future__ import annotations

import re

from coldtrail.model.hex_ids import TRACE_DIGITS, is_hex

_XRAY = re.compile(r"1-([0-9a-fA-F]{8})-([0-9a-fA-F]{24})")


def xray_trace_id_to_hex(trace_id: str) -> str:
    """Return 32 hex digits for `1-5759e988-bd862e3fe1be46a994272793`.

    Raises:
        ValueError: it is not of that form.
    """
    match = _XRAY.fullmatch(trace_id)
    if not match:
        raise ValueError(f'an X-Ray trace id is "1-", 8 hex digits, "-", 24 hex digits; got "{trace_id[:60]}"')
    return (match[1] + match[2]).lower()


def hex_to_xray_trace_id(trace_id: str) -> str:
    """Return X-Ray's form of a trace id of 32 hex digits.

    Raises:
        ValueError: it is not of that form.
    """
    if not is_hex(trace_id, TRACE_DIGITS):
        raise ValueError(f'a trace id is 32 hex digits; got "{trace_id[:60]}"')
    return f"1-{trace_id[:8]}-{trace_id[8:]}".lower()

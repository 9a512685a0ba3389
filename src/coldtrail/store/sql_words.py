"""Our own constants as SQL text; never for telemetry, which is bound."""

from __future__ import annotations

from collections.abc import Iterable

from coldtrail.model.trails import RAN_AND_FAILED


def quoted(text: str) -> str:
    """Return ``text`` as an SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def listed(texts: Iterable[str]) -> str:
    """Return texts as the inside of an SQL list."""
    return ", ".join(quoted(text) for text in texts)


def array(texts: Iterable[str]) -> str:
    """Return texts as an SQL array."""
    return f"[{listed(texts)}]"


DID_FAIL = f"IN ({listed(RAN_AND_FAILED)})"
"""What stands behind the status of an invocation that ran and failed."""

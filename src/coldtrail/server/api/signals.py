"""The raw signals: spans of a trace, logs of a request, a trace or a search."""

from __future__ import annotations

import base64
from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import ClientException

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.model.xray_ids import xray_trace_id_to_hex
from coldtrail.server.api import shapes
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import json
from coldtrail.server.api.times import FAR_NS
from coldtrail.store.trails.lists import carries

MOST = 1_000


def trace_id_of(text: str) -> str:
    """Return a trace id in hex from hex or X-Ray's own form.

    Raises:
        ClientException: it is neither.
    """
    if is_trace_id(text):
        return text.lower()
    try:
        return xray_trace_id_to_hex(text)
    except ValueError:
        raise ClientException(
            f'trace_id must be 32 hex digits or an X-Ray id such as "1-5759e988-bd862e3fe1be46a994272793", got "{text[:60]}"'
        ) from None


def offset_of(cursor: str | None) -> int:
    """Return the offset that a cursor of ours holds.

    Raises:
        ClientException: the cursor is not one of ours.
    """
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()))
    except ValueError:
        raise ClientException("cursor must be one that an earlier answer gave") from None


def cursor_of(offset: int) -> str:
    """Return the cursor that holds an offset."""
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


@get("/spans", sync_to_thread=True)
def spans(state: State, trace_id: str, limit: int = 1_000, cursor: str | None = None) -> Response[bytes]:
    """Every span of a trace with every field of OTLP's, in order of start."""
    found = state.service.signals.spans_of({trace_id_of(trace_id)})
    start = offset_of(cursor)
    page = found[start : start + max(1, min(limit, 20_000))]
    more = cursor_of(start + len(page)) if start + len(page) < len(found) else None
    return json({"spans": [shapes.span(one) for one in page], "cursor": more})


@get("/logs", sync_to_thread=True)
def logs(
    state: State,
    request_id: str | None = None,
    trace_id: str | None = None,
    q: str | None = None,
    service: str | None = None,
    severity: int | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Response[bytes]:
    """Log records, newest first; of one request or trace in order of time. ``severity`` is the least number (17 = error)."""
    limit, start = max(1, min(limit, MOST)), offset_of(cursor)
    if request_id or trace_id:
        traces = {trace_id_of(trace_id)} if trace_id else set()
        found = state.service.signals.logs_of(traces, {request_id} if request_id else set())
        found = [log for log in found if _matches(log, q, service, severity)]
        page, more = found[start : start + limit], start + limit < len(found)
    else:
        where, parameters = _search(q, service, severity, since, until)
        page = state.service.signals.find_logs(where, parameters, limit=limit + 1, offset=start)
        page, more = page[:limit], len(page) > limit
    return json({"logs": [shapes.log(one) for one in page], "cursor": cursor_of(start + len(page)) if more else None})


def _matches(log: Any, q: str | None, service: str | None, severity: int | None) -> bool:
    return (
        (
            not q
            or q.lower() in str("" if log.body is None else log.body).lower()
            or q in map(str, log.attributes.values())
        )
        and (not service or log.resource.service == service)
        and (severity is None or log.severity_number >= severity)
    )


def _search(
    q: str | None, service: str | None, severity: int | None, since: str | None, until: str | None
) -> tuple[str, dict[str, Any]]:
    since_ns, until_ns = time_range(since, until, FAR_NS) if since or until else (0, FAR_NS)
    clauses = ["time >= fromUnixTimestamp64Nano({since:Int64})", "time < fromUnixTimestamp64Nano({until:Int64})"]
    parameters: dict[str, Any] = {"since": max(since_ns, 0), "until": until_ns}
    if service:
        clauses.append("service = {service:String}")
        parameters["service"] = service
    if severity is not None:
        clauses.append("severity_number >= {severity:UInt8}")
        parameters["severity"] = max(0, min(severity, 255))
    if q:
        name, equals, value = q.partition("=")
        named = bool(equals and name and " " not in name)
        by_value = carries(value if named else q, named=named)
        parameters |= {"q": q, "name": name}
        clauses.append(f"({by_value} OR request_id = {{q:String}} OR positionCaseInsensitive(body, {{q:String}}) > 0)")
    return " AND ".join(clauses), parameters


router = Router(path="/", route_handlers=[spans, logs], tags=["signals"])

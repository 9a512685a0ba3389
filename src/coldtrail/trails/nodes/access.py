"""A request known from an API's access log.

Source: Amazon API Gateway Developer Guide, "API Gateway mapping template and access logging variable reference".
"""

from __future__ import annotations

from coldtrail.model.signals import Log
from coldtrail.model.trails import Failure, Node
from coldtrail.trails.nodes.identity import node_id_of

LINE = "apigateway.access"
"""The event name of a line of an access log."""

_LATENCIES = ("responseLatency", "http.server.request.duration_ms", "latency")
_FAILED_FROM = 500


def access(log: Log, api_request: str) -> Node:
    """Make the node of a request of its line in the access log, which is written when it was answered."""
    code = _number(log, ("http.response.status_code", "status"))
    failed = code is not None and code >= _FAILED_FROM
    keys = {"request_id": api_request}
    if log.trace_id:
        keys["trace_id"] = log.trace_id
    words = [str(log.attributes[name]) for name in ("http.request.method", "http.route") if name in log.attributes]
    return Node(
        node_id=node_id_of("request_id", api_request),
        kind="request",
        service=log.resource.service,
        name=" ".join(words) or log.resource.service,
        start_ns=log.time_ns - int((_number(log, _LATENCIES) or 0.0) * 1e6),
        end_ns=log.time_ns,
        status="error" if failed else "ok",
        failure=Failure(f"HTTP {code:.0f}", "") if failed else None,
        keys=keys,
    )


def request_of_line(log: Log) -> str:
    """Return the id that an API gave the request of which a line of its access log tells; "" for any other line."""
    value = log.attributes.get("aws.api_gateway.request_id") if log.event_name == LINE else None
    return value if isinstance(value, str) else ""


def _number(log: Log, names: tuple[str, ...]) -> float | None:
    for name in names:
        value = log.attributes.get(name)
        if isinstance(value, int | float) and 0 <= value < 1e9:
            return float(value)
        if isinstance(value, str) and value.isdecimal() and len(value) < 10:
            return float(value)
    return None

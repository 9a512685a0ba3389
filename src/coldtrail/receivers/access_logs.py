"""Access logs of an API Gateway in JSON: the gateway's request id, not an invocation's.

Their fields are named by whoever set up the log; the ones that AWS suggests are understood. Source: Amazon API Gateway
Developer Guide, "Set up CloudWatch logging for REST APIs" (the JSON format: `requestId`, `extendedRequestId`, `ip`,
`requestTime`, `httpMethod`, `resourcePath` or `routeKey`, `status`, `protocol`, `responseLength`).
"""

from __future__ import annotations

from typing import Any

from coldtrail.model.signals import AttributeValue

Attributes = dict[str, AttributeValue]

ACCESS = "apigateway.access"
_ACCESS_ALONE = frozenset(
    (
        *("extendedRequestId", "requestTime", "responseLength", "protocol"),
        *("integrationRequestId", "integrationLatency", "responseLatency"),
    )
)
_FIELDS = {
    "requestId": "aws.api_gateway.request_id",
    "extendedRequestId": "aws.api_gateway.extended_request_id",
    "httpMethod": "http.request.method",
    "resourcePath": "http.route",
    "routeKey": "http.route",
    "ip": "client.address",
}


def is_access(document: dict[str, Any]) -> bool:
    """Whether a JSON line is one of an access log, and not a function's own line about a request."""
    told = "requestId" in document and "status" in document and ("httpMethod" in document or "routeKey" in document)
    return told and not _ACCESS_ALONE.isdisjoint(document) and "level" not in document


def access_line(document: dict[str, Any]) -> tuple[str, str, Attributes]:
    """Return event name, level and what is known besides the line's own fields."""
    found: Attributes = {
        attribute: value
        for name, attribute in _FIELDS.items()
        if isinstance(value := document.get(name), str) and value
    }
    trace = document.get("xrayTraceId")
    if isinstance(trace, str) and trace.startswith("1-"):
        found["aws.xray.trace_id"] = trace
    status = str(document["status"])
    if status.isdecimal() and len(status) == 3:
        found["http.response.status_code"] = int(status)
    return ACCESS, "ERROR" if status.startswith("5") else "INFO", found

"""OTLP bodies: 500 spans, 12 attributes, 10 resource attributes, unique ids, varied values."""

from __future__ import annotations

import json
import os
import random
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.receivers.attributes import key_value

SPANS_A_BODY = 500
SPANS_A_TRACE = 10
SERVICES = [f"svc-{number}" for number in range(20)]
ROUTES = [f"/api/v1/resource-{number}/{{id}}" for number in range(40)]


def traces(dice: random.Random, start_ns: int, spread_ns: int) -> tuple[bytes, list[str]]:
    """Return one body and its trace ids; its traces begin within ``spread_ns`` after ``start_ns``."""
    request = ExportTraceServiceRequest()
    scopes: dict[str, Any] = {}
    ids = []
    for _ in range(SPANS_A_BODY // SPANS_A_TRACE):
        trace_id, at_ns = dice.randbytes(16), start_ns + dice.randrange(spread_ns)
        ids.append(trace_id.hex())
        parents: list[bytes] = []
        for number in range(SPANS_A_TRACE):
            service = dice.choice(SERVICES)
            if service not in scopes:
                scopes[service] = _scope(request, service, dice)
            span = scopes[service].spans.add(trace_id=trace_id, span_id=dice.randbytes(8))
            if parents:
                span.parent_span_id = dice.choice(parents)
            parents.append(span.span_id)
            span.kind = 2 if number == 0 else dice.choice((1, 2, 3, 3, 4, 5))
            _fill(span, dice, at_ns + number * 1_000_000 + dice.randrange(900_000), service)
    return request.SerializeToString(), ids


def _scope(request: Any, service: str, dice: random.Random) -> Any:
    group = request.resource_spans.add()
    resource = {
        "service.name": service,
        "service.version": f"1.4.{dice.randrange(5)}",
        "service.instance.id": f"{service}-{dice.randrange(50):032x}",
        "cloud.provider": "aws",
        "cloud.region": "eu-central-1",
        "cloud.account.id": "123456789012",
        "faas.name": service,
        "faas.version": "$LATEST",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": "1.33.0",
    }
    group.resource.attributes.extend(key_value(name, value) for name, value in resource.items())
    scope = group.scope_spans.add()
    scope.scope.name, scope.scope.version = "opentelemetry.instrumentation.aws_lambda", "0.54b0"
    return scope


def _fill(span: Any, dice: random.Random, start_ns: int, service: str) -> None:
    route = dice.choice(ROUTES)
    span.name = f"{'GET' if span.kind == 2 else 'call'} {route}"
    span.start_time_unix_nano = start_ns
    span.end_time_unix_nano = start_ns + int(dice.lognormvariate(16, 1.2))
    if dice.random() < 0.02:
        span.status.code, span.status.message = 2, "upstream failed"
    attributes = {
        "http.request.method": dice.choice(("GET", "POST", "PUT")),
        "http.route": route,
        "http.response.status_code": dice.choice((200, 200, 200, 201, 404, 500)),
        "url.path": route.replace("{id}", str(dice.randrange(10**6))),
        "server.address": f"{service}.internal",
        "server.port": 443,
        "user.id": f"user-{dice.randrange(50_000):05d}",
        "order.id": f"ord-{dice.getrandbits(48):012x}",
        "db.system": "dynamodb",
        "retry": dice.random() < 0.1,
        "payload.bytes": dice.randrange(100_000),
        "thread.name": f"worker-{dice.randrange(8)}",
    }
    span.attributes.extend(key_value(name, value) for name, value in attributes.items())


def logs(dice: random.Random, start_ns: int) -> bytes:
    """Return a body of 500 structured log records."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.append(key_value("service.name", dice.choice(SERVICES)))
    scope = group.scope_logs.add()
    for number in range(500):
        record = scope.log_records.add(
            time_unix_nano=start_ns + number * 1_000_000, severity_number=9, severity_text="INFO"
        )
        record.trace_id, record.span_id = dice.randbytes(16), dice.randbytes(8)
        record.body.string_value = (
            f"order {dice.getrandbits(40):010x} accepted for user {dice.randrange(50_000)} in {dice.randrange(900)} ms"
        )
        for name, value in (
            ("user.id", f"user-{dice.randrange(50_000)}"),
            ("attempt", dice.randrange(4)),
            ("queue", "orders"),
        ):
            record.attributes.append(key_value(name, value))
    return request.SerializeToString()


def segment(start_s: float) -> bytes:
    """Return one X-Ray datagram."""
    document = {
        "name": "orders",
        "id": os.urandom(8).hex(),
        "trace_id": f"1-{int(start_s):08x}-{os.urandom(12).hex()}",
        "start_time": start_s,
        "end_time": start_s + 0.1,
        "http": {"request": {"method": "GET", "url": "https://example.com/orders"}, "response": {"status": 200}},
        "annotations": {"user_id": f"user-{int(start_s * 1000) % 50_000}"},
    }
    return b'{"format": "json", "version": 1}\n' + json.dumps(document).encode()

"""Story 1 as its real emitters would tell it: OpenTelemetry spans of the API, Lambda's log lines of the stream's
consumer, X-Ray segments of what reads and writes the table.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
import uuid
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode

from running import HTTP

MS = 1_000_000
ERROR = "could not connect to profile-cache.internal:6379 after 3 tries"


@dataclass
class Activity:
    """What was sent for one activity: the ids that a reader would look for."""

    user: str
    trace_id: str
    api_request_id: str
    ingest_request_id: str
    sequence_number: str
    failed: bool


class _Kept(SpanExporter):
    """Collects finished spans, so that one story goes out in one request per service."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans):
        self.spans += spans
        return SpanExportResult.SUCCESS


class Sender:
    """Sends stories to one running coldtrail."""

    def __init__(self, otlp_http: str, seed: int = 7, xray: str = "") -> None:
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        self._http = otlp_http
        self._xray = xray
        self._segments: list[dict] = []
        self._random = random.Random(seed)
        self._kept = _Kept()
        self._lines: list[tuple[int, str]] = []
        self._tracers = {}
        for service in ("activity-api", "activity-api-post"):
            attributes = {"service.name": service}
            if service != "activity-api":
                attributes |= {"faas.name": service, "cloud.provider": "aws", "cloud.platform": "aws_lambda"}
            provider = TracerProvider(resource=Resource(attributes))
            provider.add_span_processor(SimpleSpanProcessor(self._kept))
            self._tracers[service] = provider.get_tracer("activity")

    def activity(self, started_ns: int, *, failed: bool, user: str | None = None) -> Activity:
        """Send one POST /activity that began at ``started_ns``; ``failed``: its ingestion raises a ConnectionError."""
        user = user or f"user-{self._random.randrange(100_000, 999_999)}"
        api_request, ingest_request = str(uuid.uuid4()), str(uuid.uuid4())
        sequence = "4966" + str(self._random.randrange(10**50, 10**51))
        trace_id = self._spans(started_ns, user, api_request, sequence)
        self._logs(started_ns + 900 * MS, ingest_request, sequence, user, failed=failed)
        if not failed:
            self._stores(started_ns + 904 * MS, ingest_request)
        return Activity(user, trace_id, api_request, ingest_request, sequence, failed)

    def _spans(self, at: int, user: str, request_id: str, sequence: str) -> str:
        api, function = self._tracers["activity-api"], self._tracers["activity-api-post"]
        entry = {"http.route": "/activity", "http.request.method": "POST", "user.id": user, "http.response.status_code": 202}
        root = api.start_span("POST /activity", kind=SpanKind.SERVER, start_time=at, attributes=entry)
        invoked = function.start_span(
            "activity-api-post",
            context=trace.set_span_in_context(root),
            kind=SpanKind.SERVER,
            start_time=at + 5 * MS,
            attributes={"faas.invocation_id": request_id, "faas.coldstart": False, "note": "<b>not markup</b>"},
        )
        put = function.start_span(
            "activity-stream send",
            context=trace.set_span_in_context(invoked),
            kind=SpanKind.PRODUCER,
            start_time=at + 12 * MS,
            attributes={
                "messaging.system": "aws_kinesis",
                "messaging.operation.type": "send",
                "messaging.destination.name": "activity-stream",
                "aws.kinesis.sequence_number": sequence,
            },
        )
        put.add_event("record accepted", timestamp=at + 20 * MS)
        put.end(at + 21 * MS)
        invoked.set_status(Status(StatusCode.OK))
        invoked.end(at + (30 + self._random.randrange(30)) * MS)
        root.end(at + 65 * MS)
        return trace.format_trace_id(root.get_span_context().trace_id)

    def _ids(self) -> tuple[str, str]:
        """An X-Ray trace id and a segment id. Source: AWS X-Ray Developer Guide, "X-Ray segment documents"."""
        return f"1-{int(time.time()):08x}-{self._random.getrandbits(96):024x}", self._span_id()

    def _span_id(self) -> str:
        return f"{self._random.getrandbits(63) + 1:016x}"

    def _table_call(self, operation: str, at_s: float, **more: object) -> dict:
        call = {"operation": operation, "table_name": "activities", "region": "eu-central-1", "request_id": uuid.uuid4().hex}
        times = {"start_time": at_s, "end_time": at_s + 0.012}
        http = {"response": {"status": 200}}
        return {"id": self._span_id(), "name": "DynamoDB", "namespace": "aws", "aws": call, "http": http, **times, **more}

    def _function_segment(self, name: str, request_id: str, trace_id: str, at_s: float, took_s: float, inner: list[dict]) -> dict:
        return {
            "trace_id": trace_id,
            "id": self._span_id(),
            "name": name,
            "origin": "AWS::Lambda::Function",
            "start_time": at_s,
            "end_time": at_s + took_s,
            "aws": {"request_id": request_id, "function_arn": f"arn:aws:lambda:eu-central-1:123456789012:function:{name}"},
            "subsegments": inner,
        }

    def _stores(self, at: int, request_id: str) -> None:
        """The consumer's own segment: it put an item into the table."""
        at_s = at / 1e9
        put = self._table_call("PutItem", at_s + 0.02)
        self._segments.append(self._function_segment("activity-ingest", request_id, self._ids()[0], at_s, 0.055, [put]))

    def history(self, started_ns: int, user: str) -> str:
        """Send one GET of a user's history: API Gateway's segment (which has no route), the function's; answer its trace id."""
        trace_id, gateway = self._ids()
        at_s = started_ns / 1e9
        query = self._table_call("Query", at_s + 0.01, annotations={"user_id": user})
        function = self._function_segment("activity-history-get", str(uuid.uuid4()), trace_id, at_s + 0.004, 0.04, [query])
        url = f"https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod/users/{user}/history"
        entry = {
            "trace_id": trace_id,
            "id": gateway,
            "name": "activity-api/prod",
            "origin": "AWS::ApiGateway::Stage",
            "resource_arn": "arn:aws:apigateway:eu-central-1::/restapis/a1b2c3d4e5/stages/prod",
            "start_time": at_s,
            "end_time": at_s + 0.05,
            "http": {"request": {"method": "GET", "url": url}, "response": {"status": 200}},
        }
        self._segments += [entry, {**function, "parent_id": gateway}]
        return trace_id[2:].replace("-", "")

    def _logs(self, at: int, request_id: str, sequence: str, user: str, *, failed: bool) -> None:
        base_ms = at // MS
        took = 310.5 if failed else 64.25
        fields = {"level": "INFO", "message": "activity read", "sequence_number": sequence, "user_id": user, "requestId": request_id}
        lines = [(0, f"START RequestId: {request_id} Version: 7\n"), (4, json.dumps(fields))]
        if failed:
            trouble = (
                f"[ERROR] ConnectionError: {ERROR}\nTraceback (most recent call last):\n"
                f'  File "/var/task/ingest.py", line 61, in handler\n    profile = cache.get(user)\n'
            )
            lines.append((300, trouble))
        lines += [
            (int(took), f"END RequestId: {request_id}\n"),
            (
                int(took) + 1,
                f"REPORT RequestId: {request_id}\tDuration: {took} ms\tBilled Duration: {int(took) + 1} ms\t"
                f"Memory Size: 256 MB\tMax Memory Used: 91 MB\t\n",
            ),
        ]
        self._lines += [(base_ms + offset, text) for offset, text in lines]

    def inferred(self, started_ns: int) -> str:
        """Send a request whose function is known from its log lines alone, by the trace id that they name; answer the trace id."""
        root = self._tracers["activity-api"].start_span(
            "POST /export", kind=SpanKind.SERVER, start_time=started_ns, attributes={"http.route": "/export", "http.request.method": "POST"}
        )
        root.end(started_ns + 90 * MS)
        trace_id, request_id = trace.format_trace_id(root.get_span_context().trace_id), str(uuid.uuid4())
        report = (
            f"REPORT RequestId: {request_id}\tDuration: 40.00 ms\tBilled Duration: 40 ms\tMemory Size: 256 MB\tMax Memory Used: 91 MB\t\n"
            f"XRAY TraceId: 1-{trace_id[:8]}-{trace_id[8:]}\tSegmentId: {self._span_id()}\tSampled: true\t\n"
        )
        at_ms = started_ns // MS + 20
        self.subscription("activity-export", [(at_ms, f"START RequestId: {request_id} Version: 7\n"), (at_ms + 41, report)])
        return trace_id

    def subscription(self, function: str, lines: list[tuple[int, str]]) -> None:
        """Post a CloudWatch Logs subscription payload (its format: CloudWatch Logs User Guide, "Subscriptions")."""
        payload = {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": f"/aws/lambda/{function}",
            "logStream": "2026/11/21/[7]0123456789abcdef0123456789abcdef",
            "subscriptionFilters": ["coldtrail"],
            "logEvents": [
                {"id": str(37_000 + i), "timestamp": at_ms, "message": text} for i, (at_ms, text) in enumerate(lines)
            ],
        }
        body = gzip.compress(json.dumps(payload).encode())
        HTTP.post(f"{self._http}/aws/logs", content=body, timeout=20).raise_for_status()

    def flush(self) -> None:
        """Send the spans with the SDK's own exporter, and then the log lines, which reach one later in truth too."""
        exporter = OTLPSpanExporter(endpoint=f"{self._http}/v1/traces")
        assert exporter.export(self._kept.spans) is SpanExportResult.SUCCESS
        self._kept.spans.clear()
        self.subscription("activity-ingest", self._lines)
        self._lines.clear()
        if self._xray:
            documents = [json.dumps(segment) for segment in self._segments]
            answer = HTTP.post(f"http://{self._xray}/TraceSegments", json={"TraceSegmentDocuments": documents}, timeout=20)
            assert answer.json() == {"UnprocessedTraceSegments": []}
        self._segments.clear()

    def large(self, spans: int) -> str:
        """Send one trace of ``spans`` spans below one request; answer its trace id."""
        trace_id = uuid.UUID(int=self._random.getrandbits(128)).bytes
        ids = [self._random.getrandbits(64).to_bytes(8, "big") for _ in range(spans)]
        began = time.time_ns() - 300 * 10**9
        starts = [began]
        for first in range(0, spans, 2_000):
            request = ExportTraceServiceRequest()
            resource = request.resource_spans.add()
            resource.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value="import")))
            scope = resource.scope_spans.add()
            for i in range(first, min(first + 2_000, spans)):
                parent = None if i == 0 else self._random.randrange(max(0, i - 300), i) if i % 7 else 0
                if i:
                    starts.append(starts[parent or 0] + self._random.randrange(1, 40) * MS)
                scope.spans.add(
                    trace_id=trace_id,
                    span_id=ids[i],
                    parent_span_id=b"" if parent is None else ids[parent],
                    name=f"row {i % 50}" if i else "POST /import",
                    kind=2 if i == 0 else 1,
                    start_time_unix_nano=starts[i],
                    end_time_unix_nano=starts[i] + (200_000 if i == 0 else self._random.randrange(1, 900)) * MS,
                )
            body = gzip.compress(request.SerializeToString())
            headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
            HTTP.post(f"{self._http}/v1/traces", content=body, headers=headers, timeout=30).raise_for_status()
        return trace_id.hex()


def refused(otlp_http: str) -> None:
    """Send a body that is refused, so that the refusal can be seen."""
    body = base64.b64decode("AAECAwQFBgcICQ==")
    answer = HTTP.post(f"{otlp_http}/v1/traces", content=body, headers={"content-type": "application/x-protobuf"})
    assert answer.status_code == 400

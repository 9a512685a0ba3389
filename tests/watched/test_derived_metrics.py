"""Where CloudWatch is silent, the same figures are read from spans, log lines and the keys of messages."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

import lambda_logs
import otlp
from running import Coldtrail, wait_for

S = 10**9
MINUTE = 60 * S
CLIENT, PRODUCER, CONSUMER, SERVER = 3, 4, 5, 2
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:close:{}"


class Scene:
    """A quiet quarter of an hour, five hours ago; everything is told relative to its beginning, in seconds."""

    def __init__(self, running: Coldtrail) -> None:
        self.running = running
        self.start_ns = time.time_ns() // MINUTE * MINUTE - 300 * MINUTE
        self.spans: list[dict[str, Any]] = []
        self.records: list[bytes] = []

    def span(self, service: str, kind: int, at_s: float, ms: float = 5.0, error: str = "", **attributes: Any) -> dict[str, Any]:
        named = {name.replace("__", "."): value for name, value in attributes.items()}
        one = otlp.span("call", service=service, kind=kind, start_ns=self.start_ns + int(at_s * S), duration_ms=ms, error=error, attributes=named)
        self.spans.append(one)
        return one

    def lines(self, group: str, at_s: float, *lines: str) -> None:
        self.records.append(lambda_logs.payload(group, list(lines), start_ms=self.start_ns // 10**6 + int(at_s * 1000)))

    def deliver(self) -> None:
        assert lambda_logs.deliver(self.running, *self.records).status_code == 200
        assert self.running.post("/v1/traces", otlp.traces(*self.spans)).status_code == 200

    def report(self, function: str, at_s: float, ms: float, more: str = "", *, used_mb: int = 60) -> str:
        request_id = str(uuid.uuid4())
        line = f"REPORT RequestId: {request_id}\tDuration: {ms:.2f} ms\tBilled Duration: {ms:.0f} ms\tMemory Size: 128 MB\tMax Memory Used: {used_mb} MB\t{more}"
        self.lines(f"/aws/lambda/{function}", at_s, line)
        return request_id

    def ask(self, service: str, name: str) -> dict[str, dict[str, Any]]:
        bounds = {word: datetime.fromtimestamp(at / S, UTC).isoformat() for word, at in (("since", self.start_ns), ("until", self.start_ns + 5 * MINUTE))}
        path = f"/functions/{name}/metrics" if service == "lambda" else f"/resources/{name}/metrics"
        kind = {} if service == "lambda" else {"kind": service}
        answer = self.running.api(path, step="60s", **kind, **bounds)
        return {one["id"]: {**one, "by_minute": self._by_minute(one["points"])} for one in answer["metrics"]}

    def _by_minute(self, points: list[dict[str, Any]]) -> dict[int, float]:
        def minute(text: str) -> int:
            return int(datetime.fromisoformat(text[:19] + "+00:00").timestamp() - self.start_ns / S) // 60

        return {minute(one["time"]): one["value"] for one in points}


def function(scene: Scene) -> None:
    for at_s in (10.0, 10.2, 10.4):
        scene.report("place", at_s + 1, 1000.0)
    scene.report("place", 70.0, 400.0, "Init Duration: 321.50 ms\t", used_mb=91)
    scene.report("place", 80.0, 3000.0, "Status: timeout")
    scene.report("other", 10.8, 500.0)
    for error in ("TooManyRequestsException", "", "TooManyRequestsException"):
        scene.span("shop", CLIENT, 130, error=error, faas__invoked_name="place", rpc__method="Invoke")
    scene.span("shop", PRODUCER, 130, aws__eventbridge__event_id="event-of-place")
    scene.span("place", CONSUMER, 142, aws__eventbridge__event_id="event-of-place")
    scene.span("shop", PRODUCER, 131, aws__kinesis__sequence_number="49590000000000000000000001")
    scene.span("place", CONSUMER, 134.5, aws__kinesis__sequence_number="49590000000000000000000001")


def api(scene: Scene) -> None:
    for code in (200, 200, 404, 502):
        gateway = scene.span("shop-api/live", SERVER, 20, 40.0, http__response__status_code=code, aws__xray__origin="AWS::ApiGateway::Stage")
        inner = scene.span("shop-api/live", CLIENT, 20.005, 30.0)
        inner |= {"trace_id": gateway["trace_id"], "parent": gateway["span_id"]}
    answered = [("200", 12, 9), ("500", 80, 70)]
    lines = [{"requestId": str(uuid.uuid4()), "extendedRequestId": "x", "httpMethod": "GET", "resourcePath": "/x", "status": status, "protocol": "HTTP/1.1", "responseLatency": str(all_ms), "integrationLatency": str(inner_ms)} for status, all_ms, inner_ms in answered]
    scene.lines("/aws/apigateway/open-api", 20, *map(json.dumps, lines))


def executions(scene: Scene) -> None:
    def event(number: int, kind: str) -> str:
        return json.dumps({"id": "1", "type": kind, "details": {}, "previous_event_id": "0", "event_timestamp": str(scene.start_ns // 10**6), "execution_arn": EXECUTION.format(f"run-{number}")})

    scene.lines("/aws/vendedlogs/states/close-logs", 5, *(event(number, "ExecutionStarted") for number in range(4)))
    for number, end in enumerate(("Succeeded", "Failed", "Aborted", "TimedOut")):
        scene.lines("/aws/vendedlogs/states/close-logs", 65, event(number, f"Execution{end}"))


def calls(scene: Scene) -> None:
    table = {"db__system__name": "aws.dynamodb", "aws__dynamodb__table_names": ["history"]}
    capacity = {"aws__dynamodb__consumed_capacity": ['{"TableName": "history", "CapacityUnits": 2.5}']}
    scene.span("shop", CLIENT, 30, 12.0, **table, **capacity, rpc__method="PutItem", http__response__status_code=200)
    scene.span("shop", CLIENT, 31, 12.0, **table, **capacity, rpc__method="Query", http__response__status_code=200)
    for code, error in ((400, "ProvisionedThroughputExceededException"), (400, "ValidationException"), (400, "ConditionalCheckFailedException"), (500, "InternalServerError")):
        scene.span("shop", CLIENT, 32, 12.0, error, **table, rpc__method="PutItem", http__response__status_code=code)
    scene.span("shop", CLIENT, 33, **table | {"aws__dynamodb__table_names": ["another"]}, rpc__method="PutItem", http__response__status_code=500, error="InternalServerError")
    for code, error in ((200, ""), (404, "NoSuchKey"), (503, "SlowDown")):
        scene.span("shop", CLIENT, 34, 25.0, error, aws__s3__bucket="files", rpc__method="GetObject", http__response__status_code=code)


def messages(scene: Scene) -> None:
    def send(system: str, name: str, key: str, at_s: float) -> None:
        scene.span("shop", PRODUCER, at_s, messaging__system=system, messaging__destination__name=name, messaging__operation__type="send", messaging__message__id=key)

    def take(system: str, key: str, at_s: float, ms: float, service: str = "packer") -> None:
        scene.span(service, CONSUMER, at_s, ms, messaging__system=system, messaging__operation__type="process", messaging__message__id=key)

    # Sent in the first minute: taken at once, taken in the second minute and again in the third, never taken.
    for key, at_s in (("m-1", 10), ("m-2", 20), ("m-3", 30)):
        send("aws_sqs", "orders", key, at_s)
    take("aws_sqs", "m-1", 12, 5)
    take("aws_sqs", "m-2", 80, 5)
    take("aws_sqs", "m-2", 150, 5)
    for n in range(3):
        send("aws_kinesis", "clicks", f"4959000000000000000000010{n}", 40)
        take("aws_kinesis", f"4959000000000000000000010{n}", 41 + n, 5, "reader")
    scene.span("shop", CLIENT, 45, error="ProvisionedThroughputExceededException", aws__kinesis__stream_name="clicks", rpc__method="PutRecord")
    send("aws_sns", "news", "n-1", 50)
    take("aws_sns", "n-1", 51, 5, "mail")
    take("aws_sns", "n-1", 52, 5, "push")
    send("aws_eventbridge", "shop-bus", "e-1", 53)
    take("aws_eventbridge", "e-1", 57.5, 5, "mail")


def sources(scene: Scene) -> dict[tuple[str, str, str], str]:
    """Where the metrics of the table are from; what is on its way yet is absent."""
    answers = {(service, name): scene.ask(service, name) for service, name, *_ in DERIVED}
    return {(service, name, metric): answers[service, name][metric]["source"] for service, name, metric, _ in DERIVED}


@pytest.fixture(scope="module")
def scene(server: Coldtrail) -> Scene:
    told = Scene(server)
    for tell in (function, api, executions, calls, messages):
        tell(told)
    told.deliver()
    wait_for(lambda: sources(told), lambda found: set(found.values()) == {"derived"})
    wait_for(lambda: told.ask("lambda", "place")["invocations"]["by_minute"], lambda found: sum(found.values()) == 5)
    wait_for(lambda: told.ask("lambda", "place")["account_invocations"]["by_minute"], lambda found: sum(found.values()) == 6)
    ends = ("started", "succeeded", "failed", "aborted", "timed_out")
    wait_for(lambda: [sum(told.ask("stepfunctions", "close")[end]["by_minute"].values()) for end in ends], lambda found: found == [4, 1, 1, 1, 1])
    return told


DERIVED: list[tuple[str, str, str, dict[int, float]]] = [
    ("lambda", "place", "invocations", {0: 3, 1: 2}),
    ("lambda", "place", "errors", {0: 0, 1: 1}),
    ("lambda", "place", "throttles", {2: 2}),
    ("lambda", "place", "concurrent_executions", {0: 3, 1: 1}),
    ("lambda", "place", "duration", {0: 1000}),
    ("lambda", "place", "memory_used", {0: 60, 1: 91}),
    ("lambda", "place", "memory_size", {0: 128, 1: 128}),
    ("lambda", "place", "init_duration", {1: 321.5}),
    ("lambda", "place", "async_event_age", {2: 12_000}),
    ("lambda", "place", "iterator_age", {2: 3500}),
    ("lambda", "place", "account_concurrent_executions", {0: 4, 1: 1}),
    ("lambda", "place", "account_invocations", {0: 4, 1: 2}),
    ("lambda", "place", "account_errors", {0: 0, 1: 1}),
    ("lambda", "place", "account_throttles", {2: 2}),
    ("apigateway", "shop-api", "requests", {0: 4}),
    ("apigateway", "shop-api", "client_errors", {0: 0.25}),
    ("apigateway", "shop-api", "server_errors", {0: 0.25}),
    ("apigateway", "shop-api", "latency", {0: 40}),
    ("apigateway", "shop-api", "integration_latency", {0: 30}),
    ("apigateway", "open-api", "requests", {0: 2}),
    ("apigateway", "open-api", "server_errors", {0: 0.5}),
    ("stepfunctions", "close", "started", {0: 4, 1: 0}),
    ("stepfunctions", "close", "succeeded", {0: 0, 1: 1}),
    ("stepfunctions", "close", "failed", {0: 0, 1: 1}),
    ("stepfunctions", "close", "aborted", {0: 0, 1: 1}),
    ("stepfunctions", "close", "timed_out", {0: 0, 1: 1}),
    ("stepfunctions", "close", "execution_time", {1: 60_000}),
    ("dynamodb", "history", "consumed_read", {0: 2.5}),
    ("dynamodb", "history", "consumed_write", {0: 2.5}),
    ("dynamodb", "history", "throttled_requests", {0: 1}),
    ("dynamodb", "history", "user_errors", {0: 1}),
    ("dynamodb", "history", "system_errors", {0: 1}),
    ("dynamodb", "history", "latency", {0: 12}),
    ("s3", "files", "requests", {0: 3}),
    ("s3", "files", "client_errors", {0: 1}),
    ("s3", "files", "server_errors", {0: 1}),
    ("s3", "files", "latency", {0: 25}),
    ("sqs", "orders", "oldest_message_age", {0: 40_000, 1: 90_000, 2: 150_000, 3: 210_000, 4: 270_000}),
    ("sqs", "orders", "visible", {0: 2, 1: 1, 2: 1, 3: 1, 4: 1}),
    ("sqs", "orders", "in_flight", {0: 1, 1: 1, 2: 1, 3: 0, 4: 0}),
    ("sqs", "orders", "sent", {0: 3, 1: 0, 2: 0, 3: 0, 4: 0}),
    ("sqs", "orders", "received", {0: 1, 1: 1, 2: 1, 3: 0, 4: 0}),
    ("sqs", "orders", "deleted", {0: 1, 1: 0, 2: 1, 3: 0, 4: 0}),
    ("kinesis", "clicks", "iterator_age", {0: 3000}),
    ("kinesis", "clicks", "incoming_records", {0: 3, 1: 0, 2: 0, 3: 0, 4: 0}),
    ("kinesis", "clicks", "outgoing_records", {0: 3, 1: 0, 2: 0, 3: 0, 4: 0}),
    ("kinesis", "clicks", "write_throttled", {0: 1}),
    ("sns", "news", "published", {0: 1, 1: 0, 2: 0, 3: 0, 4: 0}),
    ("sns", "news", "delivered", {0: 2, 1: 0, 2: 0, 3: 0, 4: 0}),
    ("eventbridge", "shop-bus", "invocations", {0: 1, 1: 0, 2: 0, 3: 0, 4: 0}),
    ("eventbridge", "shop-bus", "triggered_rules", {0: 1, 1: 0, 2: 0, 3: 0, 4: 0}),
    ("eventbridge", "shop-bus", "ingestion_to_invocation", {0: 4500}),
]


@pytest.mark.parametrize(("service", "name", "metric", "expected"), DERIVED, ids=[f"{row[0]}-{row[1]}-{row[2]}" for row in DERIVED])
def test_a_figure_is_derived_and_says_so(scene: Scene, service: str, name: str, metric: str, expected: dict[int, float]) -> None:
    found = wait_for(lambda: scene.ask(service, name)[metric], lambda found: {step: found["by_minute"].get(step) for step in expected} == pytest.approx(expected, rel=0.02))
    assert found["source"] == "derived"
    assert found["how"]


def test_what_is_known_of_nobody_is_absent_and_not_zero(scene: Scene) -> None:
    for service, name in (("lambda", "nobody"), ("sqs", "nothing"), ("dynamodb", "nowhere"), ("apigateway", "none"), ("stepfunctions", "never")):
        assert {one["source"] for one in scene.ask(service, name).values() if one["scope"] == "resource"} == {"absent"}


def test_every_metric_that_claims_to_be_derived_is_in_the_table() -> None:
    from coldtrail.services import ALL_SERVICES

    claimed = {(service.id, metric.id) for service in ALL_SERVICES for metric in service.metrics if metric.derived}
    assert claimed == {(service, metric) for service, _, metric, _ in DERIVED}

"""The rules say the same in Python and in the engine: one table of signals, read by both."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import otlp
from coldtrail.model.signals import Log, Span
from coldtrail.services import contexts_of_log, contexts_of_span, contexts_sent, keys_of_log, keys_of_span
from coldtrail.store.engine import Engine
from coldtrail.store.loading.statements import LOAD
from coldtrail.store.schema.migrate import migrate
from coldtrail.wal.segment import varint

DATA = Path(__file__).parents[1] / "data/services"
EVENTS = {path.stem: path.read_text() for path in sorted(DATA.glob("*.json"))}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
W3C = f"00-{TRACE}-00f067aa0ba902b7-01"

SPANS: list[tuple[int, dict[str, Any]]] = [
    *((kind, {"messaging.message.id": "m-1"}) for kind in range(6)),
    (3, {"messaging.message.id": "m-2", "messaging.operation.type": "receive"}),
    (3, {"messaging.message.id": "m-3", "rpc.method": "ReceiveMessage"}),
    (3, {"messaging.message.id": "m-4", "rpc.method": "SendMessage", "messaging.system": "aws.sqs"}),
    (4, {"messaging.message.id": "seq-1", "messaging.system": "aws_kinesis"}),
    (5, {"messaging.message.id": "e-1", "messaging.system": "aws_eventbridge"}),
    (4, {"messaging.message.id": ["m-5", "m-6", "0" * 36, "1" * 60, "x"]}),
    (4, {"messaging.message.id": []}),
    (4, {"messaging.message.id": 7}),
    (4, {"messaging.message.id": "l" * 2_000}),
    (4, {"messaging.message.id": "é" * 300}),
    (3, {"aws.request_id": "C3D13FE58DE4C810", "rpc.method": "PutObject", "aws.s3.bucket": "b", "aws.s3.key": "in/a.csv"}),
    (3, {"aws.request_id": "not-a-change", "rpc.method": "GetObject", "aws.s3.key": "in/a.csv"}),
    (3, {"aws.request_id": "0c8a1f1e-0000-4000-8000-00000000aaa2", "rpc.method": "Invoke"}),
    (3, {"aws.xray.aws.message_id": "m-7", "rpc.method": "SendMessage"}),
    (3, {"aws.xray.aws.bucket_name": "b", "aws.xray.aws.key": "k", "aws.request_id": "R1", "rpc.method": "PutObject"}),
    (2, {"aws.xray.aws.api_gateway.request_id": "gw-1"}),
    (2, {"faas.invocation_id": "r-1", "correlation_id": "c-1", "app.correlationId": "c-2", "http.request.header.x-correlation-id": ["c-3"]}),
    (1, {"app.correlation_id": "c-4", "correlation_id_not": "no"}),
    (5, {"aws.step_functions.execution.arn": "arn:aws:states:::execution:a:b"}),
    (3, {"aws.step_functions.execution.arn": "arn:aws:states:::execution:a:c"}),
    (2, {"http.request.header.traceparent": [W3C], "baggage": "userId=5, correlationId=c-5;p=1,workflow_id=w-6"}),
    (2, {"messaging.header.traceparent": W3C}),
    (3, {"http.request.header.traceparent": W3C}),
    (5, {"messageAttributes.AWSTraceHeader.stringValue": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}),
    (2, {"http.request.header.x-amzn-trace-id": ["Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793"]}),
    (2, {"http.request.header.b3": ["80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"]}),
    (2, {"http.request.header.x-b3-traceid": "80f198ee56343ba864fe8b2a57d3eff8", "http.request.header.x-b3-spanid": "e457b5a2e4d86bd1"}),
    (4, {"cloudevents.event_id": "ce-1"}),
    *((kind, {"sns_message_id": "n-1", "published_message_id": "n-2"}) for kind in range(6)),
    (1, {"aws.sns.message_id": "n-3", "messaging.operation.type": "process"}),
    (3, {"http.request.header.x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}),
    (5, {"cloudevents.event_id": "ce-1", "cloudevents.traceparent": W3C}),
    (2, {"x": "y"}),
    *((2, {"faas.event": text}) for text in EVENTS.values()),
    (2, {"faas.event": "{broken"}),
    (2, {"faas.event": '["a", 5, {"messageId": null, "eventSource": "aws:sqs"}]'}),
]
EVENT_ATTRIBUTES = frozenset(("faas.event", "aws.lambda.event"))
LOGS: list[tuple[str, dict[str, Any]]] = [
    ("", {"message_id": "m-1", "sent_message_id": "m-2", "correlationId": "c-1"}),
    ("", {"sent_message_ids": '["m-3","m-4"]', "response.Successful": '[{"Id":"1","MessageId":"m-5"},{"Id":"2","MessageId":"m-6"}]'}),
    ("", {"response.Entries": '[{"EventId":"e-1"},{"ErrorCode":"x"}]', "result.MessageId": "m-7", "MessageId": "m-8"}),
    ("", {"put_sequence_number": "s-1", "sequence_number": "s-2", "faas.invocation_id": "r-1"}),
    ("platform.start", {"faas.invocation_id": "r-2", "aws.xray.trace_id": "1-5759e988-bd862e3fe1be46a994272793"}),
    ("", {"execution_arn": "arn:1", "type": "TaskSucceeded"}),
    ("", {"execution_arn": "arn:2", "type": "my own"}),
    ("", {"execution_arn": "arn:3"}),
    ("stepfunctions.TaskSucceeded", {"aws.step_functions.task.request_id": "r-3", "aws.step_functions.task.message_id": "m-9"}),
    ("", {"aws.step_functions.task.request_id": "r-4"}),
    ("", {"headers.traceparent": W3C, "detail.correlationId": "c-7"}),
    *(("", {"aws.lambda.event": text}) for text in EVENTS.values()),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("rules")
    made = Engine(f"chdb://{folder / 'store'}")
    migrate(made, {"spans": 10**8, "logs": 10**8, "metrics": 10**8})
    yield made
    made.close()


def stored(engine: Engine, folder: Path, spans: list[tuple[int, dict[str, Any]]], logs: list[tuple[str, dict[str, Any]]]) -> dict[int, set[tuple[str, str, str]]]:
    """Load the signals, and return by number what the engine's views made of them: spans first, then logs."""
    at_ns = time.time_ns()
    bodies = {
        "traces": otlp.traces(*(otlp.span(kind=kind, attributes=attributes, span_id=(number + 1).to_bytes(8), start_ns=at_ns) for number, (kind, attributes) in enumerate(spans))),
        "logs": otlp.logs(*({"event_name": event, "attributes": attributes, "time_ns": at_ns + len(spans) + number} for number, (event, attributes) in enumerate(logs))),
    }
    engine.command("TRUNCATE TABLE keys")
    for signal, body in bodies.items():
        segment = folder / f"{signal}-{at_ns}.seg"
        segment.write_bytes(varint(len(body)) + body)
        for table, statement in LOAD[signal]:  # type: ignore[index]
            engine.load(statement, signal, segment, int(time.time()), f"{signal}-{at_ns}-{table}")  # type: ignore[arg-type]
    rows = engine.rows("SELECT kind, value, toString(role), reinterpretAsUInt64(reverse(span_id)) AS span, toUnixTimestamp64Nano(time) FROM keys")
    found: dict[int, set[tuple[str, str, str]]] = {}
    for kind, value, role, span, time_ns in rows:
        found.setdefault(span - 1 if span else time_ns - at_ns, set()).add((kind, value, role))
    return found


def told(signal: Span | Log) -> set[tuple[str, str, str]]:
    keys, contexts = (keys_of_span(signal), contexts_of_span(signal)) if isinstance(signal, Span) else (keys_of_log(signal), contexts_of_log(signal))
    sent = contexts_sent(signal) if isinstance(signal, Span) else ()
    return {(key.kind, key.value, key.role) for key in keys} | {("trace_id", one.trace_id, "takes") for one in contexts} | {("trace_id", one.trace_id, "gives") for one in sent}


def python(spans: list[tuple[int, dict[str, Any]]], logs: list[tuple[str, dict[str, Any]]]) -> dict[int, set[tuple[str, str, str]]]:
    signals: list[Span | Log] = [Span("a" * 32, "b" * 16, "", 1, 2, kind=kind, attributes=attributes) for kind, attributes in spans]
    signals += [Log(1, event_name=event, attributes=attributes) for event, attributes in logs]
    return {number: keys for number, signal in enumerate(signals) if (keys := told(signal))}


def holds_event(attributes: dict[str, Any]) -> bool:
    return not EVENT_ATTRIBUTES.isdisjoint(attributes)


def test_the_engine_and_python_read_the_same_keys(engine: Engine, tmp_path: Path) -> None:
    by_engine, by_python = stored(engine, tmp_path, SPANS, LOGS), python(SPANS, LOGS)
    for number, (_, attributes) in enumerate([*SPANS, *LOGS]):
        if not holds_event(attributes):
            assert by_engine.get(number, set()) == by_python.get(number, set()), json.dumps(attributes)[:300]


def test_the_engine_lists_every_key_of_an_event_and_few_others(engine: Engine, tmp_path: Path) -> None:
    signals: list[Any] = [(2, {"faas.event": text}) for text in EVENTS.values()]
    by_engine, by_python = stored(engine, tmp_path, signals, []), python(signals, [])
    for number, name in enumerate(EVENTS):
        told_by_engine, told_by_python = ({(kind, value) for kind, value, _ in found.get(number, set())} for found in (by_engine, by_python))
        assert told_by_python <= told_by_engine, name
        assert len(told_by_engine) <= len(told_by_python) + 4, name


texts = st.one_of(st.text(max_size=40), st.sampled_from([W3C, "m-1", "[", '["a","b"]', '[{"MessageId":"x"}]', "{}", '{"Records":[{"eventSource":"aws:sqs","messageId":"m"}]}', "correlationId=c-1", *EVENTS.values()]))
values = st.one_of(texts, st.integers(-5, 5), st.booleans(), st.lists(st.text("abc-0123456789", max_size=50), max_size=4))
names = st.sampled_from(["messaging.message.id", "aws.request_id", "rpc.method", "faas.event", "correlation_id", "a.correlationId", "baggage", "traceparent", "http.request.header.traceparent", "message_id", "response.Successful", "sent_message_ids", "execution_arn", "type", "other", "aws.s3.key", "aws.s3.bucket", "é.correlation_id"])
signals = st.dictionaries(names, values, max_size=5)


@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(spans=st.lists(st.tuples(st.integers(0, 5), signals), min_size=40, max_size=60), logs=st.lists(st.tuples(st.sampled_from(["", "platform.start", "stepfunctions.TaskSucceeded"]), signals), min_size=40, max_size=60))
def test_any_attributes_are_read_alike_and_stop_no_load(engine: Engine, tmp_path: Path, spans: list[Any], logs: list[Any]) -> None:
    by_engine, by_python = stored(engine, tmp_path, spans, logs), python(spans, logs)
    for number, signal in enumerate([*spans, *logs]):
        if not holds_event(signal[1]):
            assert by_engine.get(number, set()) == by_python.get(number, set()), signal

"""Few bytes that would become much memory are refused before anything is made of them."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable

import pytest

from coldtrail.model.exports import TooLarge
from coldtrail.model.wire import varint, write_field
from coldtrail.receivers import cloudevents, cloudwatch_logs, firehose, otlp, telemetry_api
from coldtrail.receivers.bounds import MOST_FIELDS, MOST_ITEMS, MOST_JSON_VALUES, check_json, check_protobuf
from coldtrail.receivers.xray import put_trace_segments
from otlp import span, traces

MANY = MOST_ITEMS + 100_000


def empty(number: int, count: int) -> bytes:
    """So many empty messages in a field: two bytes each."""
    return write_field(number, b"") * count


def items(content: bytes) -> bytes:
    return write_field(1, write_field(2, content))


def point_bomb(kind: int) -> bytes:
    return items(write_field(2, write_field(kind, empty(1, MANY))))


BOMBS = {
    "groups": ("logs", empty(1, MANY)),
    "spans": ("traces", items(empty(2, MANY))),
    "metrics": ("metrics", items(empty(2, MANY))),
    "links": ("traces", items(write_field(2, empty(13, MANY)))),
    "links over spans": ("traces", items(write_field(2, empty(13, 1_000)) * 600)),
    "summary points": ("metrics", point_bomb(11)),
    "fields": ("traces", items(write_field(2, varint(99 << 3) + b"\0") + write_field(2, (varint(99 << 3) + b"\0") * (MOST_FIELDS + 1)))),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_request_of_very_many_small_things_is_too_large(name: str) -> None:
    signal, body = BOMBS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLarge, match="send smaller batches"):
        otlp.accept(signal, body)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


def test_a_large_request_of_things_of_usual_size_is_counted_and_taken() -> None:
    one = traces(*(span(attributes={f"key.{number}": "x" * 20 for number in range(20)}) for _ in range(200)))
    body = one * 20
    assert len(body) > 2 << 20
    check_protobuf("traces", body)
    assert otlp.accept("traces", body).exports[0].items == 4_000


def test_a_broken_request_is_left_to_the_parser() -> None:
    for body in (b"\xff" * (2 << 20), items(b"x" * (2 << 20))[:-1], b"\x0a\xff" + bytes(2 << 20)):
        check_protobuf("traces", body)


TAKERS: dict[str, Callable[[bytes], object]] = {
    "otlp": lambda body: otlp.accept("traces", body, json=True), "cloudwatch": cloudwatch_logs.translate_payload, "firehose": firehose.parse_delivery,
    "xray": put_trace_segments, "telemetry": telemetry_api.translate, "cloudevents": lambda body: cloudevents.translate(body, "application/cloudevents-batch+json", {}, 0),
}


@pytest.mark.parametrize("name", TAKERS)
def test_json_of_very_many_values_is_too_large_for_every_protocol(name: str) -> None:
    with pytest.raises(TooLarge, match="JSON values"):
        TAKERS[name](b"[" + b"{}," * MOST_JSON_VALUES + b"{}]")


def test_json_of_usual_density_may_be_large() -> None:
    line = json.dumps({"level": "INFO", "message": "took it", "order": {"id": "o-17", "lines": [1, 2]}, "text": "x" * 200})
    check_json(json.dumps({"logEvents": [{"id": "1", "timestamp": 1, "message": line}] * 60_000}).encode())

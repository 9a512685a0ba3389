"""A request of many spans is judged as each of them would be alone, though it is not read span by span."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.exports import Translation
from coldtrail.receivers import otlp

NOW_NS, PAST_2100_NS = 1_790_000_000 * 10**9, 4_102_444_801 * 10**9
SOUND = {
    "trace_id": b"t" * 16,
    "span_id": b"s" * 8,
    "start_time_unix_nano": NOW_NS,
    "end_time_unix_nano": NOW_NS + 5,
}
FAULTS = (
    {"trace_id": b""},
    {"trace_id": bytes(16)},
    {"trace_id": b"t" * 15},
    {"span_id": b""},
    {"span_id": bytes(8)},
    {"span_id": b"s" * 9},
    {"parent_span_id": b"p" * 7},
    {"start_time_unix_nano": 0},
    {"start_time_unix_nano": PAST_2100_NS},
    {"end_time_unix_nano": PAST_2100_NS},
    {"kind": 300},
    {"kind": -1},
    {"status": {"code": 300}},
    {"links": [{"trace_id": b"t" * 16, "span_id": b"s" * 8}, {"trace_id": b"t" * 16}]},
)
FINE = (
    {},
    {"parent_span_id": b"p" * 8},
    {"end_time_unix_nano": 0},
    {"kind": 3, "status": {"code": 2, "message": "broke"}},
    {"links": [{"trace_id": b"u" * 16, "span_id": b"v" * 8}]},
)


def request(groups: list[list[list[dict]]]) -> bytes:
    """Spans by resource and scope."""
    made = ExportTraceServiceRequest()
    for scopes in groups:
        group = made.resource_spans.add()
        for spans in scopes:
            scope = group.scope_spans.add()
            for one in spans:
                scope.spans.add(name="work", **SOUND | one)
    return made.SerializeToString()


def told(translation: Translation) -> tuple[int, int]:
    return sum(export.items for export in translation.exports), translation.rejected_items


spans = st.sampled_from(FINE) | st.sampled_from(FAULTS)


@settings(deadline=None)
@given(st.lists(st.lists(st.lists(st.sampled_from(FINE) | spans, max_size=4), max_size=3), max_size=3))
def test_a_request_keeps_and_refuses_what_its_spans_would_alone(groups: list[list[list[dict]]]) -> None:
    alone = [told(otlp.accept("traces", request([[[one]]]))) for scopes in groups for some in scopes for one in some]
    assert told(otlp.accept("traces", request(groups))) == (sum(kept for kept, _ in alone), sum(no for _, no in alone))


def test_every_fault_is_one_and_what_is_fine_is_kept() -> None:
    assert [told(otlp.accept("traces", request([[[one]]]))) for one in FAULTS] == [(0, 1)] * len(FAULTS)
    assert [told(otlp.accept("traces", request([[[one]]]))) for one in FINE] == [(1, 0)] * len(FINE)

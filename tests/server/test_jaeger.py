"""The Jaeger query API: what a Jaeger would answer for the same OTLP, in the very same JSON."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.signals import Event, Link, Resource, Scope, Span
from coldtrail.receivers.attributes import key_value
from coldtrail.server.api import jaeger_shapes as shapes
from coldtrail.server.api.jaeger_query import duration_ns, search_of
from otlp import span, traces
from running import HTTP, Coldtrail, wait_for

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "jaeger" / "trace.json"
START_NS = 1_795_000_000_123_456_789


def ask(coldtrail: Coldtrail, path: str, **asked: Any) -> httpx.Response:
    return HTTP.get(f"{coldtrail.url}/jaeger/api{path}", params=asked, headers=coldtrail.headers, timeout=30)


def data(coldtrail: Coldtrail, path: str, **asked: Any) -> Any:
    answer = ask(coldtrail, path, **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def every_kind_of_field() -> list[Span]:
    """Spans with all that OTLP can say, as the API reads them back."""
    shop = Resource({"service.name": "shop", "faas.name": "shop-fn", "cloud.account.id": "123456789012"})
    scope = Scope("opentelemetry.instrumentation.aws_lambda", "0.54b0")
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    root = Span(
        trace_id,
        "b7ad6b7169203331",
        "POST /orders",
        START_NS,
        START_NS + 48_000_999,
        kind=2,
        flags=0x101,
        attributes={
            "http.response.status_code": 500,
            "retry": False,
            "ratio": 0.25,
            "big": 9_007_199_254_740_993,
            "raw": b"\x00\x01",
            "names": ["a", "b"],
            "nested": {"k": 1},
            "empty": None,
        },
        status_code=2,
        status_message="upstream failed",
        trace_state="vendor=1",
        events=(Event("exception", START_NS + 10_000, {"exception.type": "ConnectionError", "handled": True}),),
        resource=shop,
        scope=scope,
    )
    child = Span(trace_id, "00f067aa0ba902b7", "send orders", START_NS + 5_000_000, START_NS + 6_000_000, parent_span_id=root.span_id, kind=4, resource=shop, scope=scope)
    link = Link("4bf92f3577b34da6a3ce929d0e0e4736", "53995c3f42cd8ad8")
    taken = Span(trace_id, "0102030405060708", "worker", START_NS + 90_000_000, START_NS + 80_000_000, parent_span_id=child.span_id, kind=5, status_code=1, links=(link,), resource=Resource({"service.name": "worker"}))
    return [root, child, taken]


def test_a_trace_is_the_json_that_jaeger_gives() -> None:
    """The golden file was written by hand after Jaeger's UI model and the Collector's translation of OTLP to Jaeger."""
    told = shapes.envelope([shapes.trace("0af7651916cd43dd8448eb211c80319c", every_kind_of_field())])
    assert told == json.loads(GOLDEN.read_text())


@pytest.fixture(scope="module")
def shop(coldtrail: Coldtrail) -> dict[str, Any]:
    """Five traces of a shop, the third slow and failed, each a call to a store; ids newest first."""
    name, now_ns = f"shop-{os.urandom(3).hex()}", time.time_ns()
    sent = []
    for number in range(5):
        trace_id = os.urandom(16)
        slow = number == 2
        root = span("GET /cart", service=name, trace_id=trace_id, kind=2, start_ns=now_ns - (number + 1) * 40 * 10**9, duration_ms=900.0 if slow else 30.0, error="TimeoutError" if slow else "", attributes={"user.id": f"user-{number}", "http.response.status_code": 504 if slow else 200, "cached": number % 2 == 0})
        call = span("store.get", service=name, trace_id=trace_id, parent=root["span_id"], kind=3, start_ns=root["start_ns"] + 10**6, duration_ms=5.0)
        served = span("get", service=f"{name}-store", trace_id=trace_id, parent=call["span_id"], kind=2, start_ns=root["start_ns"] + 2 * 10**6, duration_ms=3.0)
        sent += [root, call, served]
    coldtrail.post("/v1/traces", traces(*sent))
    ids = [sent[number]["trace_id"].hex() for number in range(0, len(sent), 3)]
    wait_for(lambda: [len(data(coldtrail, "/traces", traceID=ids)), len(ask(coldtrail, "/traces", service=name).json()["data"] or [])], lambda found: found == [5, 5])
    return {"service": name, "ids": ids, "since_us": (now_ns - 3600 * 10**9) // 1_000}


def found(coldtrail: Coldtrail, shop: dict[str, Any], **asked: Any) -> list[str]:
    return [one["traceID"] for one in data(coldtrail, "/traces", service=shop["service"], **asked)]


@pytest.mark.both_stores
def test_the_answer_has_jaegers_envelope(coldtrail: Coldtrail, shop: dict[str, Any]) -> None:
    services = wait_for(lambda: ask(coldtrail, "/services").json(), lambda answer: {shop["service"], f"{shop['service']}-store"} <= set(answer["data"]))
    assert services == {"data": sorted(services["data"]), "total": len(services["data"]), "limit": 0, "offset": 0, "errors": None}


@pytest.mark.both_stores
def test_operations_are_the_names_and_kinds_of_spans(coldtrail: Coldtrail, shop: dict[str, Any]) -> None:
    wait_for(lambda: data(coldtrail, f"/services/{shop['service']}/operations"), lambda names: names == ["GET /cart", "store.get"])
    every = [{"name": "GET /cart", "spanKind": "server"}, {"name": "store.get", "spanKind": "client"}]
    assert data(coldtrail, "/operations", service=shop["service"]) == every
    assert data(coldtrail, "/operations", service=shop["service"], spanKind="client") == every[1:]
    assert data(coldtrail, "/operations", service="nobody") == []
    assert ask(coldtrail, f"/services/{shop['service']}/elsewhere").status_code == 404


def test_a_services_name_may_hold_slashes(coldtrail: Coldtrail) -> None:
    name = f"shop/{os.urandom(3).hex()}/cart"
    coldtrail.post("/v1/traces", traces(span("add", service=name)))
    escaped = name.replace("/", "%2F")
    wait_for(lambda: data(coldtrail, f"/services/{escaped}/operations"), lambda names: names == ["add"])


@pytest.mark.both_stores
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"limit": 2}, [0, 1]),
        ({"operation": "store.get"}, [0, 1, 2, 3, 4]),
        ({"operation": "nothing"}, []),
        ({"minDuration": "100ms"}, [2]),
        ({"minDuration": "1s"}, []),
        ({"operation": "GET /cart", "maxDuration": "100ms"}, [0, 1, 3, 4]),
        ({"tags": '{"user.id": "user-3"}'}, [3]),
        ({"tags": '{"http.response.status_code": "504"}'}, [2]),
        ({"tags": '{"cached": "false"}'}, [1, 3]),
        ({"tags": '{"error": "true"}'}, [2]),
        ({"tag": "exception.type:TimeoutError"}, [2]),
        ({"tag": "event:exception"}, [2]),
        ({"tags": '{"span.kind": "server", "user.id": "user-0"}'}, [0]),
        ({"tags": '{"otel.status_code": "ERROR"}'}, [2]),
        ({"tag": ["user.id:user-1", "cached:false"]}, [1]),
        ({"tag": ["user.id:user-1", "cached:true"]}, []),
    ],
)
def test_a_search_finds_the_traces_that_jaeger_would(coldtrail: Coldtrail, shop: dict[str, Any], asked: dict[str, Any], expected: list[int]) -> None:
    assert found(coldtrail, shop, **asked) == [shop["ids"][number] for number in expected]


@pytest.mark.both_stores
def test_a_tag_may_be_the_resources(coldtrail: Coldtrail, shop: dict[str, Any]) -> None:
    assert found(coldtrail, shop, tag=f"service.name:{shop['service']}") == shop["ids"]


def test_times_are_microseconds(coldtrail: Coldtrail, shop: dict[str, Any]) -> None:
    first = data(coldtrail, f"/traces/{shop['ids'][1]}")[0]["spans"][0]["startTime"]
    calls = {"operation": "GET /cart"}
    assert found(coldtrail, shop, **calls, start=first, end=first) == [shop["ids"][1]]
    assert found(coldtrail, shop, **calls, start=first + 1) == shop["ids"][:1]
    assert found(coldtrail, shop, start=1, end=2) == []


def test_the_figures_are_those_of_the_spans(coldtrail: Coldtrail, shop: dict[str, Any]) -> None:
    for trace_id in shop["ids"]:
        ours = coldtrail.api("/spans", trace_id=trace_id)["spans"]
        (theirs,) = data(coldtrail, f"/traces/{trace_id}")
        assert [one["spanID"] for one in theirs["spans"]] == [one["span_id"] for one in ours]
        for one, our in zip(theirs["spans"], ours, strict=True):
            assert one["operationName"] == our["name"]
            assert theirs["processes"][one["processID"]]["serviceName"] == our["resource"]["attributes"]["service.name"]
            assert one["duration"] == int(our["duration_ms"] * 1_000 + 0.5)
            parent = [{"refType": "CHILD_OF", "traceID": trace_id, "spanID": our["parent_span_id"]}] if our["parent_span_id"] else []
            assert one["references"] == parent
            tags = {tag["key"]: tag["value"] for tag in one["tags"]}
            assert our["attributes"].items() <= tags.items()


def test_ids_may_be_short_upper_case_or_x_rays(coldtrail: Coldtrail) -> None:
    trace_id = bytes(8) + os.urandom(8)
    coldtrail.post("/v1/traces", traces(span(trace_id=trace_id)))
    short = trace_id.hex().lstrip("0")
    wait_for(lambda: ask(coldtrail, f"/traces/{short}"), lambda answer: answer.status_code == 200)
    upper = data(coldtrail, f"/traces/{trace_id.hex().upper()}")
    assert upper[0]["traceID"] == trace_id.hex()
    assert ask(coldtrail, "/traces/1-5759e988-bd862e3fe1be46a994272793").status_code == 404


def test_several_traces_are_asked_for_by_their_ids(coldtrail: Coldtrail, shop: dict[str, Any]) -> None:
    missing = os.urandom(16).hex()
    answer = ask(coldtrail, "/traces", traceID=[shop["ids"][3], missing, shop["ids"][0]]).json()
    assert [one["traceID"] for one in answer["data"]] == [shop["ids"][3], shop["ids"][0]]
    assert answer["errors"] == [{"msg": "trace not found", "traceID": missing}]


def test_dependencies_count_calls_between_services(coldtrail: Coldtrail, shop: dict[str, Any]) -> None:
    pair = {"parent": shop["service"], "child": f"{shop['service']}-store", "callCount": 5}
    wait_for(lambda: data(coldtrail, "/dependencies", endTs=time.time_ns() // 10**6, lookback=3_600_000), lambda links: pair in links)
    assert data(coldtrail, "/dependencies", endTs=time.time_ns() // 10**6, lookback=3_600_000, service=f"{shop['service']}-store") == [pair]
    assert pair not in data(coldtrail, "/dependencies", endTs=1_000_000, lookback=1_000)


@pytest.mark.parametrize(
    ("path", "asked", "status", "words"),
    [
        ("/traces", {}, 400, "parameter 'service' is required"),
        ("/operations", {}, 400, "parameter 'service' is required"),
        ("/traces", {"service": "a", "start": "yesterday"}, 400, "unable to parse param 'start'"),
        ("/traces", {"service": "a", "minDuration": "5 apples"}, 400, "unable to parse param 'minDuration'"),
        ("/traces", {"service": "a", "minDuration": "5s", "maxDuration": "1s"}, 400, "'maxDuration' should be greater"),
        ("/traces", {"service": "a", "tags": "{"}, 400, "malformed 'tags' parameter"),
        ("/traces", {"service": "a", "tag": "novalue"}, 400, "malformed 'tag' parameter"),
        ("/traces/xyz", {}, 400, "traceID must be"),
        ("/traces/00000000000000000000000000000bad", {}, 404, "trace not found"),
    ],
)
def test_what_cannot_be_answered_is_an_error_in_the_envelope(coldtrail: Coldtrail, path: str, asked: dict[str, str], status: int, words: str) -> None:
    answer = ask(coldtrail, path, **asked)
    body = answer.json()
    assert (answer.status_code, body["data"], body["errors"][0]["code"]) == (status, None, status)
    assert words in body["errors"][0]["msg"]


def test_names_of_others_are_bound_not_spliced(coldtrail: Coldtrail, shop: dict[str, Any]) -> None:
    nasty = "x' OR 1=1 -- \\ {service:String}"
    assert data(coldtrail, "/traces", service=nasty, operation=nasty, tags=json.dumps({nasty: nasty})) == []
    assert data(coldtrail, "/operations", service=nasty) == []
    assert found(coldtrail, shop, tags=json.dumps({nasty: nasty})) == []


units = st.sampled_from([("ns", 1), ("us", 10**3), ("µs", 10**3), ("ms", 10**6), ("s", 10**9), ("m", 60 * 10**9), ("h", 3600 * 10**9)])


@given(parts=st.lists(st.tuples(st.integers(0, 999), units), min_size=1, max_size=5))
def test_durations_are_gos(parts: list[tuple[int, tuple[str, int]]]) -> None:
    text = "".join(f"{number}{unit}" for number, (unit, _) in parts)
    assert duration_ns(text, "minDuration") == sum(number * factor for number, (_, factor) in parts)
    assert duration_ns("1.5s", "minDuration") == 1_500_000_000


@given(tags=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=5))
def test_tags_of_any_text_are_read_as_they_are(tags: dict[str, str]) -> None:
    assert search_of({"service": ["a"], "tags": [json.dumps(tags)]}).tags == tags


def test_an_export_of_a_real_sdk_reads_back_with_its_types(coldtrail: Coldtrail) -> None:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend([key_value("service.name", "typed"), key_value("replicas", 3)])
    trace_id = os.urandom(16)
    sent = group.scope_spans.add().spans.add(name="op", trace_id=trace_id, span_id=os.urandom(8), kind=1, start_time_unix_nano=START_NS, end_time_unix_nano=START_NS + 1_500)
    sent.attributes.extend([key_value("b", True), key_value("i", 2**60), key_value("f", 1.5), key_value("s", "x")])
    coldtrail.post("/v1/traces", request.SerializeToString())
    answer = wait_for(lambda: ask(coldtrail, f"/traces/{trace_id.hex()}"), lambda one: one.status_code == 200)
    (trace,) = answer.json()["data"]
    assert trace["processes"] == {"p1": {"serviceName": "typed", "tags": [{"key": "replicas", "type": "int64", "value": 3}]}}
    (one,) = trace["spans"]
    assert (one["startTime"], one["duration"]) == (START_NS // 1_000, 1)
    assert sorted(one["tags"], key=lambda tag: tag["key"]) == [
        {"key": "b", "type": "bool", "value": True},
        {"key": "f", "type": "float64", "value": 1.5},
        {"key": "i", "type": "int64", "value": str(2**60)},
        {"key": "s", "type": "string", "value": "x"},
        {"key": "span.kind", "type": "string", "value": "internal"},
    ]

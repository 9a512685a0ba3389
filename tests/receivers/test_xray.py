"""X-Ray documents: nothing is lost, and nothing but `Malformed` comes of nonsense."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.exports import Malformed
from coldtrail.model.xray_ids import hex_to_xray_trace_id, xray_trace_id_to_hex
from coldtrail.receivers.xray import Senders, name_subsegments, read_datagram, translate_datagram
from coldtrail.store.anyvalue import plain

HEADER = b'{"format": "json", "version": 1}\n'
DOCUMENTS = Path(__file__).parents[1] / "data/xray"


def translate(document: bytes) -> tuple[dict[str, Any], list[Any]]:
    request = ExportTraceServiceRequest.FromString(translate_datagram(HEADER + document).exports[0].body)
    group = request.resource_spans[0]
    resource = {pair.key: plain(pair.value) for pair in group.resource.attributes}
    return resource, list(group.scope_spans[0].spans)


def attributes(span: Any) -> dict[str, Any]:
    return {pair.key: plain(pair.value) for pair in span.attributes}


def test_a_sample_server_segment_becomes_a_server_span() -> None:
    resource, (span,) = translate((DOCUMENTS / "awsValidAwsFields.txt").read_bytes())
    got = attributes(span)
    assert (span.name, span.kind, span.trace_id.hex(), span.span_id.hex()) == ("SampleServer", 2, "5f2aebccb475d14618c51eaa28753d37", "bda182a644eee9b3")
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1596648396639944600, 1596648396640138900)
    assert (got["http.request.method"], got["url.full"], got["http.response.status_code"]) == ("GET", "http://localhost:8000/", 200)
    assert (resource["service.name"], resource["cloud.account.id"]) == ("SampleServer", "000000000000")
    assert resource["aws.xray.elastic_beanstalk.deployment_id"] == 32
    assert got["aws.xray.document.Dummy"] is False


def test_sql_in_progress_and_exception_ids_are_kept() -> None:
    _, (sql,) = translate((DOCUMENTS / "indepSubsegmentWithSql.txt").read_bytes())
    assert attributes(sql)["db.query.text"] == "SELECT  *  FROM  customers  WHERE  customer_id=?;"
    _, (open_one,) = translate((DOCUMENTS / "minInProgress.txt").read_bytes())
    assert attributes(open_one)["aws.xray.in_progress"] is True
    _, (failed,) = translate((DOCUMENTS / "minCauseIsExceptionId.txt").read_bytes())
    assert (failed.status.code, attributes(failed)["aws.xray.cause.exception_id"]) == (2, "abcdefghijklmnop")


def test_a_document_without_a_start_is_refused_by_name() -> None:
    with pytest.raises(Malformed, match="start_time"):
        translate((DOCUMENTS / "segmentValidationFailed.txt").read_bytes())


scalars = st.one_of(st.booleans(), st.integers(-(2**40), 2**40), st.text(max_size=12))
names = st.text("abcdefghijk_", min_size=1, max_size=8)
blocks = st.recursive(st.dictionaries(names, scalars, max_size=3), lambda inner: st.dictionaries(names, st.one_of(scalars, inner), max_size=3), max_leaves=8)


@settings(max_examples=120, deadline=None)
@given(annotations=st.dictionaries(names, scalars, max_size=4), aws=blocks, http=blocks, extra=blocks, fault=st.booleans())
def test_every_leaf_of_a_document_is_found_in_the_span(annotations: dict, aws: dict, http: dict, extra: dict, fault: bool) -> None:
    document = {"name": "n", "id": "53995c3f42cd8ad8", "trace_id": "1-581cf771-a006649127e371903a2de979", "start_time": 1.5e9, "end_time": 1.5e9 + 1, "fault": fault, "annotations": annotations, "aws": aws, "http": http, "unknown_block": extra}
    resource, (span,) = translate(json.dumps(document).encode())
    found = {json.dumps(value) for value in [*attributes(span).values(), *resource.values()]} | {str(value) for value in attributes(span).values()}
    for leaf in _leaves([annotations, aws, http, extra]):
        assert json.dumps(leaf) in found


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.recursive(st.one_of(st.none(), scalars, st.floats()), lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "id", "trace_id", "start_time", "end_time", "subsegments", "cause", "aws", "http", "links", "metadata", "exceptions", "stack"]), inner, max_size=6)), max_leaves=20).map(lambda value: json.dumps(value).encode())))
def test_nonsense_is_malformed_and_nothing_else(document: bytes) -> None:
    with contextlib.suppress(Malformed):
        translate_datagram(HEADER + document)


@given(st.binary(min_size=16, max_size=16).map(bytes.hex))
def test_trace_ids_go_both_ways(trace_id: str) -> None:
    assert xray_trace_id_to_hex(hex_to_xray_trace_id(trace_id)) == trace_id
    assert xray_trace_id_to_hex(hex_to_xray_trace_id(trace_id.upper())) == trace_id


@pytest.mark.parametrize("text", ["", "1-5759e988-bd862e3fe1be46a994272793\n", "1-5759e988-bd862e3fe1be46a99427279", "2-5759e988-bd862e3fe1be46a994272793", "1-5759e98g-bd862e3fe1be46a994272793"])
def test_what_is_no_trace_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="X-Ray trace id"):
        xray_trace_id_to_hex(text)
    with pytest.raises(ValueError, match="32 hex digits"):
        hex_to_xray_trace_id(text)


def test_a_sender_that_told_of_two_services_is_unknown_and_the_longest_silent_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coldtrail.receivers.xray.emitters.MOST_SENDERS", 2)
    senders, shop, mail = Senders(), (("service.name", "shop"),), (("service.name", "mail"),)
    addresses = [("127.0.0.1", port) for port in range(4)]
    assert senders.heard(addresses[0], ()) == ()
    assert senders.heard(addresses[0], shop) == senders.heard(addresses[0], ()) == shop
    assert senders.heard(addresses[0], mail) == senders.heard(addresses[0], shop) == senders.heard(addresses[0], ()) == ()
    assert [senders.heard(one, shop) for one in addresses[1:3]] == [shop, shop]
    assert (senders.heard(addresses[1], ()), senders.heard(addresses[0], mail)) == (shop, mail)


def test_in_lambda_the_services_segment_tells_whose_the_subsegments_of_a_sandbox_are() -> None:
    sandbox, service, senders = ("127.0.0.1", 4001), ("127.0.0.1", 4002), Senders()
    names = []
    for number in range(2):
        trace_id, ids = f"1-5759e988-{number:024x}", {"end_time": 1.5, "start_time": 1.0}
        called = {"name": "dynamodb", "id": "c" * 16, "parent_id": "a" * 16, "type": "subsegment", "trace_id": trace_id, **ids}
        segment = {"name": "mail", "id": "a" * 16, "origin": "AWS::Lambda::Function", "trace_id": trace_id, **ids}
        for sender, document in ((sandbox, called), (service, segment)):
            read = read_datagram(HEADER + json.dumps(document).encode())
            name_subsegments([read], senders, [sender])
            names.append({pair.key: plain(pair.value) for pair in read.resource_spans[0].resource.attributes}.get("service.name"))
    assert names == [None, "mail", "mail", "mail"], "the first invocation of a sandbox ends before its segment comes"


def test_a_segment_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coldtrail.receivers.xray.emitters.MOST_ASKED", 1)
    senders, mail = Senders(), (("service.name", "mail"),)
    for port in (1, 2):
        senders.asks(("127.0.0.1", port), (b"trace", bytes([port])))
    for port in (1, 2):
        senders.answers((b"trace", bytes([port])), mail)
    assert [senders.heard(("127.0.0.1", port), ()) for port in (1, 2)] == [(), mail]

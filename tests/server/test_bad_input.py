"""Bad input: what is answered, what is kept, and that everything else goes on."""

from __future__ import annotations

import base64
import gzip
import json
import os
import socket
import time
import zlib

import httpx
import pytest
import zstandard
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)

from lambda_logs import deliver, payload
from otlp import logs, span, traces
from running import HTTP, Coldtrail

JSON = "application/json"


def still_works(coldtrail: Coldtrail) -> None:
    one = span()
    assert coldtrail.post("/v1/traces", traces(one)).status_code == 200
    coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) == 1, trace_id=one["trace_id"].hex())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(min_size=1, max_size=300), path=st.sampled_from(["/v1/traces", "/v1/logs", "/v1/metrics"]), kind=st.sampled_from(["application/x-protobuf", JSON]))
def test_random_bytes_are_refused_or_hold_nothing(coldtrail: Coldtrail, body: bytes, path: str, kind: str) -> None:
    assert coldtrail.post(path, body, kind).status_code in (200, 400)


def test_a_malformed_request_is_answered_with_a_status_of_its_own_encoding(coldtrail: Coldtrail) -> None:
    binary = coldtrail.post("/v1/traces", b"\xff" * 20)
    assert (binary.status_code, binary.headers["content-type"]) == (400, "application/x-protobuf")
    assert "OTLP traces request" in Status.FromString(binary.content).message
    text = coldtrail.post("/v1/traces", b"{nonsense", JSON)
    assert (text.status_code, text.json()["code"]) == (400, 3)
    still_works(coldtrail)


def test_a_truncated_request_is_refused_whole(coldtrail: Coldtrail) -> None:
    body = traces(span(), span())
    assert coldtrail.post("/v1/traces", body[:-7]).status_code == 400
    assert coldtrail.post("/v1/traces", gzip.compress(body)[:-9], content_encoding="gzip").status_code == 400


@pytest.mark.parametrize(("encode", "name"), [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (zstandard.ZstdCompressor().compress, "zstd"), (bytes, "identity")])
def test_every_promised_encoding_is_undone(coldtrail: Coldtrail, encode, name: str) -> None:
    one = span()
    assert coldtrail.post("/v1/traces", encode(traces(one)), content_encoding=name).status_code == 200
    coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) == 1, trace_id=one["trace_id"].hex())


@pytest.mark.parametrize(("name", "encode"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress), ("deflate", zlib.compress)])
def test_a_bomb_is_refused_as_too_large(coldtrail: Coldtrail, name: str, encode) -> None:
    bomb = encode(bytes(80 << 20))
    assert len(bomb) < 1 << 20
    assert coldtrail.post("/v1/traces", bomb, content_encoding=name).status_code == 413
    still_works(coldtrail)


def test_wrong_types_encodings_methods_and_paths_have_their_own_status(coldtrail: Coldtrail) -> None:
    body = traces(span())
    assert coldtrail.post("/v1/traces", body, "text/plain").status_code == 415
    assert coldtrail.post("/v1/traces", body, content_encoding="br").status_code == 415
    assert HTTP.get(f"{coldtrail.otlp_http}/v1/traces").status_code == 405
    assert coldtrail.post("/v1/nothing", body).status_code == 404
    assert coldtrail.post("/v1/traces", b"").status_code == 200


def test_spans_with_impossible_ids_or_times_are_refused_and_the_others_kept(coldtrail: Coldtrail) -> None:
    good = span()
    bad = [span(trace_id=b"x" * 15), span(span_id=b"y" * 9), span(trace_id=bytes(16)), span(start_ns=0), span(start_ns=2**63), span(parent=b"abc")]
    answer = coldtrail.post("/v1/traces", traces(good, *bad))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, len(bad))
    assert "trace_id must be 16 bytes" in partial.error_message
    coldtrail.eventually("/spans", lambda got: len(got["spans"]) == 1, trace_id=good["trace_id"].hex())
    assert any(one["protocol"] == "otlp/http" and one["refused_items"] >= 6 for one in coldtrail.api("/received")["protocols"])


def test_old_spans_are_kept_not_silently_dropped(coldtrail: Coldtrail) -> None:
    old = span(start_ns=1_544_712_660 * 10**9)
    assert coldtrail.post("/v1/traces", traces(old)).status_code == 200
    got = coldtrail.eventually("/spans", lambda answer: answer["spans"], trace_id=old["trace_id"].hex())["spans"][0]
    assert got["start"] == "2018-12-13T14:51:00.000000000Z"


def test_a_record_that_says_no_time_is_of_when_it_came(coldtrail: Coldtrail) -> None:
    marker, before_ns = os.urandom(6).hex(), time.time_ns()
    assert coldtrail.post("/v1/logs", logs({"body": marker, "time_ns": 0})).status_code == 200
    (got,) = coldtrail.eventually("/logs", lambda answer: answer["logs"], q=marker, since="now-1h")["logs"]
    assert abs(got["time_unix_nano"] - before_ns) < 60 * 10**9
    assert got["observed_time_unix_nano"] == 0


def test_a_huge_value_and_very_many_attributes_are_kept_whole(coldtrail: Coldtrail) -> None:
    huge = span(attributes={"huge": "x" * (10 << 20), "small": "y"})
    many = span(attributes={f"key.{number}": number for number in range(5_000)})
    assert coldtrail.post("/v1/traces", traces(huge, many)).status_code == 200
    got = coldtrail.eventually("/spans", lambda answer: answer["spans"], trace_id=huge["trace_id"].hex())["spans"][0]
    assert len(got["attributes"]["huge"]) == 10 << 20
    got = coldtrail.eventually("/spans", lambda answer: answer["spans"], trace_id=many["trace_id"].hex())["spans"][0]
    assert len(got["attributes"]) == 5_000


def test_hostile_text_is_data_for_the_engine(coldtrail: Coldtrail) -> None:
    evil = "'; DROP TABLE spans; -- \\' {x:String} <script>alert(1)</script>"
    one = span(evil, service=evil, kind=2, attributes={evil: evil, "http.route": evil})
    coldtrail.post("/v1/traces", traces(one))
    got = coldtrail.eventually("/spans", lambda answer: answer["spans"], trace_id=one["trace_id"].hex())["spans"][0]
    assert (got["name"], got["service"], got["attributes"][evil]) == (evil, evil, evil)
    assert coldtrail.eventually("/find", lambda answer: answer["matches"], q=evil)["matches"][0]["service"] == evil
    assert coldtrail.eventually("/trails", lambda answer: answer["trails"], service=evil, q=evil)["trails"][0]["origin"] == evil
    coldtrail.eventually("/red", lambda answer: any(evil in one["name"] for one in answer["groups"]), group="route")
    assert coldtrail.get(f"/functions/{httpx.URL('http://x').copy_with(path='/' + evil).raw_path.decode()[1:].replace('/', '%2F')}").status_code in (200, 404)


def test_unknown_datagrams_are_counted_and_the_next_one_is_taken(coldtrail: Coldtrail) -> None:
    host, port = coldtrail.xray.split(":")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def one_of(answer: dict) -> dict:
        return next(one for one in answer["protocols"] if one["protocol"] == "xray/udp")

    before = one_of(coldtrail.api("/received"))["refused_items"]
    bad = [b"", b"no header", b'{"format": "json", "version": 2}\n{}', b'{"format": "json", "version": 1}\n[]', os.urandom(1000), b'{"format": "json", "version": 1}\n{"name": "x"}']
    for datagram in bad:
        sender.sendto(datagram, (host, int(port)))
    good = {"name": "after", "id": os.urandom(8).hex(), "trace_id": f"1-5f2aebcc-{os.urandom(12).hex()}", "start_time": 1.6e9, "in_progress": True}
    sender.sendto(b'{"format": "json", "version": 1}\n' + json.dumps(good).encode(), (host, int(port)))
    coldtrail.eventually("/spans", lambda answer: answer["spans"], trace_id=good["trace_id"])
    told = coldtrail.eventually("/received", lambda answer: one_of(answer)["refused_items"] >= before + len(bad))
    assert one_of(told)["refused_items"] == before + len(bad)
    assert one_of(told)["last_reason"]


def test_one_bad_record_of_a_delivery_does_not_cost_the_good_ones(coldtrail: Coldtrail) -> None:
    marker = os.urandom(6).hex()
    assert deliver(coldtrail, b"no gzip, no JSON", payload("/my/own/group", [f"kept {marker}"]), b"{}", gzip.compress(bytes(80 << 20))).status_code == 200
    got = coldtrail.eventually("/logs", lambda found: found["logs"], q=marker)["logs"][0]
    assert (got["service"], "faas.name" in got["resource"]["attributes"]) == ("group", False)


def test_a_broken_delivery_is_answered_as_firehose_expects(coldtrail: Coldtrail) -> None:
    answer = coldtrail.post("/aws/firehose", b"{}", JSON, x_amz_firehose_request_id="abc")
    assert (answer.status_code, answer.json()["requestId"]) == (400, "abc")
    assert answer.json()["errorMessage"]
    mixed = json.dumps({"requestId": "other", "timestamp": 1, "records": []}).encode()
    assert coldtrail.post("/aws/firehose", mixed, JSON, x_amz_firehose_request_id="abc").status_code == 400


def test_control_messages_and_wrapped_payloads_are_taken(coldtrail: Coldtrail) -> None:
    control = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "", "subscriptionFilters": [], "logEvents": []}
    assert coldtrail.post("/aws/logs", json.dumps(control).encode(), JSON).status_code == 200
    marker = os.urandom(6).hex()
    data = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": [], "logEvents": [{"id": marker, "timestamp": 1_795_000_000_000, "message": marker}]}
    event = {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()}}
    assert coldtrail.post("/aws/logs", json.dumps(event).encode(), JSON).status_code == 200
    coldtrail.eventually("/logs", lambda found: found["logs"], q=marker)
    assert coldtrail.post("/aws/logs", b"\x1f\x8bbroken", JSON).status_code == 400


@pytest.mark.parametrize(("path", "params"), [("/trails", {"since": "yesterday-ish"}), ("/trails", {"min_ms": "long"}), ("/trails", {"cursor": "?"}), ("/red", {"group": "planet"}), ("/red", {"step": "1ms"}), ("/spans", {"trace_id": "xyz"}), ("/find", {"q": " "})])
def test_wrong_parameters_are_problem_details(coldtrail: Coldtrail, path: str, params: dict) -> None:
    answer = coldtrail.get(path, **params)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["detail"]


def test_what_is_not_there_is_a_404_that_says_so(coldtrail: Coldtrail) -> None:
    for path in ("/trails/" + "ab" * 16, "/trails/nothing", "/nodes/" + "ab" * 24, "/nowhere"):
        answer = coldtrail.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path

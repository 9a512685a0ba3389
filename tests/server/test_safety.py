"""Safe by default: who may talk to a running coldtrail."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from coldtrail.server.listening.guard import Guard
from otlp import span, traces
from running import COMMAND, HTTP, Coldtrail, serving

TOKEN = "a-secret-of-the-tests"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("guarded") / "data", "--token", TOKEN, token=TOKEN) as running:
        yield running


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}], ids=str)
def test_a_page_elsewhere_cannot_talk_to_a_local_server(coldtrail: Coldtrail, headers: dict[str, str]) -> None:
    assert HTTP.get(f"{coldtrail.url}/api/v1/health", headers=headers).status_code == 403
    assert HTTP.get(f"{coldtrail.url}/", headers=headers).status_code == 403
    assert HTTP.post(f"{coldtrail.otlp_http}/v1/traces", content=b"", headers={"content-type": "application/x-protobuf", **headers}).status_code == 403
    assert HTTP.post(f"http://{coldtrail.xray}/SamplingRules", content=b"{}", headers=headers).status_code == 403


def test_the_page_itself_may_talk_to_its_server(coldtrail: Coldtrail) -> None:
    answer = HTTP.get(f"{coldtrail.url}/api/v1/health", headers={"origin": coldtrail.url})
    assert answer.status_code == 200


def test_another_host_needs_a_token(tmp_path: Path) -> None:
    ended = subprocess.run([COMMAND, "up", "--host", "0.0.0.0", "--data", tmp_path / "d"], capture_output=True, text=True, timeout=180)
    assert ended.returncode == 1
    assert "--token" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_every_listener_asks_for_the_token(guarded: Coldtrail) -> None:
    body = traces(span())
    kind = {"content-type": "application/x-protobuf"}
    assert HTTP.get(f"{guarded.url}/api/v1/health").status_code == 401
    assert HTTP.get(f"{guarded.url}/jaeger/api/services").status_code == 401
    assert HTTP.post(f"{guarded.otlp_http}/v1/traces", content=body, headers=kind).status_code == 401
    assert HTTP.post(f"{guarded.otlp_http}/v1/traces", content=body, headers={**kind, "authorization": "Bearer wrong"}).status_code == 401
    assert guarded.post("/v1/traces", body).status_code == 200
    refused = HTTP.post(f"{guarded.otlp_http}/aws/firehose", content=b"{}", headers={"x-amz-firehose-request-id": "r1"})
    assert (refused.status_code, refused.json()["requestId"]) == (401, "r1")
    delivery = b'{"requestId": "r1", "timestamp": 1, "records": []}'
    answer = HTTP.post(f"{guarded.otlp_http}/aws/firehose", content=delivery, headers={"x-amz-firehose-access-key": TOKEN})
    assert answer.status_code == 200


def test_grpc_asks_for_the_token_too(guarded: Coldtrail) -> None:
    with grpc.insecure_channel(guarded.otlp_grpc) as channel:
        stub = TraceServiceStub(channel)
        request = ExportTraceServiceRequest.FromString(traces(span()))
        with pytest.raises(grpc.RpcError) as refused:
            stub.Export(request)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        stub.Export(request, metadata=(("authorization", f"Bearer {TOKEN}"),))


def test_the_one_time_url_signs_the_browser_in(guarded: Coldtrail) -> None:
    with httpx.Client(base_url=guarded.url, timeout=90) as browser:
        assert browser.get("/").status_code == 401
        answer = browser.get(f"/?token={TOKEN}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert browser.get("/api/v1/health").status_code == 200


def test_the_page_is_served_with_a_strict_policy(coldtrail: Coldtrail) -> None:
    answer = HTTP.get(f"{coldtrail.url}/trails/some-id")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert HTTP.get(f"{coldtrail.url}/../../../../etc/passwd").status_code in (200, 404)
    assert "root:" not in HTTP.get(f"{coldtrail.url}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd").text


def test_segments_need_the_token_over_tcp_and_a_local_sender_over_udp(guarded: Coldtrail) -> None:
    trace_id = f"1-5f2aebcc-{os.urandom(12).hex()}"
    document = json.dumps({"name": "guarded", "id": os.urandom(8).hex(), "trace_id": trace_id, "start_time": 1.6e9, "end_time": 1.6e9})
    put = {"TraceSegmentDocuments": [document]}
    for path in ("/TraceSegments", "/SamplingRules", "/TelemetryRecords"):
        refused = HTTP.post(f"http://{guarded.xray}{path}", json=put)
        assert (refused.status_code, refused.headers["x-amzn-errortype"]) == (401, "AccessDeniedException"), path
    client = boto3.client("xray", endpoint_url=f"http://{guarded.xray}", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with pytest.raises(client.exceptions.ClientError):
        client.put_trace_segments(TraceSegmentDocuments=[document])
    assert guarded.api("/spans", trace_id=trace_id)["spans"] == []
    assert HTTP.post(f"http://{guarded.xray}/TraceSegments", json=put, headers=guarded.headers).json() == {"UnprocessedTraceSegments": []}
    host, port = guarded.xray.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b'{"format": "json", "version": 1}\n' + document.replace("guarded", "datagram").encode(), (host, int(port)))
    found = guarded.eventually("/spans", lambda answer: len(answer["spans"]) == 2, trace_id=trace_id)["spans"]
    assert {one["name"] for one in found} == {"guarded", "datagram"}


WORLD, LAN = "0.0.0.0", "192.0.2.1"
PASSES = {
    "loopback, its own name": (Guard("127.0.0.1"), "localhost:4318", True),
    "loopback, another name": (Guard("127.0.0.1"), "evil.example", False),
    "loopback, another name and insecure": (Guard("127.0.0.1", insecure=True), "evil.example", False),
    "the world, no token": (Guard(WORLD), "coldtrail:4318", False),
    "the world, insecure": (Guard(WORLD, insecure=True), "coldtrail:4318", True),
    "the world, the token": (Guard(WORLD, TOKEN), "coldtrail:4318", True),
    "one address, the token": (Guard(LAN, TOKEN), "coldtrail.lan", True),
    "one address, itself": (Guard(LAN), f"{LAN}:4318", True),
}


@pytest.mark.parametrize("name", PASSES)
def test_which_host_may_be_asked_for(name: str) -> None:
    guard, host, passes = PASSES[name]
    headers = {b"host": host.encode(), b"authorization": f"Bearer {TOKEN}".encode()}
    assert (guard.refusal(headers) is None) == passes
    if guard.token:
        assert guard.refusal({b"host": host.encode()})[0] == 401


@pytest.mark.parametrize(("guard", "sender", "passes"), [
    (Guard(WORLD, TOKEN), "127.0.0.1", True), (Guard("::", TOKEN), "::ffff:127.0.0.1", True), (Guard("::", TOKEN), "fe80::1%eth0", False),
    (Guard(WORLD, TOKEN), "192.0.2.7", False), (Guard(WORLD, TOKEN, insecure=True), "192.0.2.7", True), (Guard(WORLD, insecure=True), "192.0.2.7", True),
], ids=str)
def test_whose_datagrams_are_taken(guard: Guard, sender: str, passes: bool) -> None:
    assert guard.takes_datagrams_of(sender) == passes


def test_insecure_is_enough_for_another_host(tmp_path: Path) -> None:
    ended = subprocess.run([COMMAND, "up", "--host", LAN, "--insecure", "--data", tmp_path / "d"], capture_output=True, text=True, timeout=180)
    assert (ended.returncode, "--token" in ended.stderr) == (1, False)
    assert f"{LAN} is no address of this machine" in ended.stderr

"""Safe by default: who may talk to a running coldtrail."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from otlp import span, traces
from running import COMMAND, Coldtrail, serving

TOKEN = "a-secret-of-the-tests"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("guarded") / "data", "--token", TOKEN, token=TOKEN) as running:
        yield running


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}], ids=str)
def test_a_page_elsewhere_cannot_talk_to_a_local_server(coldtrail: Coldtrail, headers: dict[str, str]) -> None:
    assert httpx.get(f"{coldtrail.url}/api/v1/health", headers=headers).status_code == 403
    assert httpx.get(f"{coldtrail.url}/", headers=headers).status_code == 403
    assert httpx.post(f"{coldtrail.otlp_http}/v1/traces", content=b"", headers={"content-type": "application/x-protobuf", **headers}).status_code == 403
    assert httpx.post(f"http://{coldtrail.xray}/SamplingRules", content=b"{}", headers=headers).status_code == 403


def test_the_page_itself_may_talk_to_its_server(coldtrail: Coldtrail) -> None:
    answer = httpx.get(f"{coldtrail.url}/api/v1/health", headers={"origin": coldtrail.url})
    assert answer.status_code == 200


def test_another_host_needs_a_token(tmp_path: Path) -> None:
    ended = subprocess.run([COMMAND, "up", "--host", "0.0.0.0", "--data", tmp_path / "d"], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert "--token" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_every_listener_asks_for_the_token(guarded: Coldtrail) -> None:
    body = traces(span())
    kind = {"content-type": "application/x-protobuf"}
    assert httpx.get(f"{guarded.url}/api/v1/health").status_code == 401
    assert httpx.post(f"{guarded.otlp_http}/v1/traces", content=body, headers=kind).status_code == 401
    assert httpx.post(f"{guarded.otlp_http}/v1/traces", content=body, headers={**kind, "authorization": "Bearer wrong"}).status_code == 401
    assert guarded.post("/v1/traces", body).status_code == 200
    refused = httpx.post(f"{guarded.otlp_http}/aws/firehose", content=b"{}", headers={"x-amz-firehose-request-id": "r1"})
    assert (refused.status_code, refused.json()["requestId"]) == (401, "r1")
    delivery = b'{"requestId": "r1", "timestamp": 1, "records": []}'
    answer = httpx.post(f"{guarded.otlp_http}/aws/firehose", content=delivery, headers={"x-amz-firehose-access-key": TOKEN})
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
    with httpx.Client(base_url=guarded.url) as browser:
        assert browser.get("/").status_code == 401
        answer = browser.get(f"/?token={TOKEN}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert browser.get("/api/v1/health").status_code == 200


def test_the_page_is_served_with_a_strict_policy(coldtrail: Coldtrail) -> None:
    answer = httpx.get(f"{coldtrail.url}/trails/some-id")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx.get(f"{coldtrail.url}/../../../../etc/passwd").status_code in (200, 404)
    assert "root:" not in httpx.get(f"{coldtrail.url}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd").text

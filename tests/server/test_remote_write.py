"""Prometheus remote write: a real Prometheus writes to us, and the answers that its specification asks for."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cramjam
import pytest

from coldtrail.receivers.remote_write_messages import WriteRequest
from running import Coldtrail, free_port, serving

PROTOBUF = "application/x-protobuf"


@pytest.fixture(scope="module")
def coldtrail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("remote-write") / "data", env={"COLDTRAIL_MAX_INFLATED_BYTES": "1000000"}) as running:
        yield running


def write(coldtrail: Coldtrail, request: Any, content_type: str = PROTOBUF, encoding: str = "snappy") -> Any:
    body = bytes(cramjam.snappy.compress_raw(request if isinstance(request, bytes) else request.SerializeToString()))
    return coldtrail.post("/api/v1/write", body, content_type, content_encoding=encoding, x_prometheus_remote_write_version="0.1.0")


def series(request: Any, samples: list[tuple[float, float]], **labels: str) -> Any:
    one = request.timeseries.add()
    for name, value in sorted({"__name__": labels.pop("name"), **labels}.items()):
        one.labels.add(name=name, value=value)
    for time_s, value in samples:
        one.samples.add(timestamp=int(time_s * 1000), value=value)
    return one


def test_samples_are_kept_and_counters_are_known_by_their_names(coldtrail: Coldtrail) -> None:
    now = time.time()
    request = WriteRequest()
    counter = series(request, [(now - 30, 10), (now - 20, 15), (now - 10, 2)], name="hits_total", job="api", instance="a:1", code="200")
    counter.exemplars.add(value=1.0, timestamp=int(now * 1000) - 10_000).labels.add(name="trace_id", value="5759e988bd862e3fe1be46a994272793")
    stale = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
    series(request, [(now - 20, 3.5), (now - 10, stale)], name="queue_length", job="api")
    assert write(coldtrail, request).status_code == 204
    good = {"sum": 7.0, "kind": "sum"}
    coldtrail.eventually("/metrics/hits_total", lambda answer: {"sum": sum(point["value"] for one in answer["series"] for point in one["points"]), "kind": answer["kind"]} == good, stat="sum", by="code")
    assert [one["trace_id"] for one in coldtrail.api("/metrics/hits_total")["exemplars"]] == ["5759e988bd862e3fe1be46a994272793"]
    gauge = coldtrail.api("/metrics/queue_length", stat="count", service="api")
    assert (gauge["kind"], sum(point["value"] for point in gauge["series"][0]["points"])) == ("gauge", 1.0)


def test_answers_are_those_of_the_specification(coldtrail: Coldtrail) -> None:
    request = WriteRequest()
    series(request, [(time.time(), 1)], name="kept", job="api")
    assert write(coldtrail, request, PROTOBUF + ";proto=prometheus.WriteRequest").status_code == 204
    assert write(coldtrail, request, PROTOBUF + ";proto=io.prometheus.write.v2.Request").status_code == 415
    assert write(coldtrail, request, "application/json").status_code == 415
    assert write(coldtrail, request, encoding="gzip").status_code == 415
    assert write(coldtrail, request, encoding="zstd").status_code == 415
    assert write(coldtrail, b"\xff\xff\xff").status_code == 400
    assert coldtrail.post("/api/v1/write", b"no snappy", PROTOBUF, content_encoding="snappy").status_code == 400
    assert write(coldtrail, bytes(2_000_000)).status_code == 413
    series(request, [(10**12, 1)], name="late", job="api")
    series(request, [(time.time(), 1)], name="", job="api")
    partly = write(coldtrail, request)
    assert (partly.status_code, "2 refused, the rest is kept" in partly.text) == (400, True)


def test_a_length_that_lies_is_refused_before_it_is_inflated(coldtrail: Coldtrail) -> None:
    bomb = b"\xff\xff\xff\xff\x0f" + bytes(100)
    answer = coldtrail.post("/api/v1/write", bomb, PROTOBUF, content_encoding="snappy")
    assert answer.status_code == 413


@pytest.mark.skipif(not shutil.which("prometheus"), reason="Debian's prometheus is not installed")
def test_a_real_prometheus_writes_what_it_scrapes(coldtrail: Coldtrail, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: itself, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
remote_write: [{{url: "{coldtrail.otlp_http}/api/v1/write", queue_config: {{batch_send_deadline: 1s}}}}]
""")
    command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb", f"--web.listen-address=127.0.0.1:{port}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            scraped = coldtrail.eventually("/metrics/prometheus_http_request_duration_seconds_bucket", lambda answer: answer["series"] != [], by="handler", filter="service=itself", stat="sum")
        finally:
            process.kill()
            process.wait()
    assert ("/metrics" in {one["labels"]["handler"] for one in scraped["series"]}, scraped["kind"]) == (True, "sum")
    told = {one["protocol"]: one for one in coldtrail.api("/received")["protocols"]}["remote-write"]
    assert told["accepted_items"] > 100

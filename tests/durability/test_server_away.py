"""A ClickHouse server that is away: senders do not notice, readers are told what to do, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldtrail.store.engine import Engine
from otlp import logs, span, traces
from running import COMMAND, Coldtrail, free_port, serving
from stores import ClickHouseDouble

SECRET = "not-for-eyes"


@pytest.fixture
def double(tmp_path: Path) -> Iterator[ClickHouseDouble]:
    made = ClickHouseDouble(tmp_path / "clickhouse")
    try:
        yield made
    finally:
        made.kill()


def send(running: Coldtrail) -> str:
    one = span()
    assert running.post("/v1/traces", traces(one)).status_code == 200
    return one["trace_id"].hex()


def is_there_once(running: Coldtrail, trace_id: str) -> None:
    running.eventually("/spans", lambda answer: len(answer["spans"]) == 1, trace_id=trace_id)


def is_away(running: Coldtrail) -> None:
    health = running.eventually("/health", lambda answer: answer["status"] == "degraded")
    assert "does not answer" in health["store"]["failing"]
    problem = running.get("/trails")
    assert (problem.status_code, problem.headers["content-type"]) == (503, "application/problem+json")
    assert "waits in the log" in problem.json()["detail"]


def test_what_is_sent_while_the_server_is_away_is_there_once_it_is_back(tmp_path: Path, double: ClickHouseDouble) -> None:
    data = tmp_path / "data"
    double.kill()
    with serving(data, "--store", double.dsn(data)) as running:
        is_away(running)
        early = send(running)
        double.start()
        is_there_once(running, early)
        double.kill()
        meanwhile = send(running)
        is_away(running)
        double.start()
        for trace_id in (early, meanwhile, send(running)):
            is_there_once(running, trace_id)
        health = running.eventually("/health", lambda answer: answer["status"] == "ok" and not answer["wal"]["pending_bytes"])
        assert (health["wal"]["quarantined"], health["store"]["spans"]) == (0, 3)


def test_a_server_that_comes_back_empty_gets_its_tables_again(tmp_path: Path, double: ClickHouseDouble) -> None:
    data = tmp_path / "data"
    with serving(data, "--store", double.dsn(data)) as running:
        is_there_once(running, send(running))
        double.kill()
        shutil.rmtree(double.folder)
        late = send(running)
        double.start()
        is_there_once(running, late)
        assert running.api("/health")["wal"]["quarantined"] == 0


def test_a_fault_of_the_store_puts_no_body_into_quarantine_and_holds_up_no_other_signal(tmp_path: Path, double: ClickHouseDouble) -> None:
    data = tmp_path / "data"
    with serving(data, "--store", double.dsn(data)) as running:
        behind = Engine(double.dsn(data))
        behind.command("ALTER TABLE spans DROP COLUMN rest")
        waiting = send(running)
        assert running.post("/v1/logs", logs({"body": "goes on"})).status_code == 200
        running.eventually("/logs", lambda answer: len(answer["logs"]) == 1, q="goes")
        health = running.eventually("/health", lambda answer: answer["status"] == "degraded")
        assert (health["wal"]["quarantined"], health["wal"]["pending_bytes"] > 0) == (0, True)
        behind.command("ALTER TABLE spans ADD COLUMN rest String AFTER flags")
        behind.close()
        is_there_once(running, waiting)
        running.eventually("/health", lambda answer: answer["status"] == "ok" and not answer["wal"]["quarantined"])


def test_while_it_is_away_senders_are_refused_only_at_the_bound_of_the_log(tmp_path: Path, double: ClickHouseDouble) -> None:
    data = tmp_path / "data"
    double.kill()
    with serving(data, "--store", double.dsn(data), env={"COLDTRAIL_WAL_BOUND_BYTES": str(1 << 20)}) as running:
        answers = [running.post("/v1/traces", traces(span(attributes={"filler": "x" * 300_000}))) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 503]
        assert int(answers[3].headers["retry-after"]) >= 1


def test_a_wrong_password_ends_the_start_with_a_sentence_that_does_not_tell_it(tmp_path: Path) -> None:
    double = ClickHouseDouble(tmp_path / "clickhouse", "--password", SECRET)
    try:
        ports = [part for name in ("port", "otlp-http-port", "otlp-grpc-port", "xray-port") for part in (f"--{name}", "0")]
        wrong = f"clickhouse://default:{SECRET}x@127.0.0.1:{double.port}/spans"
        ended = subprocess.run([COMMAND, "up", "--data", tmp_path / "data", *ports, "--store", wrong], capture_output=True, text=True, timeout=180)
        assert ended.returncode == 1
        assert "default: Authentication failed" in ended.stderr
        assert SECRET not in ended.stdout + ended.stderr
        told = subprocess.run([COMMAND, "up", "--help"], capture_output=True, text=True, timeout=180, env={**os.environ, "COLDTRAIL_STORE": wrong})
        assert (told.returncode, SECRET in told.stdout) == (0, False)
        data = tmp_path / "right"
        with serving(data, "--store", f"clickhouse://default:{SECRET}@127.0.0.1:{double.port}/spans") as running:
            is_there_once(running, send(running))
            assert SECRET not in running.get("/health").text
            double.kill()
            is_away(running)
            assert SECRET not in running.get("/health").text + running.get("/trails").text
        assert SECRET not in running.log.read_text()
    finally:
        double.kill()


def test_a_port_where_no_clickhouse_is_does_not_end_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data, "--store", f"clickhouse://127.0.0.1:{free_port()}/spans") as running:
        is_away(running)

"""A store of one version becomes a store of the next with all that was in it; a newer one is left alone."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import stores
from coldtrail.store.anyvalue import encode
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.loading.statements import LOAD
from coldtrail.store.schema.migrate import TooNew, migrate
from coldtrail.store.schema.migrations import MIGRATIONS, RETENTION
from coldtrail.wal.segment import varint
from otlp import span, traces
from running import COMMAND, free_port, serving

KEPT_S = {"spans": 86_400, "logs": 86_400, "metrics": 86_400}

VERSION_1 = Path(__file__).parents[1] / "data/store/version_1.sql"
"""Every statement that version 1 ran; a store like this is on somebody's disk, so the file is never changed."""

NEXT = (
    "ALTER TABLE spans ADD COLUMN IF NOT EXISTS region LowCardinality(String) DEFAULT 'eu'",
    "CREATE TABLE IF NOT EXISTS regions (region String, spans UInt64) ENGINE = MergeTree ORDER BY region",
    "INSERT INTO regions SELECT region, count() FROM spans WHERE (SELECT count() FROM regions) = 0 GROUP BY region",
)
"""A made-up next version: a new column, a new table, and what is in the store carried over."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(stores.dsn(tmp_path))
    assert migrate(made, KEPT_S) == len(MIGRATIONS)
    yield made
    made.close()


def load(engine: Engine, folder: Path, name: str) -> None:
    body = traces(span(name))
    segment = folder / f"{name}.seg"
    segment.write_bytes(varint(len(body)) + body)
    for table, statement in LOAD["traces"]:
        engine.load(statement, "traces", segment, int(time.time()), f"{name}-{table}")


def version(engine: Engine) -> int:
    return engine.rows("SELECT max(version) FROM schema_version")[0][0]


@pytest.mark.both_stores
def test_the_next_version_keeps_what_the_one_before_wrote(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, "before")
    assert migrate(engine, KEPT_S, (*MIGRATIONS, NEXT)) == len(MIGRATIONS) + 1
    assert migrate(engine, KEPT_S, (*MIGRATIONS, NEXT)) == len(MIGRATIONS) + 1
    assert (version(engine), engine.rows("SELECT * FROM regions")) == (len(MIGRATIONS) + 1, [("eu", 1)])
    assert engine.rows("SELECT name, region FROM spans") == [("before", "eu")]
    assert engine.rows("SELECT version FROM schema_version ORDER BY version") == [(len(MIGRATIONS),), (len(MIGRATIONS) + 1,)]


@pytest.mark.both_stores
def test_a_migration_that_was_cut_short_is_run_again(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, "before")
    with pytest.raises(EngineError):
        migrate(engine, KEPT_S, (*MIGRATIONS, (*NEXT, "SELECT throwIf(1)")))
    assert version(engine) == len(MIGRATIONS)
    migrate(engine, KEPT_S, (*MIGRATIONS, NEXT))
    assert (version(engine), engine.rows("SELECT * FROM regions")) == (len(MIGRATIONS) + 1, [("eu", 1)])


@pytest.mark.both_stores
def test_another_retention_is_set_without_a_migration(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path, "kept")
    migrate(engine, {**KEPT_S, "spans": 7 * 86_400})
    created = dict(engine.rows("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"))
    assert "TTL received + toIntervalSecond(604800)" in created["spans"]
    assert "TTL received + toIntervalSecond(86400)" in created["logs"]
    assert engine.rows("SELECT name FROM spans") == [("kept",)]


@pytest.mark.both_stores
def test_a_store_that_version_1_wrote_is_opened_with_what_is_in_it(tmp_path: Path) -> None:
    data, trace_id, now_ns = tmp_path / "data", os.urandom(16), time.time_ns()
    old = Engine(stores.dsn(data))
    old.prepare()
    for statement in VERSION_1.read_text().split("\n;\n"):
        old.command(statement)
    attributes = f"map('faas.invocation_id', unhex('{encode('request-of-old').hex()}'))"
    old.command(f"INSERT INTO emitters (emitter_id, resource, received) SELECT 7, map('service.name', unhex('{encode('old').hex()}')), now()")
    old.command(f"""INSERT INTO spans (trace_id, span_id, parent_span_id, name, kind, start, duration_ns, service, emitter_id, attributes, received)
        SELECT unhex('{trace_id.hex()}'), '12345678', '', 'GET /old', 2, fromUnixTimestamp64Nano({now_ns}), 5000000, 'old', 7, {attributes}, now()""")
    old.close()
    with serving(data) as running:
        found = running.eventually("/spans", lambda answer: answer["spans"], trace_id=trace_id.hex())["spans"]
        assert [(one["name"], one["attributes"]) for one in found] == [("GET /old", {"faas.invocation_id": "request-of-old"})]
        assert running.api("/find", q="request-of-old")["matches"][0]["trail_id"] == trace_id.hex()
        new = span("GET /new", service="new", kind=2, attributes={"faas.invocation_id": "request-of-new"})
        assert running.post("/v1/traces", traces(new)).status_code == 200
        running.eventually("/find", lambda answer: answer["matches"], q="request-of-new")
        running.eventually("/trails", lambda answer: {one for row in answer["trails"] for one in row["services"]} >= {"old", "new"})
        assert running.eventually("/health", lambda answer: not answer["wal"]["pending_bytes"])["status"] == "ok"
    again = Engine(stores.dsn(data))
    try:
        assert version(again) == len(MIGRATIONS)
        created = "SELECT name FROM system.tables WHERE database = currentDatabase() AND create_table_query LIKE '%single_stream%'"
        assert {name for (name,) in again.rows(created)} >= {"spans", "logs", "emitters", *RETENTION}
    finally:
        again.close()


def test_a_store_of_a_newer_coldtrail_is_left_alone(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as running:
        assert running.stop() == 0
    engine = Engine(stores.dsn(tmp_path / "data"))
    try:
        engine.command("INSERT INTO schema_version (version) VALUES (99)")
        with pytest.raises(TooNew):
            migrate(engine, KEPT_S)
    finally:
        engine.close()
    off = [part for name in ("otlp-http-port", "otlp-grpc-port", "xray-port") for part in (f"--{name}", "0")]
    command = [COMMAND, "up", "--data", tmp_path / "data", "--port", str(free_port()), *off, *stores.flags(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 1
    assert f"the store has schema version 99, this coldtrail knows {len(MIGRATIONS)}: upgrade coldtrail" in ended.stderr

"""Each signal is kept as long as its setting says, counted from when it was received."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import stores
from coldtrail.store.engine import Engine
from coldtrail.store.loading.statements import LOAD
from coldtrail.store.schema.migrate import migrate
from coldtrail.store.schema.migrations import RETENTION
from coldtrail.wal.segment import varint
from otlp import logs, span, traces

DAY_S = 86_400
LONG_AGO_NS = 1_544_712_660 * 10**9


def load(engine: Engine, signal: Any, body: bytes, received_s: int, segment: Path) -> None:
    segment.write_bytes(varint(len(body)) + body)
    for table, statement in LOAD[signal]:
        engine.load(statement, signal, segment, received_s, f"{segment.name}-{table}")


@pytest.mark.both_stores
def test_what_was_received_too_long_ago_goes_with_all_that_was_made_of_it_and_old_times_alone_cost_nothing(tmp_path: Path) -> None:
    engine, now_s = Engine(stores.dsn(tmp_path)), int(time.time())
    try:
        migrate(engine, {"spans": DAY_S, "logs": 3 * DAY_S, "metrics": DAY_S})
        invocation = {"faas.invocation_id": "r-1", "correlation_id": "c-1", "http.route": "/a"}
        for name, received_s, start_ns in (("gone", now_s - 2 * DAY_S, time.time_ns()), ("kept", now_s, LONG_AGO_NS)):
            load(engine, "traces", traces(span(name, kind=2, start_ns=start_ns, attributes=invocation)), received_s, tmp_path / f"{name}.traces")
            load(engine, "logs", logs({"body": name, "time_ns": start_ns}), received_s, tmp_path / f"{name}.logs")
        for table in RETENTION:  # the engine does so by itself, sooner or later
            engine.command(f"OPTIMIZE TABLE {table} FINAL")
        made = [table for table, signal in RETENTION.items() if signal == "spans" and engine.rows(f"SELECT count() > 0 FROM {table}") == [(1,)]]
        assert {"spans", "traces", "keys", "red", "invocations"} <= set(made)
        assert engine.rows("SELECT name FROM spans") == [("kept",)]
        old = [table for table in made if engine.rows(f"SELECT count() FROM {table} WHERE received < now() - {DAY_S}") != [(0,)]]
        assert old == []
        assert engine.rows("SELECT body FROM logs ORDER BY received") == [("gone",), ("kept",)]
    finally:
        engine.close()

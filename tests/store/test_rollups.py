"""Roll-ups say what the spans say: counts exactly, percentiles within two in a hundred; also of a store that is older than they are."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stores
from coldtrail.model.trails import Edge, Inferred
from coldtrail.services.naming import Resource
from coldtrail.store.engine import Engine
from coldtrail.store.entries import entries
from coldtrail.store.loading.statements import LOAD
from coldtrail.store.red import red
from coldtrail.store.resources import calls, list_resources
from coldtrail.store.schema.calls import CALLS_MIGRATION
from coldtrail.store.schema.migrate import migrate
from coldtrail.store.schema.migrations import MIGRATIONS
from coldtrail.store.schema.requests import REQUESTS_MIGRATION
from coldtrail.store.service_map import Guessed, guessed
from coldtrail.store.trails.inferred import inferred_of, save_inferred
from coldtrail.wal.segment import varint
from otlp import span, traces

KEPT_S = {"spans": 86_400, "logs": 86_400, "metrics": 86_400}
MINUTE_NS = 60 * 10**9
TABLES, SERVICES = ["orders", "stock", "users"], ["shop", "mail"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(stores.dsn(tmp_path))
    yield made
    made.close()


def load(engine: Engine, folder: Path, name: str, spans: list[dict[str, Any]]) -> None:
    body = traces(*spans)
    segment = folder / f"{name}.seg"
    segment.write_bytes(varint(len(body)) + body)
    for table, statement in LOAD["traces"]:
        engine.load(statement, "traces", segment, int(time.time()), f"{name}-{table}")


def busy_hour(since_ns: int) -> list[dict[str, Any]]:
    dice = random.Random(11)
    found = []
    for _ in range(2_000):
        at_ns, failed = since_ns + dice.randrange(50 * MINUTE_NS), {"error": "Throttled"} if dice.random() < 0.1 else {}
        shape = {"service": dice.choice(SERVICES), "start_ns": at_ns, "duration_ms": dice.lognormvariate(3, 1), **failed}
        if dice.random() < 0.5:
            found.append(span("PutItem", kind=3, attributes={"rpc.method": "PutItem", "aws.table_name": dice.choice(TABLES)}, parent=b"12345678", **shape))
        else:
            found.append(span("GET", kind=2, attributes={"http.request.method": "GET", "http.route": f"/{dice.choice(TABLES)}"}, **shape))
    return found


def p99(durations: list[float]) -> float:
    return sorted(durations)[int(len(durations) * 0.99)]


def agrees(engine: Engine, spans: list[dict[str, Any]], since_ns: int) -> None:
    """Counts, errors and p99 of resources, entries and services against the spans themselves."""
    until_ns = since_ns + 60 * MINUTE_NS
    listed = {one.name: (one.count, one.error_count) for one in list_resources(engine, since_ns, until_ns)}
    named = [one for one in spans if one["kind"] == 3]
    counts = Counter(one["attributes"]["aws.table_name"] for one in named)
    failed = Counter(one["attributes"]["aws.table_name"] for one in named if "error" in one)
    assert listed == {name: (counts[name], failed[name]) for name in TABLES}
    for name in TABLES:
        told = calls(engine, Resource("dynamodb", name), since_ns, until_ns, MINUTE_NS)
        mine = [one for one in named if one["attributes"]["aws.table_name"] == name]
        assert (told.count, sum(point.count for point in told.points)) == (len(mine), len(mine))
        assert {(one.service, one.count) for one in told.callers} == set(Counter(one["service"] for one in mine).items())
        assert told.p99_ms == pytest.approx(p99([one["duration_ms"] for one in mine]), rel=0.02)
    asked = [one for one in spans if one["kind"] == 2]
    routes = Counter(one["attributes"]["http.route"] for one in asked)
    assert {one.route: one.count for one in entries(engine, since_ns, until_ns, MINUTE_NS)} == dict(routes)
    services = {one.name: one.count for one in red(engine, "service", since_ns, until_ns, MINUTE_NS)}
    assert services == dict(Counter(one["service"] for one in asked))


@pytest.mark.both_stores
def test_rollups_agree_with_the_spans_however_they_were_loaded(engine: Engine, tmp_path: Path) -> None:
    migrate(engine, KEPT_S)
    since_ns = (time.time_ns() - 2 * 3600 * 10**9) // MINUTE_NS * MINUTE_NS
    spans = busy_hour(since_ns)
    for number in range(4):
        load(engine, tmp_path, f"part-{number}", spans[number::4])
    load(engine, tmp_path, "part-2", spans[2::4])
    agrees(engine, spans, since_ns)


def test_a_store_that_is_older_than_the_rollups_is_summed_up_once(engine: Engine, tmp_path: Path) -> None:
    before = MIGRATIONS[: MIGRATIONS.index((*CALLS_MIGRATION, *REQUESTS_MIGRATION))]
    migrate(engine, KEPT_S, before)
    since_ns = (time.time_ns() - 2 * 3600 * 10**9) // MINUTE_NS * MINUTE_NS
    spans = busy_hour(since_ns)
    load(engine, tmp_path, "old", spans[:1_500])
    migrate(engine, KEPT_S)
    # A migration that was cut short is run again.
    for statement in (*CALLS_MIGRATION, *REQUESTS_MIGRATION):
        engine.command(statement.replace("{retention}", "86400"))
    load(engine, tmp_path, "new", spans[1_500:])
    agrees(engine, spans, since_ns)


@pytest.mark.both_stores
def test_an_inner_request_is_an_entry_only_where_no_server_began_its_trace(engine: Engine, tmp_path: Path) -> None:
    migrate(engine, KEPT_S)
    since_ns = (time.time_ns() - 2 * 3600 * 10**9) // MINUTE_NS * MINUTE_NS
    http = {"http.request.method": "GET"}
    root = span("GET /outer", kind=2, start_ns=since_ns, attributes={**http, "http.route": "/outer"})
    inner = span("GET /inner", kind=2, start_ns=since_ns + 10**6, trace_id=root["trace_id"], parent=root["span_id"], attributes={**http, "http.route": "/inner"})
    lost = span("GET /lost", kind=2, start_ns=since_ns + 10**6, parent=b"87654321", attributes={**http, "http.route": "/lost"})
    load(engine, tmp_path, "inner-first", [inner, lost])
    assert {one.route for one in entries(engine, since_ns, since_ns + MINUTE_NS, MINUTE_NS)} == {"/inner", "/lost"}
    load(engine, tmp_path, "then-its-root", [root])
    assert {one.route for one in entries(engine, since_ns, since_ns + MINUTE_NS, MINUTE_NS)} == {"/outer", "/lost"}


@pytest.mark.both_stores
def test_edges_that_times_told_are_between_services(engine: Engine, tmp_path: Path) -> None:
    migrate(engine, KEPT_S)
    since_ns = (time.time_ns() - 3600 * 10**9) // MINUTE_NS * MINUTE_NS
    sender, taker = (span("work", service=name, kind=2, start_ns=since_ns + 10**9) for name in ("sender", "taker"))
    load(engine, tmp_path, "two", [sender, taker])
    units = [one["trace_id"].hex() for one in (sender, taker)]
    edge = Edge("n1", "n2", "sends", "timing", 0.8)
    save_inferred(engine, [Inferred(edge, *units)], int(time.time()))
    assert guessed(engine, since_ns, since_ns + 3600 * 10**9) == [Guessed("sender", "taker", "sends", 1, 0.8)]


@pytest.mark.both_stores
def test_of_what_times_told_of_an_effect_the_last_counts(engine: Engine) -> None:
    migrate(engine, KEPT_S)
    now_s = int(time.time())
    first, other, better = (Inferred(Edge(f"n-{unit}", "n-taker", "sends", "timing", 0.8), f"unit-{unit}", "unit-taker") for unit in "abc")
    beside = Inferred(Edge("n-a", "n-beside", "sends", "timing", 0.7), "unit-a", "unit-beside")
    save_inferred(engine, [first, other, beside], now_s - 20)
    assert {one.edge.cause for one in inferred_of(engine, {"unit-taker"})} == {"n-a", "n-b"}
    save_inferred(engine, [better, other], now_s - 10, before=[first, other])
    assert {one.edge.cause for one in inferred_of(engine, {"unit-taker"})} == {"n-b", "n-c"}
    assert [inferred_of(engine, {f"unit-{unit}"}) for unit in "abc"] == [[beside], [other], [better]]
    save_inferred(engine, [], now_s, before=[better, other])
    assert inferred_of(engine, {"unit-a", "unit-b", "unit-c", "unit-taker"}) == [beside]

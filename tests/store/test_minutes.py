"""Minutes that were summed up say what the rows say, whatever comes late, and however a range is cut."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

import stores
from coldtrail.server.summing import Summing
from coldtrail.store.capabilities import capabilities
from coldtrail.store.engine import Engine
from coldtrail.store.entries import entries
from coldtrail.store.figures.functions import figures_by_function, figures_of_functions
from coldtrail.store.figures.steps import Steps
from coldtrail.store.functions.function import failures
from coldtrail.store.loading.statements import LOAD
from coldtrail.store.minutes import KINDS, parts
from coldtrail.store.red import Group, Point, red
from coldtrail.store.schema.migrate import migrate
from coldtrail.wal.segment import varint
from otlp import logs, span, traces

KEPT_S = {"spans": 86_400, "logs": 86_400, "metrics": 86_400}
MINUTE_NS = 60 * 10**9
LONG = 40


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(stores.dsn(tmp_path))
    migrate(made, KEPT_S)
    yield made
    made.close()


class Source:
    """Loads spans and `REPORT` lines as the loader does, of a time long enough ago for every minute to be over."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self._number = 0
        self.now_s = int(time.time())
        self.since_ns = (self.now_s // 60 - LONG - 30) * MINUTE_NS
        self.until_ns = self.since_ns + LONG * MINUTE_NS

    def load(self, signal: Any, body: bytes) -> None:
        self._number += 1
        segment = self._folder / f"{self._number}.seg"
        segment.write_bytes(varint(len(body)) + body)
        for table, statement in LOAD[signal]:
            self._engine.load(statement, signal, segment, self.now_s, f"{self._number}-{table}")

    def run(
        self, name: str, at_ns: int, took_ms: float, *, failed: bool = False, cold: bool = False
    ) -> list[tuple[str, dict[str, Any]]]:
        """Both that tell of one invocation: its span and its line."""
        attributes: dict[str, Any] = {"faas.invocation_id": name, "faas.coldstart": cold}
        error = {"error": "Failed"} if failed else {}
        told = span(
            "run",
            service=name.partition(".")[0],
            kind=2,
            start_ns=at_ns,
            duration_ms=took_ms,
            attributes=attributes,
            **error,
        )
        line = {
            "aws.lambda.duration_ms": took_ms + 1,
            "aws.lambda.memory_size_mb": 512,
            "aws.lambda.max_memory_used_mb": 100,
            "faas.invocation_id": name,
        }
        return [
            ("traces", told),
            (
                "logs",
                {"time_ns": at_ns + int((took_ms + 2) * 1e6), "event_name": "platform.report", "attributes": line},
            ),
        ]


def told(engine: Engine, source: Source, since_ns: int, until_ns: int, step_ns: int = MINUTE_NS) -> list[Any]:
    """Everything that reads summed minutes."""
    steps = Steps(since_ns, until_ns, step_ns)
    return [
        sorted(red(engine, "function", since_ns, until_ns, step_ns), key=lambda one: one.name),
        entries(engine, since_ns, until_ns, step_ns),
        capabilities(engine, {"api": "shop"}, since_ns, until_ns, step_ns),
        figures_of_functions(engine, "", steps, [f"account.{way}" for way in ("count", "errors", "duration_p95", "memory_used", "concurrency")]),
        figures_of_functions(engine, "fn1", steps, [f"function.{way}" for way in ("count", "errors", "duration_p95", "init_p95")]),
        figures_by_function(engine, steps),
    ]


def summed(engine: Engine, source: Source) -> dict[str, int]:
    """Sum up all that has settled; return how many minutes of the range are."""
    clock = Summing(engine)
    clock.turn(source.now_s, quiet=False)
    for after_s in range(10, 40, 10):
        clock.turn(source.now_s + after_s, quiet=True)
    return {kind: len(parts(engine, kind, source.since_ns, source.until_ns).summed) for kind in KINDS}


def busy(source: Source) -> None:
    dice = random.Random(3)
    spans, lines = [], []
    for number in range(3_000):
        at_ns = source.since_ns + dice.randrange(LONG * MINUTE_NS)
        name = f"fn{number % 5}.{number}"
        took_ms = 90_000 if number % 300 == 0 else dice.lognormvariate(3, 1)
        for signal, one in source.run(name, at_ns, took_ms, failed=number % 11 == 0, cold=number % 17 == 0):
            (spans if signal == "traces" else lines).append(one)
        route = {"http.request.method": "GET", "http.route": f"/r{number % 3}"}
        # Some requests have a parent that is never seen, so that they are entries though they are no roots.
        parent = {"parent": b"87654321"} if number % 7 == 0 else {}
        failed = {"error": "Failed"} if number % 13 == 0 else {}
        spans.append(
            span(
                "GET", service="api", kind=2, start_ns=at_ns, duration_ms=took_ms, attributes=route, **parent, **failed
            )
        )
    for part in range(3):
        source.load("traces", traces(*spans[part::3]))
    for service in {one["attributes"]["faas.invocation_id"].partition(".")[0] for one in lines}:
        mine = [one for one in lines if one["attributes"]["faas.invocation_id"].startswith(f"{service}.")]
        source.load("logs", logs(*mine, service=service))


def close(one: Any, other: Any) -> bool:
    """Alike in counts; percentiles of merged sketches are within two in a hundred."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=0.02)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(value, other[name]) for name, value in one.items())
    if hasattr(one, "__struct_fields__"):
        return all(close(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__)
    return bool(one == other)


@pytest.mark.both_stores
def test_what_is_summed_up_is_what_the_rows_say(engine: Engine, tmp_path: Path) -> None:
    source = Source(engine, tmp_path)
    busy(source)
    ranges = [
        (source.since_ns, source.until_ns, MINUTE_NS),
        (source.since_ns + 7 * MINUTE_NS, source.since_ns + 17 * MINUTE_NS, 5 * MINUTE_NS),
    ]
    before = [told(engine, source, *one) for one in ranges]
    spare = [
        Group(
            **{
                **asdict(one),
                "points": [Point(at.start_ns, at.count, at.error_count, None, None, None) for at in one.points],
            }
        )
        for one in before[0][0]
    ]
    assert summed(engine, source) == {"function": LONG, "entry": LONG}
    assert engine.rows("SELECT count() > 0 FROM function_minutes") == [(1,)]
    for one, rows in zip(ranges, before, strict=True):
        for kind, (now, was) in enumerate(zip(told(engine, source, *one), rows, strict=True)):
            assert close(now, was), (kind, one)
    counts = red(engine, "function", *ranges[0], percentiles=False)
    assert close(sorted(counts, key=lambda one: one.name), spare)


def test_what_comes_late_counts_at_once(engine: Engine, tmp_path: Path) -> None:
    source = Source(engine, tmp_path)
    busy(source)
    summed(engine, source)
    at_ns = source.since_ns + 5 * MINUTE_NS
    [(_, late), _] = source.run("late.1", at_ns, 5.0)
    request = span(
        "GET", service="api", kind=2, start_ns=at_ns, attributes={"http.request.method": "GET", "http.route": "/late"}
    )
    source.load("traces", traces(late, request))
    functions = {one.name: one.count for one in red(engine, "function", source.since_ns, source.until_ns, MINUTE_NS)}
    assert functions == {**{f"fn{number}": 600 for number in range(5)}, "late": 1}
    told, counted = (entries(engine, source.since_ns, source.until_ns, MINUTE_NS, percentiles=one) for one in (True, False))
    points = [[(point.start_ns, point.count, point.error_count) for point in one.points] for one in told]
    assert [[(point.start_ns, point.count, point.error_count) for point in one.points] for one in counted] == points
    assert [(one.route, one.codes, one.latest, one.p95_ms) for one in counted] == [
        (one.route, one.codes, one.latest, pytest.approx(one.p95_ms, rel=0.02)) for one in told
    ]
    assert {one.route: one.count for one in told} == {
        "/late": 1,
        **{f"/r{n}": 1000 for n in range(3)},
    }
    # A line about one that began ten minutes before makes it fail where it began, and is no invocation of its own.
    crash = {"faas.invocation_id": "late.1", "exception.type": "Runtime.Exit", "aws.lambda.status": "error"}
    source.load(
        "logs",
        logs({"time_ns": at_ns + 10 * MINUTE_NS, "event_name": "platform.fault", "attributes": crash}, service="late"),
    )
    for _ in range(2):
        late_one = next(
            one for one in red(engine, "function", source.since_ns, source.until_ns, MINUTE_NS) if one.name == "late"
        )
        assert (late_one.count, late_one.error_count) == (1, 1)
        assert [(point.start_ns, point.error_count) for point in late_one.points] == [(at_ns, 1)]
        summed(engine, source)


def test_what_follows_does_not_unsettle_a_minute(engine: Engine, tmp_path: Path) -> None:
    source = Source(engine, tmp_path)
    busy(source)
    summed(engine, source)
    at_ns = source.since_ns + 5 * MINUTE_NS
    place = at_ns // 10**9
    source.load("traces", traces(*(one for signal, one in source.run("late.1", at_ns, 5.0) if signal == "traces")))
    before = set(range(source.since_ns // 10**9, place - 2 * 60, 60))
    assert before <= parts(engine, "function", source.since_ns, source.until_ns).summed.keys()
    summed(engine, source)
    # A failure that only a line tells of, minutes after what ran so long was summed up: it is told once that was done again.
    crash = {"faas.invocation_id": "late.1", "exception.type": "Runtime.Exit", "aws.lambda.status": "error"}
    line = {"time_ns": at_ns + 10 * MINUTE_NS, "event_name": "platform.fault", "attributes": crash}
    source.load("logs", logs(line, service="late"))
    for failed in (0, 1):
        assert place in parts(engine, "function", source.since_ns, source.until_ns).summed
        groups = red(engine, "function", source.since_ns, source.until_ns, MINUTE_NS)
        assert [(one.count, one.error_count) for one in groups if one.name == "late"] == [(1, failed)]
        assert sum(one.count for one in groups) == 3_001
        summed(engine, source)


@pytest.mark.both_stores
def test_failures_are_the_same_however_many_failed(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(engine, tmp_path)
    busy(source)
    found = failures(engine, "fn1", source.since_ns, source.until_ns)
    assert [(one.type, one.count) for one in found] == [("Failed", 55)]
    monkeypatch.setattr(Engine, "most_bound", 54)
    assert failures(engine, "fn1", source.since_ns, source.until_ns) == found
    assert failures(engine, "nobody", source.since_ns, source.until_ns) == []


def test_a_request_whose_root_comes_late_is_no_entry_any_more(engine: Engine, tmp_path: Path) -> None:
    source = Source(engine, tmp_path)
    http = {"http.request.method": "GET"}
    root = span("GET", kind=2, start_ns=source.since_ns, attributes={**http, "http.route": "/outer"})
    inner = span(
        "GET",
        kind=2,
        start_ns=source.since_ns + 3 * MINUTE_NS,
        trace_id=root["trace_id"],
        parent=root["span_id"],
        attributes={**http, "http.route": "/inner"},
    )
    source.load("traces", traces(inner))
    assert summed(engine, source)["entry"] > 0
    assert [one.route for one in entries(engine, source.since_ns, source.until_ns, MINUTE_NS)] == ["/inner"]
    source.load("traces", traces(root))
    assert [one.route for one in entries(engine, source.since_ns, source.until_ns, MINUTE_NS)] == ["/outer"]
    assert summed(engine, source)["entry"] > 0
    assert [one.route for one in entries(engine, source.since_ns, source.until_ns, MINUTE_NS)] == ["/outer"]

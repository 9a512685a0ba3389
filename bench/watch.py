"""What evaluating objectives and alerts costs: 1,000 of each over 200 services, with 30 days of minutes behind them.

    python -m bench.watch [--objectives 1000] [--alerts 1000] [--services 200] [--minutes 6] [--spans-per-minute 24000]

A store of its own is filled with the counted minutes of 30 days and the spans of the newest minutes; then 15 s of spans
are loaded and the objectives evaluated, again and again, by a clock that runs as fast as the machine allows. Printed are
CPU seconds (user and system, all threads of the process, loads left out) of an evaluation, and their share of one core at the server's
pace and of a period of 30 s. Every fifth objective is a latency objective, every fifth is of a function, every fifth of an entry.
Alerts are thresholds of services and functions (share of errors, p95), capabilities of four services, absences, burn rates of an
objective, and one in twenty a threshold of PromQL; all are looked at, decided and kept in each round.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from coldtrail.model.definitions import Definition
from coldtrail.server.alerts.clockwork import PERIOD_S as LOOKS_S
from coldtrail.server.alerts.clockwork import Alerting
from coldtrail.server.alerts.looks import Looks
from coldtrail.server.objectives.clockwork import PERIOD_S, Objectives
from coldtrail.state import open_database
from coldtrail.state.alerting import AlertBook
from coldtrail.state.database import Database
from coldtrail.state.definitions import Definitions
from coldtrail.state.findings import Findings
from coldtrail.store.engine import Engine
from coldtrail.store.schema.migrate import migrate
from coldtrail.watch.series import Series
from coldtrail.watch.ways_out import Outside

DAY_S = 86_400
MINUTE_NS = 60 * 10**9
DAYS = 30
PERIOD_ALLOWED_S = 30


def cpu_s() -> float:
    """CPU seconds of this process so far, user and system, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def define(definitions: Definitions, objectives: int, services: int) -> None:
    """Define objectives: five kinds in turn, over all services."""
    for number in range(objectives):
        service, kind = f"service-{number // 5 % services}", number % 5
        sli: dict[str, object] = {"type": "requests", "of": "service", "scope": service}
        if kind == 1:
            sli["faster_than_ms"] = 300 if number % 2 else 100
        elif kind == 2:
            sli["of"] = "function"
        elif kind == 3:
            sli |= {"of": "entry", "scope": f"GET /{service}"}
        target = (99.0, 99.5, 99.9)[number // (5 * services) % 3] if kind != 4 else 95.0 + number % 5 * 0.9
        spec = {"sli": sli, "target_percent": target}
        definitions.put(Definition("objective", f"objective-{number}", spec, "bench", "bench", 0))


def define_alerts(definitions: Definitions, alerts: int, services: int) -> None:
    """Define alerts: the kinds in turn, over all services."""
    for number in range(alerts):
        service = f"service-{number // 6 % services}"
        others = [{"scope": f"service-{(number + each) % services}"} for each in range(4)]
        check: dict[str, object] = [
            {"type": "threshold", "figure": "error_share", "scope": service, "above": 0.5},
            {"type": "threshold", "figure": "p95_ms", "of": "function", "scope": service, "above": 5_000},
            {"type": "capability", "components": others},
            {"type": "absence", "scope": service},
            {"type": "burn_rate", "objective": f"objective-{number}"},
            {"type": "threshold", "figure": "rate", "scope": service, "below": 0.001},
        ][number % 6]
        if number % 20 == 0:
            asked = f'sum(rate(coldtrail_errors_total{{group="service",service="{service}"}}[5m]))'
            check = {"type": "threshold", "promql": asked, "above": 100}
        definitions.put(Definition("alert", f"alert-{number}", {"check": check}, "bench", "bench", 0))


def fill(engine: Engine, series: list[Series], until_s: int) -> None:
    """Write the counted minutes of 30 days, for every series, by the engine itself."""
    for one in series:
        engine.command(
            f"INSERT INTO sli_minutes SELECT {one.id}, fromUnixTimestamp({until_s} - 60 * (number + 1)), "
            f"100 - (number % 97 = 0), 100, 1000000000 * {until_s} FROM numbers({DAYS * 1440})"
        )


def load(engine: Engine, since_s: int, seconds: int, spans: int, services: int) -> None:
    """Insert some seconds of server spans, with an invocation and a route each: the views count them as they do telemetry."""
    service = f"concat('service-', toString(number % {services}))"
    told = {
        "http.request.method": "'GET'",
        "http.route": f"concat('/', {service})",
        "faas.invocation_id": f"lower(hex(cityHash64(number, {since_s})))",
        "faas.invoked_name": service,
    }
    # A text attribute as it is kept: the field's tag, its length, its bytes.
    attributes = ", ".join(f"'{name}', concat('\\n', char(length({sql})), {sql})" for name, sql in told.items())
    engine.command(
        f"""INSERT INTO spans (trace_id, span_id, parent_span_id, name, kind, start, duration_ns, status_code, service,
            attributes, received)
        SELECT reinterpret(sipHash128(number, {since_s}), 'FixedString(16)'), reinterpret(cityHash64(number), 'FixedString(8)'),
          toFixedString('', 8), 'GET', 2, fromUnixTimestamp64Nano(toInt64(({since_s} + number % {seconds}) * 1e9), 'UTC'),
          toInt64(1e6 * (number % 400)), if(number % 211 = 0, 2, 1), {service},
          CAST(map({attributes}), 'Map(LowCardinality(String), String)'), fromUnixTimestamp({since_s + seconds})
        FROM numbers({spans})"""
    )


def main() -> None:
    """Run it and print the table."""
    asked = argparse.ArgumentParser()
    for name, default in (
        ("objectives", 1000),
        ("alerts", 1000),
        ("services", 200),
        ("minutes", 6),
        ("spans-per-minute", 24_000),
    ):
        asked.add_argument(f"--{name}", type=int, default=default)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(f"chdb://{Path(folder).resolve() / 'store'}")
        migrate(engine, dict.fromkeys(("spans", "logs", "metrics"), 40 * DAY_S))
        database = open_database(f"sqlite:///{folder}/state.db")
        definitions = Definitions(database)
        define(definitions, options.objectives, options.services)
        define_alerts(definitions, options.alerts, options.services)
        try:
            measure(engine, database, definitions, options)
        finally:
            engine.close()
            database.close()


def alerting_of(engine: Engine, database: Database, definitions: Definitions, watched: Objectives) -> Alerting:
    """Return who decides about alerts, as the server has it, without anybody who sends."""
    findings = Findings(database)

    def looks(at_ns: Sequence[int], reach_ns: int) -> Looks:
        return Looks(engine, findings, at_ns, reach_ns, burning=watched.burning)

    return Alerting(AlertBook(database), definitions, looks, "bench", lambda: "http://bench", Outside())


def measure(engine: Engine, database: Database, definitions: Definitions, options: argparse.Namespace) -> None:
    """Fill, start and evaluate; print what each costs."""
    began_s = int(time.time()) // 60 * 60
    first = Objectives(engine, definitions, {})
    first.follow(began_s * 10**9)
    series = list(first.series().values())
    fill(engine, series, began_s)
    engine.command("OPTIMIZE TABLE sli_minutes FINAL")
    watched, before = Objectives(engine, definitions, {}), cpu_s()
    watched.turn(began_s * 10**9)
    while watched.behind:
        watched.turn(began_s * 10**9)
    start_s, cost, decided = cpu_s() - before, list[float](), list[float]()
    alerting = alerting_of(engine, database, definitions, watched)
    for now_s in range(began_s, began_s + 60 * options.minutes, PERIOD_S):
        load(engine, now_s, PERIOD_S, options.spans_per_minute * PERIOD_S // 60, options.services)
        before = cpu_s()
        watched.turn((now_s + PERIOD_S) * 10**9 + 1)
        cost.append(cpu_s() - before)
        before = cpu_s()
        alerting.decide((now_s + PERIOD_S) * 10**9 + 1)
        decided.append(cpu_s() - before)
    before = cpu_s()
    told = watched.told((began_s + 60 * options.minutes) * 10**9)
    told_s = cpu_s() - before
    mean_s, decide_s = sum(cost) / len(cost), sum(decided) / len(decided)
    share = mean_s / PERIOD_S + decide_s / LOOKS_S
    table = Table(
        title=f"{len(told)} objectives, {len(series)} series, {options.spans_per_minute:,} spans a minute", box=None
    )
    table.add_column("what")
    table.add_column("CPU", justify="right")
    rows = (
        (f"start: {len(series)} series of {DAYS} days read, alerts worked out", f"{start_s:.2f} s"),
        ("evaluation, mean", f"{1000 * mean_s:.0f} ms"),
        ("evaluation, longest", f"{1000 * max(cost):.0f} ms"),
        (f"share of a core, an evaluation every {PERIOD_S} s", f"{100 * mean_s / PERIOD_S:.2f} %"),
        (f"share of a core, an evaluation every {PERIOD_ALLOWED_S} s", f"{100 * mean_s / PERIOD_ALLOWED_S:.2f} %"),
        (f"all {options.alerts} alerts looked at and decided, mean", f"{1000 * decide_s:.0f} ms"),
        ("the same, longest", f"{1000 * max(decided):.0f} ms"),
        (f"share of a core, a look every {LOOKS_S:.0f} s", f"{100 * decide_s / LOOKS_S:.2f} %"),
        (
            f"share of a core of both, at the server's pace ({len(alerting.failing)} alerts failing)",
            f"{100 * share:.2f} %",
        ),
        (
            "events counted in those minutes",
            f"{sum(one.budget.valid for one in told) / len(told) - DAYS * 144_000:,.0f} an objective",
        ),
        ("answer of the list", f"{1000 * told_s:.0f} ms"),
        ("memory of the process, at most", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"),
    )
    for row in rows:
        table.add_row(*row)
    Console(width=int(os.environ.get("COLUMNS", "100"))).print(table)


if __name__ == "__main__":
    main()

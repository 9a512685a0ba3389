"""How functions started cold: figures of all of a range, and the newest runs of those that did, with their instances."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.anyvalue import sql_number, sql_text, sql_true
from coldtrail.store.engine import Engine
from coldtrail.store.resources import number

MOST_RUNS = 40_000
"""So many runs are read to decide causes, the newest of each function."""

MOST_FUNCTIONS = 20

_TIME = "time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})"
_SERVICE = "({service:String} = '' OR function = {service:String})"

# A report is written when the run is over, a span is dated when it began.
_STARTED = "if(source = 'span', time, subtractNanoseconds(time, toInt64(ifNull(took_ms, 0) * 1e6)))"

_DECODED = f"""
SELECT function, source, emitter_id, time, trace_id, if(source = 'span', {sql_text("request_id")}, request_id) AS request,
  if(source = 'span', toNullable(span_ns / 1e6), {sql_number("duration")}) AS took_ms,
  {sql_number("init")} AS init_ms, {sql_number("restore")} AS restore_ms, {sql_number("memory_mb")} AS memory,
  {sql_true("cold")} OR isNotNull(init_ms) OR isNotNull(restore_ms) AS is_cold, {sql_text("status")} AS state,
  {sql_text("how")} AS kind, {sql_text("phase")} AS stage, {sql_text("version")} AS release, {sql_text("runtime")} AS engine
FROM runs WHERE {_TIME} AND {_SERVICE}
"""

# Where a function has reports, its spans would count the same runs again.
_RUNS = f"""
SELECT * FROM ({_DECODED}) WHERE source = 'platform.report' OR source = 'span' AND function NOT IN (
  SELECT function FROM runs WHERE {_TIME} AND {_SERVICE} AND source = 'platform.report')
"""

_READY = f"""
SELECT emitter_id, if(countIf(isNotNull(restore_ms)) > 0, 'snap-start', anyIf(d.kind, d.kind != '')) AS kind,
  anyIf(engine, engine != '') AS engine,
  anyIf(release, release != '') AS release FROM ({_DECODED}) AS d WHERE source != 'span' GROUP BY emitter_id
"""

_EMITTERS = f"""
SELECT emitter_id, resource['faas.instance'] AS instance, resource['faas.version'] AS version FROM emitters
WHERE emitter_id IN (SELECT emitter_id FROM runs WHERE {_TIME} AND {_SERVICE})
"""

_JOINED = f"""
SELECT r.function AS function, r.time AS time, r.took_ms AS took_ms, r.init_ms AS init_ms, r.restore_ms AS restore_ms,
  r.memory AS memory, r.is_cold AS is_cold, r.request AS request, r.trace_id AS trace_id, r.source AS source,
  if(r.kind != '', r.kind, m.kind) AS how,
  multiIf(r.release != '', r.release, m.release != '', m.release, {sql_text("e.version")}) AS release,
  if(r.engine != '', r.engine, m.engine) AS engine, {sql_text("e.instance")} AS instance
FROM ({_RUNS}) AS r ANY LEFT JOIN ({_READY}) AS m ON r.emitter_id = m.emitter_id
  ANY LEFT JOIN ({_EMITTERS}) AS e ON r.emitter_id = e.emitter_id
"""


class Figures(Struct):
    """Runs of one function, version, runtime, memory size and initialization type; times in ms, None where nothing tells."""

    function: str
    version: str
    runtime_version: str
    memory_mb: int | None
    initialization_type: str
    count: int
    cold_start_count: int
    init_p50_ms: float | None
    init_p95_ms: float | None
    init_p99_ms: float | None
    restore_p50_ms: float | None
    restore_p95_ms: float | None
    restore_p99_ms: float | None
    run_ms: float


class RunRow(Struct):
    """One run with its instance, "" where nothing names it."""

    function: str
    start_ns: int
    took_ms: float
    init_ms: float | None
    restore_ms: float | None
    is_cold: bool
    request_id: str
    trace_id: str
    instance: str
    how: str
    version: str


class Ready(Struct):
    """Instances made ready outside of an invocation: ahead, or in vain."""

    function: str
    time_ns: int
    how: str
    failed: bool


def figures(engine: Engine, since_ns: int, until_ns: int, service: str) -> list[Figures]:
    """Return the figures of a range, the most cold starts first; reads a row a run."""
    rows = engine.rows(
        f"""SELECT function, release, engine, memory, how, count() AS n, countIf(is_cold) AS colds,
          quantilesTDigestIf(0.5, 0.95, 0.99)(init_ms, isNotNull(init_ms)),
          quantilesTDigestIf(0.5, 0.95, 0.99)(restore_ms, isNotNull(restore_ms)), sum(ifNull(took_ms, 0))
        FROM ({_JOINED}) GROUP BY function, release, engine, memory, how ORDER BY colds DESC, n DESC, function LIMIT 1000""",
        {"since": since_ns, "until": until_ns, "service": service},
    )
    return [_figures(row) for row in rows]


def _figures(row: tuple[Any, ...]) -> Figures:
    name, version, runtime, memory, how, n, colds, inits, restores, ran = row
    init_p50, init_p95, init_p99 = (number(one) for one in inits)
    restore_p50, restore_p95, restore_p99 = (number(one) for one in restores)
    return Figures(
        function=name,
        version=version,
        runtime_version=runtime,
        memory_mb=memory and int(memory),
        initialization_type=how,
        count=n,
        cold_start_count=colds,
        init_p50_ms=init_p50,
        init_p95_ms=init_p95,
        init_p99_ms=init_p99,
        restore_p50_ms=restore_p50,
        restore_p95_ms=restore_p95,
        restore_p99_ms=restore_p99,
        run_ms=ran,
    )


def whole_quantiles(engine: Engine, since_ns: int, until_ns: int, service: str) -> tuple[list[float | None], ...]:
    """Return p50, p95 and p99 of initialising and of restoring, over all functions."""
    row = engine.rows(
        f"""SELECT quantilesTDigestIf(0.5, 0.95, 0.99)(init_ms, isNotNull(init_ms)),
          quantilesTDigestIf(0.5, 0.95, 0.99)(restore_ms, isNotNull(restore_ms))
        FROM ({_DECODED}) WHERE source = 'platform.report'""",
        {"since": since_ns, "until": until_ns, "service": service},
    )[0]
    return [number(one) for one in row[0]], [number(one) for one in row[1]]


def runs_of(engine: Engine, functions: list[str], since_ns: int, until_ns: int) -> dict[str, list[RunRow]]:
    """Return the newest runs of functions, oldest first; the range's share of `MOST_RUNS` for each."""
    if not functions:
        return {}
    each = MOST_RUNS // len(functions)
    parameters: dict[str, Any] = {"since": since_ns, "until": until_ns, "service": "", "functions": functions}
    rows = engine.rows(
        f"""SELECT function, toUnixTimestamp64Nano({_STARTED}) AS began, ifNull(took_ms, 0), init_ms, restore_ms, is_cold,
          request, lower(hex(trace_id)), instance, how, release
        FROM ({_JOINED}) WHERE function IN {{functions:Array(String)}} ORDER BY time DESC LIMIT {each} BY function""",
        parameters,
    )
    rows.sort(key=lambda row: row[1])
    found: dict[str, list[RunRow]] = {}
    for name, began, took, init, restore, cold, request, trace_id, instance, how, version in rows:
        known = trace_id if trace_id.strip("0") else ""
        row = RunRow(name, began, took, init, restore, bool(cold), request, known, instance, how, version)
        found.setdefault(name, []).append(row)
    return found


def made_ready(engine: Engine, since_ns: int, until_ns: int, service: str) -> list[Ready]:
    """Return the instances that were made ready ahead of any request, or in vain; the newest thousand."""
    rows = engine.rows(
        f"""SELECT function, toUnixTimestamp64Nano(time) AS at, kind, state NOT IN ('', 'success') AS failed FROM ({_DECODED})
        WHERE source IN ('platform.initReport', 'platform.restoreReport') AND (failed OR kind = 'provisioned-concurrency')
        ORDER BY at DESC LIMIT 1000""",
        {"since": since_ns, "until": until_ns, "service": service},
    )
    return [Ready(name, at, how, bool(failed)) for name, at, how, failed in rows]

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

# Where a function has reports, its spans would count the same runs again.
_RUN = f"""(source = 'platform.report' OR source = 'span' AND function NOT IN (
  SELECT DISTINCT function FROM runs WHERE {_TIME} AND {_SERVICE} AND source = 'platform.report'))"""

_IS_COLD = f"({sql_true('cold')} OR isNotNull(init_ms) OR isNotNull(restore_ms))"
_TIMES = f"""if(source = 'span', toNullable(span_ns / 1e6), {sql_number("duration")}) AS took_ms,
  {sql_number("init")} AS init_ms, {sql_number("restore")} AS restore_ms"""
_TEXTS = f"""{sql_number("memory_mb")} AS memory, {sql_text("how")} AS kind, {sql_text("version")} AS release,
  {sql_text("runtime")} AS engine"""

_READY = f"""
SELECT emitter_id, if(max(restored), 'snap-start', anyIf(kind, kind != '')) AS kind, anyIf(engine, engine != '') AS engine,
  anyIf(release, release != '') AS release
FROM (
  SELECT emitter_id, max({sql_number("restore")} IS NOT NULL) AS restored, {sql_text("how")} AS kind,
    {sql_text("version")} AS release, {sql_text("runtime")} AS engine
  FROM runs WHERE {_TIME} AND {_SERVICE} AND source != 'span' GROUP BY emitter_id, how, version, runtime)
GROUP BY emitter_id
"""

_EMITTERS = f"""
SELECT emitter_id, resource['faas.instance'] AS instance, resource['faas.version'] AS version FROM emitters
WHERE emitter_id IN (SELECT DISTINCT emitter_id FROM runs WHERE {_TIME} AND {_SERVICE})
"""

# What an emitter and the instance that it is say of all its runs.
_HOW = "if(r.kind != '', r.kind, m.kind) AS how"
_RELEASE = f"multiIf(r.release != '', r.release, m.release != '', m.release, {sql_text('e.version')}) AS release"
_JOINS = f"""ANY LEFT JOIN ({_READY}) AS m ON r.emitter_id = m.emitter_id
  ANY LEFT JOIN ({_EMITTERS}) AS e ON r.emitter_id = e.emitter_id"""

# Texts are alike for all runs of an emitter: runs are put together first, and decoded and joined by the few that are left.
_GROUPED = f"""
SELECT function, emitter_id, {_TEXTS}, n, colds, inits, restores, ran FROM (
  SELECT function, emitter_id, memory_mb, how, version, runtime, count() AS n, countIf({_IS_COLD}) AS colds,
    quantilesTDigestIfState(0.5, 0.95, 0.99)(ifNull(init_ms, 0), isNotNull(init_ms)) AS inits,
    quantilesTDigestIfState(0.5, 0.95, 0.99)(ifNull(restore_ms, 0), isNotNull(restore_ms)) AS restores,
    sum(ifNull(took_ms, 0)) AS ran
  FROM (SELECT *, {_TIMES} FROM runs WHERE {_TIME} AND {_SERVICE} AND {_RUN})
  GROUP BY function, emitter_id, memory_mb, how, version, runtime)
"""

_FIGURES = f"""
SELECT function, release, engine, memory, how, sum(n) AS runs, sum(colds) AS cold,
  quantilesTDigestIfMerge(0.5, 0.95, 0.99)(inits), quantilesTDigestIfMerge(0.5, 0.95, 0.99)(restores), sum(ran)
FROM (
  SELECT r.function AS function, {_RELEASE}, if(r.engine != '', r.engine, m.engine) AS engine, r.memory AS memory, {_HOW},
    r.n AS n, r.colds AS colds, r.inits AS inits, r.restores AS restores, r.ran AS ran
  FROM ({_GROUPED}) AS r {_JOINS})
GROUP BY function, release, engine, memory, how ORDER BY cold DESC, runs DESC, function LIMIT 1000
"""

# The newest rows of each function are chosen as they are, and only they are decoded.
_NEWEST = f"""
SELECT r.function AS function, toUnixTimestamp64Nano(if(r.source = 'span', r.time,
    subtractNanoseconds(r.time, toInt64(ifNull(r.took_ms, 0) * 1e6)))) AS began,
  ifNull(r.took_ms, 0), r.init_ms, r.restore_ms, r.is_cold, r.request, lower(hex(r.trace_id)),
  {sql_text("e.instance")} AS instance, {_HOW}, {_RELEASE}
FROM (
  SELECT function, emitter_id, source, time, trace_id, {_TIMES}, {_TEXTS}, {_IS_COLD} AS is_cold,
    if(source = 'span', {sql_text("request_id")}, request_id) AS request
  FROM (
    SELECT * FROM runs WHERE {_TIME} AND {_SERVICE} AND function IN {{functions:Array(String)}} AND {_RUN}
    ORDER BY time DESC LIMIT EACH BY function)) AS r {_JOINS}
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
    parameters = {"since": since_ns, "until": until_ns, "service": service}
    return [_figures(row) for row in engine.rows(_FIGURES, parameters)]


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
        FROM (SELECT {sql_number("init")} AS init_ms, {sql_number("restore")} AS restore_ms FROM runs
          WHERE {_TIME} AND {_SERVICE} AND source = 'platform.report' AND (init != '' OR restore != ''))""",
        {"since": since_ns, "until": until_ns, "service": service},
    )[0]
    return [number(one) for one in row[0]], [number(one) for one in row[1]]


def runs_of(engine: Engine, functions: list[str], since_ns: int, until_ns: int) -> dict[str, list[RunRow]]:
    """Return the newest runs of functions, oldest first; the range's share of `MOST_RUNS` for each."""
    if not functions:
        return {}
    each = MOST_RUNS // len(functions)
    parameters: dict[str, Any] = {"since": since_ns, "until": until_ns, "service": "", "functions": functions}
    rows = engine.rows(_NEWEST.replace("EACH", str(each)), parameters)
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
        f"""SELECT function, at, kind, state NOT IN ('', 'success') AS failed FROM (
          SELECT function, toUnixTimestamp64Nano(time) AS at, {sql_text("how")} AS kind, {sql_text("status")} AS state
          FROM runs WHERE {_TIME} AND {_SERVICE} AND source IN ('platform.initReport', 'platform.restoreReport'))
        WHERE failed OR kind = 'provisioned-concurrency' ORDER BY at DESC LIMIT 1000""",
        {"since": since_ns, "until": until_ns, "service": service},
    )
    return [Ready(name, at, how, bool(failed)) for name, at, how, failed in rows]

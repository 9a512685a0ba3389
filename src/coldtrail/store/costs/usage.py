"""Usage over a range, as bills count it: from the roll-up, from invocations, and who took part in which workflow."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.anyvalue import sql_number, sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.resources import number

COPY_S = 30
"""Reports of one request id that began within so many seconds are copies of one: a retry comes a minute later at the
earliest (AWS Lambda Developer Guide, "Error handling for asynchronous invocations"). So an attempt is billed once."""

MOST_TRAILS = 20_000
"""So many are told apart by workflow; of more, a sample of them. Shares of so many are within one percent of all."""


class Used(Struct, frozen=True):
    """What one caller did to one resource. ``units`` are billed units of the ``known`` calls; others have one or none."""

    kind: str
    name: str
    operation: str
    caller: str
    count: int
    units: float
    known: int


class Ran(Struct, frozen=True):
    """Attempts of one function with one memory size. ``reported``: billed by its REPORT lines; else by what spans lasted.

    ``memory_mb`` None: nobody told. ``init_count`` and ``init_billed_ms`` are of the attempts that were cold starts.
    """

    function: str
    memory_mb: int | None
    reported: bool
    count: int
    billed_ms: float
    init_count: int
    init_billed_ms: float
    duration_p50_ms: float | None
    duration_p95_ms: float | None
    memory_used_mb: int | None
    last_ns: int


class Fact(Struct, frozen=True):
    """What a function's emitters say of it; "" and None where they do not."""

    function: str
    architecture: str
    memory_mb: int | None
    region: str


class Share(Struct, frozen=True):
    """How many trails began in one workflow (or belong to one tenant), and in how many of them each service was."""

    service: str
    name: str
    trail_count: int
    by_service: dict[str, int]


_IN = "{at} >= fromUnixTimestamp64Nano({{since:Int64}}) AND {at} < fromUnixTimestamp64Nano({{until:Int64}})"

_USED = """
SELECT kind, name, operation, caller, sum(count), sum(units), sum(known) FROM usage
WHERE minute >= fromUnixTimestamp(intDiv({since:Int64}, 1000000000)) AND minute < fromUnixTimestamp(intDiv({until:Int64}, 1000000000))
GROUP BY kind, name, operation, caller ORDER BY kind, name, operation, caller
"""

# An attempt that lines report is not counted again by its span, whose function may be called by another name.
# LIMIT BY takes half the time of grouping by the attempt.
_RAN = f"""
SELECT function, memory_mb, source = 'report', count(), sum(billed), countIf(cold_start), sumIf(billed, cold_start),
  {{durations}}, max(memory_used_mb), toUnixTimestamp64Nano(max(time))
FROM (
  SELECT function, memory_mb, source, cold_start, duration_ms, memory_used_mb, time,
    coalesce(billed_ms, ceil(duration_ms + ifNull(init_ms, 0)), 0) AS billed
  FROM invocations
  WHERE {_IN.format(at="time")} AND (source = 'report' OR (source = 'span' AND isNotNull(duration_ms)
    AND request_hash NOT IN (SELECT request_hash FROM invocations
      WHERE {_IN.format(at="time")} AND source = 'report')))
  LIMIT 1 BY cityHash64(function, request_hash, source, intDiv(toUnixTimestamp(time), {COPY_S}))
)
GROUP BY function, memory_mb, source ORDER BY function, memory_mb
"""

_FACTS = f"""
SELECT name, max(architecture), max(memory), argMax(region, at) FROM (
  SELECT {sql_text("resource['faas.name']")} AS name, {sql_text("resource['host.arch']")} AS architecture,
    {sql_number("resource['faas.max_memory']")} AS memory, {sql_text("resource['cloud.region']")} AS region, received AS at
  FROM emitters WHERE received >= fromUnixTimestamp(intDiv({{since:Int64}}, 1000000000)) - INTERVAL 1 DAY
    AND (mapContains(resource, 'host.arch') OR mapContains(resource, 'cloud.region') OR mapContains(resource, 'faas.max_memory')))
GROUP BY name
"""

# One trace in `every`, told by its id, so that the same are taken wherever one asks.
_TRACES = """
SELECT trace_id, min(t.start) AS began, argMin(t.root_service, (NOT t.has_root, t.start)) AS service,
  argMin(t.root_name, (NOT t.has_root, t.start)) AS name, groupUniqArrayArray(t.services) AS services
FROM traces AS t
WHERE t.start >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 30 SECOND
  AND t.start < fromUnixTimestamp64Nano({until:Int64}) + INTERVAL 5 MINUTE
  AND cityHash64(t.trace_id) % {every:UInt32} = 0
GROUP BY trace_id HAVING began >= fromUnixTimestamp64Nano({since:Int64}) AND began < fromUnixTimestamp64Nano({until:Int64})
"""

# Trails of several traces, or of none, are the reconstruction's; every other trace is a trail of its own.
_TRAILS = f"""
SELECT service, name, services FROM ({_TRACES})
WHERE lower(hex(trace_id)) NOT IN (SELECT unit FROM trail_members
  WHERE received >= fromUnixTimestamp(intDiv({{since:Int64}}, 1000000000)) AND length(unit) = 32
    AND cityHash64(unhex(unit)) % {{every:UInt32}} = 0)
UNION ALL
SELECT argMax(t.origin_service, t.version), argMax(t.origin_name, t.version), argMax(t.services, t.version) FROM trails AS t
WHERE {_IN.format(at="t.start")} AND cityHash64(t.trail_id) % {{every:UInt32}} = 0
GROUP BY t.trail_id HAVING argMax(t.status, t.version) != ''
"""

_COUNTED = f"""
SELECT (SELECT count() FROM traces WHERE {_IN.format(at="start")}) + (SELECT count() FROM trails WHERE {_IN.format(at="start")})
"""

# Most trails of a workflow have the same services: told apart first, they are few to add up.
_SHARES = f"""
SELECT service, name, sum(n) AS trails, sumMap(services, arrayMap(one -> n, services)) FROM (
  SELECT service, name, services, count() AS n FROM (SELECT service, name, arraySort(services) AS services FROM ({_TRAILS}))
  GROUP BY service, name, services)
GROUP BY service, name ORDER BY trails DESC, service, name LIMIT 1000
"""

_TENANTS = f"""
SELECT '', tenant, count(), sumMap(services, arrayMap(one -> 1, services)) FROM ({_TRACES}) AS whole
INNER JOIN (
  SELECT trace_id, any({sql_text("attributes[{tenant:String}]")}) AS tenant FROM spans
  WHERE {_IN.format(at="start")} AND mapContains(attributes, {{tenant:String}}) GROUP BY trace_id
) AS told ON whole.trace_id = told.trace_id
WHERE tenant != '' GROUP BY tenant ORDER BY count() DESC, tenant LIMIT 1000
"""


def _range(since_ns: int, until_ns: int) -> dict[str, Any]:
    return {"since": since_ns, "until": until_ns}


def used(engine: Engine, since_ns: int, until_ns: int) -> list[Used]:
    """Return the calls of a range of whole minutes; reads one granule a minute of the roll-up."""
    return [Used(*row) for row in engine.rows(_USED, _range(since_ns, until_ns))]


def ran(engine: Engine, since_ns: int, until_ns: int, *, durations: bool = False) -> list[Ran]:
    """Return the attempts of a range by function and memory size; reads the range's minutes of one table, twice.

    ``durations``: their percentiles too, which take as long as all the rest.
    """
    found = []
    query = _RAN.replace("{durations}", "quantilesTDigest(0.5, 0.95)(duration_ms)" if durations else "[nan, nan]")
    for row in engine.rows(query, _range(since_ns, until_ns)):
        function, memory, told, count, billed, colds, cold_billed, (p50, p95), used_mb, last_ns = row
        found.append(
            Ran(
                function=function,
                memory_mb=memory,
                reported=bool(told),
                count=count,
                billed_ms=billed,
                init_count=colds,
                init_billed_ms=cold_billed,
                duration_p50_ms=number(p50),
                duration_p95_ms=number(p95),
                memory_used_mb=used_mb,
                last_ns=last_ns,
            )
        )
    return found


def facts(engine: Engine, since_ns: int) -> list[Fact]:
    """Return what emitters heard of since a day before the range say of functions; the one without a name of the region."""
    return [
        Fact(name, architecture, int(memory) // 2**20 if memory else None, region)
        for name, architecture, memory, region in engine.rows(_FACTS, {"since": since_ns})
    ]


def workflows(engine: Engine, since_ns: int, until_ns: int) -> list[Share]:
    """Return the origins of the range's trails, the commonest first; reads the summaries, no span.

    Of more than `MOST_TRAILS` an equal sample, told by their ids, stands for all; its counts are scaled up.
    """
    every = _every(engine, since_ns, until_ns)
    found = _shares(engine, _SHARES, {**_range(since_ns, until_ns), "every": every})
    if every == 1:
        return found
    return [
        Share(one.service, one.name, one.trail_count * every, {name: n * every for name, n in one.by_service.items()})
        for one in found
    ]


def _every(engine: Engine, since_ns: int, until_ns: int) -> int:
    """One trail in so many is read."""
    rows = int(engine.rows(_COUNTED, _range(since_ns, until_ns))[0][0])
    return max(1, -(-rows // MOST_TRAILS))


def tenants(engine: Engine, since_ns: int, until_ns: int, attribute: str) -> list[Share]:
    """Return the tenants that spans name by ``attribute``; reads the attributes of the range's spans once."""
    every = _every(engine, since_ns, until_ns)
    return _shares(engine, _TENANTS, {**_range(since_ns, until_ns), "tenant": attribute, "every": every})


def _shares(engine: Engine, query: str, parameters: dict[str, Any]) -> list[Share]:
    return [
        Share(service, name, count, dict(zip(*services, strict=True)))
        for service, name, count, services in engine.rows(query, parameters)
    ]

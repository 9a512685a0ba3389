"""Usage over a range, as bills count it: from the roll-up, from invocations, and who took part in which workflow."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.anyvalue import sql_number, sql_text
from coldtrail.store.engine import Engine

COPY_S = 30
"""Reports of one request id that began within so many seconds are copies of one: a retry comes a minute later at the
earliest (AWS Lambda Developer Guide, "Error handling for asynchronous invocations"). So an attempt is billed once."""

MOST_TENANT_SPANS = 500_000
"""Spans whose attributes are read for tenants; a longer range is cut to its newest part."""


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
_RAN = f"""
SELECT function, memory_mb, told, count(), sum(billed), countIf(cold), sumIf(billed, cold),
  quantilesTDigest(0.5, 0.95)(duration_ms), max(used_mb), toUnixTimestamp64Nano(max(at))
FROM (
  SELECT sipHash64(i.request_id) AS request, i.source = 'report' AS told, intDiv(toUnixTimestamp(i.time), {COPY_S}) AS part,
    any(i.function) AS function, max(i.memory_mb) AS memory_mb, max(i.duration_ms) AS duration_ms, max(i.memory_used_mb) AS used_mb,
    max(i.cold_start) AS cold, max(i.time) AS at,
    coalesce(max(i.billed_ms), ceil(max(i.duration_ms) + ifNull(max(i.init_ms), 0)), 0) AS billed
  FROM invocations AS i
  WHERE {_IN.format(at="i.time")} AND (i.source = 'report' OR (i.source = 'span' AND isNotNull(i.duration_ms)
    AND sipHash64(i.request_id) NOT IN (SELECT sipHash64(request_id) FROM invocations
      WHERE {_IN.format(at="time")} AND source = 'report')))
  GROUP BY request, told, part
)
GROUP BY function, memory_mb, told ORDER BY function, memory_mb
"""

_FACTS = f"""
SELECT name, max(architecture), max(memory), argMax(region, at) FROM (
  SELECT {sql_text("resource['faas.name']")} AS name, {sql_text("resource['host.arch']")} AS architecture,
    {sql_number("resource['faas.max_memory']")} AS memory, {sql_text("resource['cloud.region']")} AS region, received AS at
  FROM emitters WHERE received >= fromUnixTimestamp(intDiv({{since:Int64}}, 1000000000)) - INTERVAL 1 DAY
    AND (mapContains(resource, 'host.arch') OR mapContains(resource, 'cloud.region') OR mapContains(resource, 'faas.max_memory')))
GROUP BY name
"""

_TRACES = """
SELECT trace_id, min(t.start) AS began, argMin(t.root_service, (NOT t.has_root, t.start)) AS service,
  argMin(t.root_name, (NOT t.has_root, t.start)) AS name, groupUniqArrayArray(t.services) AS services
FROM traces AS t
WHERE t.start >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 30 SECOND
  AND t.start < fromUnixTimestamp64Nano({until:Int64}) + INTERVAL 5 MINUTE
GROUP BY trace_id HAVING began >= fromUnixTimestamp64Nano({since:Int64}) AND began < fromUnixTimestamp64Nano({until:Int64})
"""

# Trails of several traces, or of none, are the reconstruction's; every other trace is a trail of its own.
_TRAILS = f"""
SELECT service, name, services FROM ({_TRACES})
WHERE lower(hex(trace_id)) NOT IN (SELECT unit FROM trail_members
  WHERE received >= fromUnixTimestamp(intDiv({{since:Int64}}, 1000000000)))
UNION ALL
SELECT argMax(t.origin_service, t.version), argMax(t.origin_name, t.version), argMax(t.services, t.version) FROM trails AS t
WHERE {_IN.format(at="t.start")} GROUP BY t.trail_id HAVING argMax(t.status, t.version) != ''
"""

_SHARES = f"""
SELECT service, name, count(), sumMap(services, arrayMap(one -> 1, services)) FROM ({_TRAILS})
GROUP BY service, name ORDER BY count() DESC, service, name LIMIT 1000
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


def ran(engine: Engine, since_ns: int, until_ns: int) -> list[Ran]:
    """Return the attempts of a range by function and memory size; reads the range's minutes of one table, twice."""
    found = []
    for row in engine.rows(_RAN, _range(since_ns, until_ns)):
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
                duration_p50_ms=None if p50 is None or p50 != p50 else round(float(p50), 3),
                duration_p95_ms=None if p95 is None or p95 != p95 else round(float(p95), 3),
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
    """Return the origins of the range's trails, the commonest first; reads the summaries, no span."""
    return _shares(engine, _SHARES, _range(since_ns, until_ns))


def tenants(engine: Engine, since_ns: int, until_ns: int, attribute: str) -> list[Share]:
    """Return the tenants that spans name by ``attribute``; reads the attributes of the range's spans once."""
    return _shares(engine, _TENANTS, {**_range(since_ns, until_ns), "tenant": attribute})


def _shares(engine: Engine, query: str, parameters: dict[str, Any]) -> list[Share]:
    return [
        Share(service, name, count, dict(zip(*services, strict=True)))
        for service, name, count, services in engine.rows(query, parameters)
    ]

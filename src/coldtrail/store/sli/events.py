"""Good and valid events by minute, for objectives: each source is read once for all who ask of it, and only where something came.

Every answer is rows of `Counted`: events of a name and a minute, by the threshold that they took at least. What tests
and probes sent is counted by the same queries, over the traces that say so, and taken off by whoever wants it off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import trace_sets
from coldtrail.store.resource_names import sql_has_any
from coldtrail.store.sql_words import DID_FAIL

Source = Literal["service", "function", "entry", "trail"]

SYNTHETIC = ("synthetic", "user_agent.synthetic.type", "aws.xray.annotations.synthetic")
"""What marks a request as no user's. Source: OpenTelemetry semantic conventions, "User agent": `user_agent.synthetic.type`."""

NOT_SYNTHETIC = ("", "false", "0", "no")

MOST_SYNTHETIC = 20_000
"""Traces of one question; of more, the rest counts as users'."""

MOST_TOUCHED = 50_000


class Counted(Struct, frozen=True):
    """Events of one minute. ``least_ms``: the threshold that they took at least, 0 below all; ``failed`` of ``count``."""

    name: tuple[str, ...]
    minute_s: int
    least_ms: float
    count: int
    failed: int


class Question(Struct, frozen=True):
    """A range of whole minutes (Unix seconds), the names that are asked for (() = all) and thresholds in ms, ascending."""

    since_s: int
    until_s: int
    names: tuple[str, ...] = ()
    thresholds_ms: tuple[float, ...] = ()


_RANGE = "{at} >= fromUnixTimestamp({{since:Int64}}) AND {at} < fromUnixTimestamp({{until:Int64}})"


def _within(at: str) -> str:
    return _RANGE.format(at=at).replace("{{", "{").replace("}}", "}")


def _by_minute(names: str, inner: str, took: str = "took") -> str:
    """SQL that counts events with `at`, `took` and `failed` by names, minute and threshold."""
    return f"""
SELECT {names}, toUnixTimestamp(toStartOfMinute(at)) AS minute,
  roundDown(toFloat64(ifNull({took}, 1e12)), {{thresholds:Array(Float64)}}) AS least, count(), countIf(failed)
FROM ({inner}) GROUP BY {names}, minute, least LIMIT 2000000"""


_NAMED = "(empty({names:Array(String)}) OR %s IN {names:Array(String)})"

_SERVICES = f"""
SELECT name, toUnixTimestamp(minute), 0.0, sum(count), sum(error_count) FROM red
WHERE grouping = 'service' AND {_within("minute")} AND {_NAMED % "name"} GROUP BY name, minute LIMIT 2000000"""

_SERVICE_SPANS = _by_minute(
    "name",
    f"""SELECT toString(service) AS name, start AS at, duration_ns / 1e6 AS took, status_code = 2 AS failed FROM spans
  WHERE {_within("start")} AND (kind IN (2, 5) OR parent_span_id = toFixedString('', 8)) AND {_NAMED % "service"} AND ALSO""",
)

# Several rows tell of one invocation, the best source first; the lines of one that began before lie a little later.
_FUNCTIONS = _by_minute(
    "name",
    f"""SELECT toString(argMin(i.function, i.source)) AS name, min(i.time) AS at,
    argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)) AS took,
    max(i.status {DID_FAIL}) AS failed
  FROM invocations AS i
  WHERE i.time >= fromUnixTimestamp({{since:Int64}}) - INTERVAL 5 MINUTE AND i.time < fromUnixTimestamp({{until:Int64}})
    AND {_NAMED % "i.function"} AND ALSO
  GROUP BY i.request_id HAVING at >= fromUnixTimestamp({{since:Int64}})""",
)

# As in `entries`: a request with a parent is an entry where no server began its trace.
_ENTRIES = _by_minute(
    "method, route",
    f"""SELECT toString(method) AS method, toString(route) AS route, start AS at, duration_ms AS took, failed FROM requests
  WHERE root AND {_within("start")} AND ALSO
  UNION ALL
  SELECT toString(method), toString(route), start, duration_ms, failed FROM (
    SELECT * FROM requests WHERE NOT root AND {_within("start")} AND ALSO AND trace_id NOT IN (
      SELECT trace_id FROM traces WHERE start >= fromUnixTimestamp({{since:Int64}}) - INTERVAL 15 MINUTE
        AND start < fromUnixTimestamp({{until:Int64}}) AND has_root AND root_kind = 2)
    ORDER BY trace_id, start LIMIT 1 BY trace_id)""",
)

_IN_RANGE = "SELECT lower(hex(trace_id)) FROM traces WHERE " + _within("start")

_TRAILS = _by_minute(
    "service, name",
    f"""SELECT service, name, at, took, status = 'error' AS failed FROM (
    SELECT argMax(t.origin_service, t.version) AS service, argMax(t.origin_name, t.version) AS name,
      argMax(t.start, t.version) AS at, argMax(t.duration_ms, t.version) AS took, argMax(t.status, t.version) AS status
    FROM trails AS t WHERE t.start >= fromUnixTimestamp({{since:Int64}}) - INTERVAL 1 HOUR
      AND t.start < fromUnixTimestamp({{until:Int64}}) + INTERVAL 1 HOUR AND OFTRAIL
    GROUP BY t.trail_id HAVING status NOT IN ('', 'open') AND {_within("at")}
    UNION ALL
    SELECT argMin(toString(t.root_service), rank) AS service, argMin(toString(t.root_name), rank) AS name, min(t.start) AS at,
      (toUnixTimestamp64Nano(max(t.end)) - toUnixTimestamp64Nano(at)) / 1e6 AS took,
      if(sum(t.error_count) > 0, 'error', 'ok') AS status
    FROM (SELECT *, (NOT has_root, start) AS rank FROM traces
      WHERE start >= fromUnixTimestamp({{since:Int64}}) - INTERVAL 30 SECOND
        AND start < fromUnixTimestamp({{until:Int64}}) + INTERVAL 5 MINUTE AND ALSO) AS t
    WHERE lower(hex(t.trace_id)) NOT IN (SELECT unit FROM trail_members WHERE unit IN ({_IN_RANGE}))
    GROUP BY t.trace_id HAVING {_within("at")})""",
)

_QUERIES: dict[Source, str] = {"function": _FUNCTIONS, "entry": _ENTRIES, "trail": _TRAILS}
_NAMES: dict[Source, int] = {"service": 1, "function": 1, "entry": 2, "trail": 2}

_COMES_FROM: dict[Source, tuple[tuple[str, str], ...]] = {
    "service": (("spans", "start"),),
    "function": (("invocations", "time"),),
    "entry": (("requests", "start"),),
    "trail": (("traces", "start"), ("trails", "start")),
}


def touched(engine: Engine, source: Source, received_since_s: int) -> set[int]:
    """Return the minutes (Unix seconds) of what a source received since a Unix second; reads the newest parts only."""
    found: set[int] = set()
    for table, column in _COMES_FROM[source]:
        query = f"""SELECT DISTINCT toUnixTimestamp(toStartOfMinute({column})) FROM {table}
            WHERE received >= toDateTime({{since:UInt32}}) LIMIT {MOST_TOUCHED}"""
        found.update(int(row[0]) for row in engine.rows(query, {"since": max(0, received_since_s)}))
    return found


def oldest_s(engine: Engine, source: Source) -> int:
    """Return the beginning of the hour (Unix seconds) from which on a source has something, or the time of now."""
    newest = "toUInt64(toUnixTimestamp(toStartOfHour(now())))"
    found = [
        engine.rows(f"SELECT if(count() = 0, {newest}, toUnixTimestamp(toStartOfHour(min({column})))) FROM {table}")[0][
            0
        ]
        for table, column in _COMES_FROM[source]
    ]
    return int(min(found))


def count(engine: Engine, source: Source, question: Question, traces: Sequence[str] | None = None) -> list[Counted]:
    """Return what a source tells of a range; ``traces``: only of these (32 hex digits each).

    Services without thresholds are read from the roll-up; all else a short row for each event.
    """
    parameters: dict[str, Any] = {
        "since": question.since_s,
        "until": question.until_s,
        "names": list(question.names),
        "thresholds": [0.0, *question.thresholds_ms],
    }
    if traces is None and source == "service" and not question.thresholds_ms:
        return [_counted(row, 1) for row in engine.rows(_SERVICES, parameters)]
    query = _SERVICE_SPANS if source == "service" else _QUERIES[source]
    found: list[Counted] = []
    for also in ["1"] if traces is None else [f"trace_id IN {some}" for some in trace_sets(traces)]:
        of_trail = "1" if traces is None else also.replace("trace_id IN", "toFixedString(unhex(t.trail_id), 16) IN")
        asked = query.replace("OFTRAIL", of_trail).replace("ALSO", also)
        found += [_counted(row, _NAMES[source]) for row in engine.rows(asked, parameters)]
    return found


def _counted(row: tuple[Any, ...], names: int) -> Counted:
    minute_s, least_ms, count, failed = row[names:]
    return Counted(tuple(str(one) for one in row[:names]), int(minute_s), float(least_ms), int(count), int(failed))


_RAW_MARKS = [f"attributes['{name}']" for name in SYNTHETIC]
_MARKS = ", ".join(f"lower({sql_text(raw)})" for raw in _RAW_MARKS)
_TRUE = "'\\x10\\x01'"

_SYNTHETIC = f"""
SELECT DISTINCT lower(hex(trace_id)) FROM spans
PREWHERE start >= fromUnixTimestamp({{since:Int64}}) - INTERVAL 5 MINUTE
  AND start < fromUnixTimestamp({{until:Int64}}) + INTERVAL 5 MINUTE AND {sql_has_any(SYNTHETIC)}
WHERE arrayExists(one -> one NOT IN {NOT_SYNTHETIC}, [{_MARKS}]) OR attributes['synthetic'] = {_TRUE}
  OR attributes['aws.xray.annotations.synthetic'] = {_TRUE}
LIMIT {MOST_SYNTHETIC}"""


def synthetic_traces(engine: Engine, since_s: int, until_s: int) -> list[str]:
    """Return the traces around a range of which a span says that it is a test's or a probe's; reads the attributes' names."""
    return [str(row[0]) for row in engine.rows(_SYNTHETIC, {"since": since_s, "until": until_s})]


# A trail counts when it was decided: done, or its first deadline passed without; one that failed before, when it began.
_OUTCOMES = f"""
SELECT toUnixTimestamp(toStartOfMinute(at)) AS minute, countIf(state IN {{good:Array(String)}}), count() FROM (
  SELECT argMax(o.status, o.version) AS state, argMax(o.done_ns, o.version) AS done,
    argMax(arrayMin(arrayFilter((due, step_done) -> step_done = 0 AND due > 0, o.deadlines_ns, o.dones_ns)), o.version) AS missed,
    argMax(o.start, o.version) AS began,
    fromUnixTimestamp64Nano(multiIf(done > 0, done, state = 'incomplete' AND missed > 0, missed,
      toUnixTimestamp64Nano(began)), 'UTC') AS at
  FROM outcomes AS o
  WHERE workflow = {{workflow:String}} AND start >= fromUnixTimestamp({{since:Int64}}) - INTERVAL 7 DAY
    AND start < fromUnixTimestamp({{until:Int64}})
  GROUP BY trail_id)
WHERE state NOT IN ('', 'open') AND {_within("at")} GROUP BY minute
"""


def count_outcomes(
    engine: Engine, workflow: str, good: Sequence[str], since_s: int, until_s: int
) -> dict[int, tuple[float, float]]:
    """Return good and valid trails of a workflow by minute; reads a week of the workflow's outcomes."""
    asked = {"workflow": workflow, "good": list(good), "since": since_s, "until": until_s}
    return {int(minute): (float(fine), float(all_)) for minute, fine, all_ in engine.rows(_OUTCOMES, asked)}

"""What bad events were: rows of the minutes that spent most of a budget, and what failed below them."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError
from msgspec import Struct
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import trace_sets
from coldtrail.store.signals import TRACE_READ
from coldtrail.store.sli.events import Source

MOST_BAD = 2_000
MOST_CAUSES = 20_000


class Bad(Struct, frozen=True):
    """One bad event. ``trace_id`` is "" where none is known; ``told`` by what it may be grouped."""

    trace_id: str
    told: dict[str, str]


class Asked(Struct, frozen=True):
    """Whose bad events: names ("" = any), slower than ``threshold_ms`` or, where None, failed; of these minutes."""

    source: Source
    names: tuple[str, ...]
    threshold_ms: float | None
    minutes_s: tuple[int, ...]


def _at(name: str) -> str:
    return sql_text(f"attributes['{name}']")


_MINUTES = (
    "toUnixTimestamp(toStartOfMinute({at})) IN {{minutes:Array(UInt32)}} "
    "AND {at} >= fromUnixTimestamp({{since:Int64}}) AND {at} < fromUnixTimestamp({{until:Int64}})"
)
_ERROR = (
    f"coalesce(nullIf({_at('error.type')}, ''), nullIf({_at('exception.type')}, ''), substring(status_message, 1, 120))"
)


def _minutes(at: str) -> str:
    return _MINUTES.format(at=at).replace("{{", "{").replace("}}", "}")


def bad_events(engine: Engine, asked: Asked) -> list[Bad]:
    """Return up to 2,000 bad events of some minutes; reads those minutes of the source."""
    if not asked.minutes_s:
        return []
    query, told = {"service": _services, "function": _functions, "entry": _entries, "trail": _trails}[asked.source](
        asked
    )
    parameters: dict[str, Any] = {
        "minutes": list(asked.minutes_s),
        "since": min(asked.minutes_s),
        "until": max(asked.minutes_s) + 60,
        "threshold": asked.threshold_ms or 0.0,
        **{f"name{number}": name for number, name in enumerate(asked.names)},
    }
    rows = engine.rows(f"{query} LIMIT {MOST_BAD}", parameters)
    return [
        Bad(str(row[0]).strip("0") and str(row[0]), dict(zip(told, map(str, row[1:]), strict=True))) for row in rows
    ]


def _is_bad(asked: Asked, failed: str, took: str) -> str:
    return f"({failed})" if asked.threshold_ms is None else f"NOT ({failed}) AND {took} >= {{threshold:Float64}}"


def _named(number: int, column: str) -> str:
    return f"({{name{number}:String}} = '' OR {column} = {{name{number}:String}})"


def _services(asked: Asked) -> tuple[str, tuple[str, ...]]:
    bad = _is_bad(asked, "status_code = 2", "duration_ns / 1e6")
    route = f"coalesce(nullIf({_at('http.route')}, ''), toString(name))"
    query = f"""SELECT lower(hex(trace_id)), {route} FROM spans WHERE {_minutes("start")}
        AND (kind IN (2, 5) OR parent_span_id = toFixedString('', 8)) AND {_named(0, "service")} AND {bad}"""
    return query, ("route",)


def _functions(asked: Asked) -> tuple[str, tuple[str, ...]]:
    bad = _is_bad(asked, "status != 'ok'", "took")
    query = f"""SELECT trace, version, if(status = 'error', type, if(status = 'ok', '', status)), if(cold, 'cold', 'warm') FROM (
        SELECT lower(hex(max(i.trace_id))) AS trace, max(toString(i.version)) AS version, min(i.time) AS at,
          multiIf(max(i.status = 'out_of_memory'), 'out_of_memory', max(i.status = 'timeout'), 'timeout',
            max(i.status = 'error'), 'error', 'ok') AS status,
          argMaxIf(toString(i.failure_type), length(i.failure_message), i.failure_type != '') AS type,
          argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)) AS took, max(i.cold_start) AS cold
        FROM invocations AS i WHERE i.time >= fromUnixTimestamp({{since:Int64}}) - INTERVAL 5 MINUTE
          AND i.time < fromUnixTimestamp({{until:Int64}}) AND {_named(0, "i.function")} GROUP BY i.request_id)
        WHERE {bad} AND {_minutes("at")}"""
    return query, ("version", "error", "start")


def _entries(asked: Asked) -> tuple[str, tuple[str, ...]]:
    bad = _is_bad(asked, "failed", "duration_ms")
    query = f"""SELECT lower(hex(trace_id)), concat(method, ' ', route), toString(code), toString(service) FROM requests
        WHERE {_minutes("start")} AND {_named(0, "method")} AND {_named(1, "route")} AND {bad}"""
    return query, ("route", "status code", "service")


def _trails(asked: Asked) -> tuple[str, tuple[str, ...]]:
    failed = _is_bad(asked, "error_count > 0", "took")
    query = f"""SELECT trail_id, concat(service, ' ', name) FROM (
        SELECT trail_id, argMax(t.start, t.version) AS at, argMax(t.origin_service, t.version) AS service,
          argMax(t.origin_name, t.version) AS name, argMax(t.duration_ms, t.version) AS took,
          argMax(t.status = 'error', t.version) AS error_count, argMax(t.status, t.version) AS status
        FROM trails AS t WHERE t.start >= fromUnixTimestamp({{since:Int64}}) - INTERVAL 1 HOUR
          AND t.start < fromUnixTimestamp({{until:Int64}}) + INTERVAL 1 HOUR GROUP BY trail_id
          HAVING status NOT IN ('', 'open')
        UNION ALL
        SELECT lower(hex(trace_id)), min(t.start) AS at, any(toString(t.root_service)), any(toString(t.root_name)),
          (toUnixTimestamp64Nano(max(t.end)) - toUnixTimestamp64Nano(at)) / 1e6, sum(t.error_count), 'ok'
        FROM traces AS t WHERE {_minutes("t.start")} GROUP BY trace_id)
        WHERE {_minutes("at")} AND {_named(0, "service")} AND {_named(1, "name")} AND {failed}"""
    return query, ("origin",)


class Cause(Struct, frozen=True):
    """What failed in a trace: the span that began last of those that failed, as it is the nearest to the cause."""

    service: str
    error: str
    version: str


_EXCEPTION = "arrayFirst(event -> position(event, 'exception.') > 0, events)"


def causes(engine: Engine, trace_ids: list[str]) -> dict[str, Cause]:
    """Return the cause of failing traces; reads a granule a trace."""
    found: dict[str, Cause] = {}
    version = "coalesce(nullIf({}, ''), {})".format(
        sql_text("resource['service.version']"), sql_text("resource['faas.version']")
    )
    for some in trace_sets(trace_ids):
        query = f"""SELECT lower(hex(s.trace_id)), s.service, s.error, s.exception, e.version FROM (
              SELECT trace_id, argMax(toString(service), start) AS service, argMax({_ERROR}, start) AS error,
                argMax({_EXCEPTION}, start) AS exception, argMax(emitter_id, start) AS emitter
              FROM spans PREWHERE trace_id IN {some} WHERE status_code = 2 GROUP BY trace_id) AS s
            LEFT JOIN (SELECT emitter_id, any({version}) AS version FROM emitters GROUP BY emitter_id) AS e
            ON s.emitter = e.emitter_id LIMIT {MOST_CAUSES}"""
        for row in engine.rows(query, settings=TRACE_READ, raw_bytes=True):
            trace_id, service, error, told = (row[at].decode("utf-8", "replace") for at in (0, 1, 2, 4))
            found[trace_id] = Cause(service, _type_of(row[3]) or error, told)
    return found


def _type_of(event: bytes) -> str:
    """The type of an exception event, "" where it says none."""
    try:
        attributes = Span.Event.FromString(event).attributes
    except DecodeError:
        return ""
    return next((str(one.value.string_value)[:200] for one in attributes if one.key == "exception.type"), "")

"""Traces by what one of their spans is: service, operation, duration, tags. As Jaeger searches, so clients of it can.

Time is walked backwards in windows that grow until enough traces are found, so the newest are found in the newest
minutes. Within a window the order of spans (ten seconds, trace) narrows to its granules.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from coldtrail.model.wire import write_field
from coldtrail.store.anyvalue import candidates
from coldtrail.store.engine import Engine

FIRST_WINDOW_NS = 12 * 10**9
GROWTH = 6
MOST_SERVICES, MOST_OPERATIONS = 5_000, 2_000
OPERATIONS_OF_S = 86_400
"""Operations are those of the last day that had a span."""

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
STATUSES = {"OK": 1, "ERROR": 2}


class TraceQuery(Struct, frozen=True):
    """What a span of a trace must be; "" and None mean any. Times are Unix nanoseconds, tags name to text."""

    service: str
    since_ns: int
    until_ns: int
    operation: str = ""
    shortest_ns: int | None = None
    longest_ns: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    limit: int = 100


def services(engine: Engine) -> list[str]:
    """Return the services that have spans, in order; of too many those seen last. Reads a row a trace."""
    query = f"""SELECT arrayJoin(services) AS service FROM traces
        GROUP BY service ORDER BY max(start) DESC LIMIT {MOST_SERVICES}"""
    return sorted(row[0] for row in engine.rows(query))


def operations(engine: Engine, service: str) -> list[tuple[str, int]]:
    """Return the names and kinds (OTLP's number) of a service's spans; reads the last day that had any."""
    rows = engine.rows(
        f"""SELECT DISTINCT toString(name) AS operation, kind FROM spans
        WHERE service = {{service:String}}
          AND start >= (SELECT max(start) FROM traces) - INTERVAL {OPERATIONS_OF_S} SECOND
        ORDER BY operation, kind LIMIT {MOST_OPERATIONS}""",
        {"service": service},
    )
    return [(name, kind) for name, kind in rows]


def find_traces(engine: Engine, query: TraceQuery) -> list[str]:
    """Return the ids (hex) of the traces with the newest such spans, newest first."""
    newest, oldest, count = engine.rows(
        "SELECT toUnixTimestamp64Nano(max(end)), toUnixTimestamp64Nano(min(start)), count() FROM traces"
    )[0]
    if not count:
        return []
    end_ns, high_ns = max(query.since_ns, oldest), min(query.until_ns, newest + 1)
    where, parameters = _conditions(query)
    found: dict[str, None] = {}
    length_ns = FIRST_WINDOW_NS
    while high_ns > end_ns and len(found) < query.limit:
        low_ns = max(end_ns, high_ns - length_ns)
        rows = engine.rows(
            f"""SELECT lower(hex(trace_id)) AS id, max(s.start) AS newest FROM spans AS s
            WHERE s.start >= fromUnixTimestamp64Nano({{lo:Int64}}) AND s.start < fromUnixTimestamp64Nano({{hi:Int64}})
              AND {where}
            GROUP BY trace_id ORDER BY newest DESC, id LIMIT {{limit:UInt32}}""",
            {**parameters, "lo": low_ns, "hi": high_ns, "limit": query.limit},
        )
        found |= dict.fromkeys(row[0] for row in rows)
        high_ns = low_ns
        length_ns *= GROWTH
    return list(found)[: query.limit]


def _conditions(query: TraceQuery) -> tuple[str, dict[str, Any]]:
    clauses = ["service = {service:String}"]
    given: dict[str, Any] = {"service": query.service}
    if query.operation:
        clauses.append("name = {operation:String}")
        given["operation"] = query.operation
    if query.shortest_ns is not None:
        clauses.append("duration_ns >= {shortest:Int64}")
        given["shortest"] = query.shortest_ns
    if query.longest_ns is not None:
        clauses.append("duration_ns <= {longest:Int64}")
        given["longest"] = query.longest_ns
    for number, (name, value) in enumerate(query.tags.items()):
        clauses.append(_has_tag(f"tag{number}", name, value))
        given |= {f"tag{number}": name, f"tag{number}_value": value}
    return " AND ".join(clauses), given


def _has_tag(bound: str, name: str, value: str) -> str:
    """SQL that is true where a span has a tag: Jaeger makes some of what are fields of OTLP."""
    if name == "span.kind":
        return f"kind = {KINDS.get(value.lower(), 255)}"
    if name == "otel.status_code":
        return f"status_code = {STATUSES.get(value.upper(), 255)}"
    if name == "otel.status_description":
        return f"status_message = {{{bound}_value:String}}"
    if name == "otel.scope.name":
        return f"emitter_id IN (SELECT emitter_id FROM emitters WHERE scope_name = {{{bound}_value:String}})"
    if name == "otel.scope.version":
        return f"emitter_id IN (SELECT emitter_id FROM emitters WHERE scope_version = {{{bound}_value:String}})"
    raws = candidates(value)
    listed = ", ".join(f"unhex('{raw.hex()}')" for raw in raws)
    own = f"attributes[{{{bound}:String}}] IN ({listed})"
    emitter = f"emitter_id IN (SELECT emitter_id FROM emitters WHERE resource[{{{bound}:String}}] IN ({listed}))"
    clauses = [own, emitter, _in_events(name, value)]
    if name == "error" and value == "true":
        clauses.append("status_code = 2")
    return "(" + " OR ".join(clauses) + ")"


def _in_events(name: str, value: str) -> str:
    """An event has the tag where its raw bytes hold the attribute's; its own name counts as the tag `event`."""
    raws = [write_field(1, name.encode()) + write_field(2, raw) for raw in candidates(value)]
    if name == "event":
        raws.append(write_field(2, value.encode()))
    found = " OR ".join(f"position(event, unhex('{raw.hex()}')) > 0" for raw in raws)
    return f"arrayExists(event -> {found}, events)"

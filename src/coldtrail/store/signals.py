"""Raw signals read back whole: spans and logs by trace, request, node or search; nothing dropped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.message import DecodeError
from msgspec import Struct
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from coldtrail.model.copies import distinct_logs
from coldtrail.model.signals import Attributes, Event, Link, Log, Resource, Scope, Span
from coldtrail.store import anyvalue_wire
from coldtrail.store.anyvalue import decode, plain
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import FEW, as_written, text_sets, trace_sets

SPAN_COLUMNS = """trace_id, span_id, parent_span_id, name, kind, start, duration_ns, status_code,
  status_message, emitter_id, attributes, events, links, flags, rest"""

LOG_COLUMNS = """time, observed_time, trace_id, span_id, severity_number,
  severity_text, event_name, body, body_value, emitter_id, attributes, dropped_attributes_count, flags"""

POINT_READ: dict[str, Any] = {"max_threads": 1, "use_skip_indexes_on_data_read": 0}
"""A look-up by id reads a granule or two: a second thread, and indexes read while data is, cost more than they bring."""

TRACE_READ: dict[str, Any] = {**POINT_READ, "use_primary_key": 0}
"""A trace id is second in the order of spans: its bloom filters find it sooner than a search of every mark."""

_LATEST_NS = 2**63 - 1
BACKWARDS_NS = 10 * 10**9
"""By how much a span may end before it begins and still be found among many traces."""

MOST_SPANS = 100_000
MOST_LOGS = 20_000
"""What one answer gives."""


def text(raw: bytes) -> str:
    """Return text; what is not UTF-8 shows as U+FFFD."""
    return raw.decode("utf-8", "replace")


class Emitter(Struct, frozen=True):
    """Who emitted a signal: its resource and its scope."""

    resource: Resource
    scope: Scope


class Emitters:
    """The emitters by id, remembered once read: there are few, and they never change."""

    def __init__(self, engine: Engine, most: int = 50_000) -> None:
        self._engine = engine
        self._most = most
        self._known: dict[int, Emitter] = {}

    def remember_new(self, since_s: int, limit: int = 5_000) -> None:
        """Read the newest of those received since Unix second ``since_s``, so that no reader has to wait for them."""
        for row in self._engine.rows(_NEW_EMITTERS, {"since": max(0, since_s), "limit": limit}, raw_bytes=True):
            if row[0] not in self._known and len(self._known) < self._most:
                self._known[row[0]] = _emitter(row)

    def get(self, ids: set[int]) -> dict[int, Emitter]:
        """Return the emitters of ``ids``; reads one granule for each that is not known yet."""
        missing = [emitter_id for emitter_id in ids if emitter_id not in self._known]
        if missing:
            if len(self._known) > self._most:
                self._known.clear()
                missing = list(ids)
            for row in self._engine.rows(_EMITTERS, {"ids": missing}, POINT_READ, raw_bytes=True):
                self._known[row[0]] = _emitter(row)
        return {emitter_id: self._known.get(emitter_id, _UNKNOWN) for emitter_id in ids}


_UNKNOWN = Emitter(Resource(), Scope())
_COLUMNS = """emitter_id, resource, resource_dropped_attributes_count, resource_schema_url, scope_name, scope_version,
  scope_attributes, scope_dropped_attributes_count, scope_schema_url"""
_EMITTERS = f"SELECT {_COLUMNS} FROM emitters PREWHERE emitter_id IN {{ids:Array(UInt64)}} LIMIT 1 BY emitter_id"
_NEW_EMITTERS = f"""SELECT {_COLUMNS} FROM emitters WHERE received >= toDateTime({{since:UInt32}})
  ORDER BY received DESC LIMIT 1 BY emitter_id LIMIT {{limit:UInt32}}"""


def _emitter(row: tuple[Any, ...]) -> Emitter:
    _, resource, resource_dropped, resource_url, name, version, scope, scope_dropped, scope_url = row
    return Emitter(
        Resource(_attributes(resource), resource_dropped, text(resource_url)),
        Scope(text(name), text(version), _attributes(scope), scope_dropped, text(scope_url)),
    )


class _Known(dict[bytes, Any]):
    """What raw bytes decode to, remembered: names and most values come again and again. Forgets all when it is full."""

    def __init__(self, read: Callable[[bytes], Any], most: int, most_bytes: int) -> None:
        self._read, self._most, self._most_bytes = read, most, most_bytes

    def __missing__(self, raw: bytes) -> Any:
        """Decode what was not met before."""
        value = self._read(raw)
        if len(raw) <= self._most_bytes and not isinstance(value, list | dict):
            if len(self) >= self._most:
                self.clear()
            self[raw] = value
        return value


_NAMES = _Known(text, 20_000, 256)
_VALUES = _Known(decode, 50_000, 48)
"""Together at most about 15 MB. A list or an object is made anew each time, since who has it might change it."""


def _attributes(raw: dict[bytes, bytes]) -> Attributes:
    return {_NAMES[name]: _VALUES[value] for name, value in raw.items()}


def _pairs(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: plain(pair.value) for pair in pairs}


def _event(raw: bytes) -> Event:
    try:
        event = SpanMessage.Event.FromString(raw)
    except DecodeError:
        name, time, dropped = anyvalue_wire.fields_of(memoryview(raw), 2, 1, 4)
        attributes = anyvalue_wire.pairs(memoryview(raw), 3)
        return Event(anyvalue_wire.text(name.payload), time.integer, attributes, dropped.integer)
    return Event(event.name, event.time_unix_nano, _pairs(event.attributes), event.dropped_attributes_count)


def _link(raw: bytes) -> Link:
    try:
        link = SpanMessage.Link.FromString(raw)
    except DecodeError:
        trace, span, state, dropped, flags = anyvalue_wire.fields_of(memoryview(raw), 1, 2, 3, 5, 6)
        return Link(
            bytes(trace.payload).hex(),
            bytes(span.payload).hex(),
            anyvalue_wire.text(state.payload),
            anyvalue_wire.pairs(memoryview(raw), 4),
            dropped.integer,
            flags.integer,
        )
    return Link(
        link.trace_id.hex(),
        link.span_id.hex(),
        link.trace_state,
        _pairs(link.attributes),
        link.dropped_attributes_count,
        link.flags,
    )


def _id(raw: bytes) -> str:
    return raw.hex() if raw.strip(b"\0") else ""


def span_of(row: tuple[Any, ...], emitters: dict[int, Emitter]) -> Span:
    """Make a `Span` of a row of `SPAN_COLUMNS`, strings as bytes and times as Unix ns."""
    trace_id, span_id, parent, name, kind, start_ns, duration_ns, code, message, emitter_id = row[:10]
    attributes, events, links, flags, rest = row[10:15]
    trace_state, dropped, dropped_events, dropped_links = json.loads(text(rest)) if rest else ("", 0, 0, 0)
    emitter = emitters[emitter_id]
    return Span(
        trace_id=trace_id.hex(),
        span_id=span_id.hex(),
        parent_span_id=_id(parent),
        name=text(name),
        kind=kind,
        start_ns=start_ns,
        end_ns=start_ns + duration_ns,
        status_code=code,
        status_message=text(message),
        attributes=_attributes(attributes),
        events=tuple(_event(event) for event in events),
        links=tuple(_link(link) for link in links),
        flags=flags,
        trace_state=trace_state,
        dropped_attributes_count=dropped,
        dropped_events_count=dropped_events,
        dropped_links_count=dropped_links,
        resource=emitter.resource,
        scope=emitter.scope,
    )


def log_of(row: tuple[Any, ...], emitters: dict[int, Emitter]) -> Log:
    """Make a `Log` of a row of `LOG_COLUMNS`, strings as bytes and times as Unix ns."""
    time_ns, observed_ns, trace_id, span_id, number, severity, event_name, body, body_value = row[:9]
    emitter_id, attributes, dropped, flags = row[9:13]
    emitter = emitters[emitter_id]
    return Log(
        time_ns=time_ns,
        observed_time_ns=observed_ns,
        severity_number=number,
        severity_text=text(severity),
        event_name=text(event_name),
        body=decode(body_value) if body_value else text(body) or None,
        attributes=_attributes(attributes),
        dropped_attributes_count=dropped,
        flags=flags,
        trace_id=_id(trace_id),
        span_id=_id(span_id),
        resource=emitter.resource,
        scope=emitter.scope,
    )


class SignalReader:
    """Reads raw signals of one engine. A span or log that arrived twice is given once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._emitters = Emitters(engine)

    def remember_emitters(self, since_s: int) -> None:
        """Remember the emitters received since Unix second ``since_s``; a background thread calls it after loads."""
        self._emitters.remember_new(since_s)

    def spans_of(self, trace_ids: set[str], limit: int = MOST_SPANS) -> list[Span]:
        """Return the spans of traces (hex ids) in order of start; reads a granule or two a trace."""
        found = self.spans_with_copies(trace_ids, limit)
        return sorted(set_of(found), key=lambda span: (span.start_ns, span.span_id))

    def spans_with_copies(self, trace_ids: set[str], limit: int = MOST_SPANS) -> list[Span]:
        """Return the spans of traces (hex ids) as they were sent, in no order: for who sorts and compares them anyway."""
        found: list[Span] = []
        for some in trace_sets(trace_ids):
            when, settings = self._when(some) if len(trace_ids) > FEW else ("", TRACE_READ)
            query = f"SELECT {SPAN_COLUMNS} FROM spans PREWHERE {when}trace_id IN {some} LIMIT {int(limit)}"
            found += self._spans(query, settings | as_written(some))
        return found

    def _when(self, traces: str) -> tuple[str, dict[str, Any]]:
        """Return the condition that many traces' spans lie in their time, and the settings to read by it.

        A filter that lets one granule in a thousand pass for one id lets a third of all pass for four hundred; the times of
        traces are in a table that is a tenth as long.
        """
        query = f"SELECT toUnixTimestamp64Nano(min(start)), toUnixTimestamp64Nano(max(end)) FROM traces PREWHERE trace_id IN {traces}"
        first_ns, last_ns = self._engine.rows(query, settings=POINT_READ | as_written(traces))[0]
        return _within("start", int(first_ns) - BACKWARDS_NS, int(last_ns) + BACKWARDS_NS), POINT_READ

    def logs_of(self, trace_ids: set[str], request_ids: set[str], limit: int = MOST_LOGS) -> list[Log]:
        """Return the logs that carry one of the trace ids (hex) or Lambda request ids, in order of time."""
        return distinct_logs(self.logs_with_copies(trace_ids, request_ids, limit))

    def logs_with_copies(
        self,
        trace_ids: set[str],
        request_ids: set[str],
        limit: int = MOST_SPANS,
        when: tuple[int, int] | None = None,
    ) -> list[Log]:
        """Return the logs as they were sent, in no order: for who sorts and compares them anyway.

        ``when``: first and last, Unix ns, of what is looked for; used where there are many, of which filters let too much pass.
        """
        traces, requests = list(trace_sets(trace_ids)), list(text_sets(request_ids))
        many = when is not None and len(trace_ids) + len(request_ids) > FEW
        bound = _within("time", *when) if when and many else ""
        if many and len(traces) == len(requests) == 1:
            # Filters let much pass either way, so that one look for both is half of two.
            wheres = [f"{bound}(trace_id IN {traces[0]} OR request_id IN {requests[0]})"]
        else:
            wheres = [f"{bound}trace_id IN {some}" for some in traces]
            # Where it is little to ask, those that were found by their trace are not read twice.
            others = f" AND trace_id NOT IN {traces[0]}" if len(traces) == 1 else ""
            wheres += [f"{bound}request_id IN {some}{others}" for some in requests]
        queries = (f"SELECT {LOG_COLUMNS} FROM logs PREWHERE {where} LIMIT {int(limit)}" for where in wheres)
        return [log for query in queries for log in self._logs(query, settings=as_written(query))]

    def find_logs(
        self, where: str, parameters: dict[str, Any], *, limit: int, offset: int = 0, newest_first: bool = True
    ) -> list[Log]:
        """Return logs that satisfy ``where`` (our own SQL with bound ``parameters``)."""
        order = "DESC" if newest_first else "ASC"
        query = f"""SELECT {LOG_COLUMNS} FROM logs WHERE {where} ORDER BY time {order}
            LIMIT {int(limit)} OFFSET {int(offset)}"""
        return self._logs(query, parameters)

    def _spans(self, query: str, settings: dict[str, Any]) -> list[Span]:
        rows = self._engine.rows(query, settings=settings, raw_bytes=True)
        emitters = self._emitters.get({row[9] for row in rows})
        return [span_of(row, emitters) for row in rows]

    def _logs(
        self, query: str, parameters: dict[str, Any] | None = None, settings: dict[str, Any] | None = None
    ) -> list[Log]:
        rows = self._engine.rows(query, parameters, POINT_READ | (settings or {}), raw_bytes=True)
        emitters = self._emitters.get({row[9] for row in rows})
        return [log_of(row, emitters) for row in rows]


def _within(column: str, first_ns: int, last_ns: int) -> str:
    """SQL that is true from one time to another, with an AND behind it."""
    between = "{} >= fromUnixTimestamp64Nano({}) AND {} <= fromUnixTimestamp64Nano({}) AND "
    return between.format(column, max(0, first_ns), column, max(0, min(last_ns, _LATEST_NS)))


def set_of(spans: list[Span]) -> list[Span]:
    """Drop copies: of spans with the same ids, those that differ are kept, those that are equal are one."""
    kept: dict[tuple[str, str], list[Span]] = {}
    for span in spans:
        same = kept.setdefault((span.trace_id, span.span_id), [])
        if span not in same:
            same.append(span)
    return [span for same in kept.values() for span in same]

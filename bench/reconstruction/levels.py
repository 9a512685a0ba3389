"""Levels of context, made from one recording by pure transformations.

`all`: as recorded, every function propagates and emits. `ids`: nothing is propagated, every invocation is a trace of its
own; ids stay in the telemetry. `half`: every second function has no instrumentation at all, only its log lines (other
functions cannot link to spans that it never made). `timing`: as `ids`, and every id of a message, record, event, correlation
or business object is gone: what is left is who ran when, what it called, and Lambda's own
lines; the first trails keep all, since who calls whom must be known from somewhere (`taught.py`). `crowd`: as `timing`, with the
trails laid over each other until ten messages wait on an edge at a time (`crowd.py`). `queued`: as `timing`, of a recording in which
ten messages did wait on an edge (`record.py`), and what nothing waits for laid over each other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from bench.reconstruction.recording import ExportTraceServiceRequest, LogEvents, Signal
from coldtrail_lab.context import AN_ID, without_ids

LEVELS = ("all", "ids", "half", "timing", "crowd", "queued")
IN_FLIGHT = 10

_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
REQUEST = re.compile(
    r'(?:RequestId: |"(?:requestId|function_request_id|integrationRequestId|AWSRequestId)": ?")([0-9a-f-]{36})'
)
_W3C = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_HEADER = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]")
_XRAY_LINE = re.compile(r"\nXRAY TraceId: [^\n]*")

_STRUCTURE = re.compile(
    r"^(faas\.|rpc\.|cloud\.|aws\.region|aws\.queue_url|aws\.sqs\.queue|aws\.kinesis\.stream_name|aws\.dynamodb\.table|"
    r"aws\.sns\.topic|aws\.lambda|aws\.step_functions\.state_machine|messaging\.(system|destination|operation|url|batch)|"
    r"http\.(request\.method|method|status|response)|server\.|error\.|exception\.|db\.|net\.|otel\.)"
)
"""Attributes that say what was called, not about which unit."""


def _hex(*parts: str, digits: int = 32) -> str:
    return hashlib.blake2b("/".join(parts).encode(), digest_size=digits // 2).hexdigest()


def _new_root(root: str, unit: str) -> str:
    return f"{root[:11]}{_hex(root, unit, digits=24)}"


class _Units:
    """Which invocation each span and segment belongs to."""

    def __init__(self, signals: list[Signal]) -> None:
        self._parents: dict[tuple[str, str], str] = {}
        self._tops: set[tuple[str, str]] = set()
        for signal in signals:
            if isinstance(signal, ExportTraceServiceRequest):
                for _, span in spans_of(signal):
                    key = (span.trace_id.hex(), span.span_id.hex())
                    self._parents[key] = span.parent_span_id.hex()
                    if any(pair.key == "faas.invocation_id" for pair in span.attributes):
                        self._tops.add(key)
            elif isinstance(signal, dict):
                key = (signal["trace_id"], signal["id"])
                self._parents[key] = signal.get("parent_id", "")
                if signal.get("origin") in ("AWS::Lambda", "AWS::ApiGateway::Stage"):
                    self._tops.add(key)

    def top(self, trace_id: str, span_id: str) -> str:
        """Return the span id of the invocation above a span, or of the highest span that is known."""
        while (trace_id, span_id) not in self._tops:
            parent = self._parents.get((trace_id, span_id), "")
            if not parent or (trace_id, parent) not in self._parents:
                break
            span_id = parent
        return span_id

    def is_top(self, trace_id: str, span_id: str) -> bool:
        """Whether a span is the highest of its invocation."""
        return self.top(trace_id, span_id) == span_id


def spans_of(request: ExportTraceServiceRequest) -> list[tuple[str, Any]]:
    """Return (service, span) of every span of a body."""
    found = []
    for group in request.resource_spans:
        names = {pair.key: pair.value.string_value for pair in group.resource.attributes}
        name = names.get("faas.name") or names.get("service.name", "")
        found += [(name, span) for scope in group.scope_spans for span in scope.spans]
    return found


def _map_messages(events: LogEvents, change: Callable[[str], str | None]) -> LogEvents | None:
    kept = []
    for event in events.events:
        message = change(event["message"])
        if message is not None:
            kept.append({**event, "message": message})
    return LogEvents(events.group, events.stream, kept) if kept else None


def apart(signals: list[Signal]) -> list[Signal]:
    """Drop propagated context: each invocation gets trace ids of its own, links and parents across it are gone."""
    units = _Units(signals)
    own: dict[tuple[str, str], str] = {}
    for signal in signals:
        if isinstance(signal, dict) and (request_id := (signal.get("aws") or {}).get("request_id")):
            own[signal["trace_id"], units.top(signal["trace_id"], signal["id"])] = request_id
    found: list[Signal] = []
    for signal in signals:
        if isinstance(signal, ExportTraceServiceRequest):
            for _, span in spans_of(signal):
                _cut(span, units)
            found.append(signal)
        elif isinstance(signal, dict):
            top = units.top(signal["trace_id"], signal["id"])
            changed = dict(signal)
            if top == signal["id"]:
                changed.pop("parent_id", None)
            changed.pop("links", None)
            changed["trace_id"] = _new_root(signal["trace_id"], own.get((signal["trace_id"], top), "entry"))
            found.append(changed)
        elif changed_events := _map_messages(signal, _apart_line):
            found.append(changed_events)
    return found


def _cut(span: Any, units: _Units) -> None:
    trace_id, span_id = span.trace_id.hex(), span.span_id.hex()
    top = units.top(trace_id, span_id)
    if top == span_id:
        span.parent_span_id = b""
    del span.links[:]
    span.trace_id = bytes.fromhex(_hex(trace_id, top))


def _apart_line(message: str) -> str:
    named = REQUEST.search(message)
    unit = named[1] if named and "integrationRequestId" not in message else "entry" if named else _hex(message)
    if '"platform.' not in message:
        message = _HEADER.sub("", message)
    return _W3C.sub("", _ROOT.sub(lambda found: _new_root(found[0], unit), message))


def half(signals: list[Signal]) -> list[Signal]:
    """Every second function, by name, has no instrumentation: its spans and segments are gone, its lines stay."""
    names = sorted(
        {
            events.group.removeprefix("/aws/lambda/")
            for events in signals
            if isinstance(events, LogEvents) and events.group.startswith("/aws/lambda/")
        }
    )
    bare = set(names[1::2])
    units = _Units(signals)
    owners = {
        (signal["trace_id"], signal["id"]): signal["name"]
        for signal in signals
        if isinstance(signal, dict) and signal.get("origin") == "AWS::Lambda"
    }
    found: list[Signal] = []
    kept: set[tuple[str, str]] = set()
    for signal in signals:
        if isinstance(signal, ExportTraceServiceRequest):
            kept |= {(span.trace_id.hex(), span.span_id.hex()) for name, span in spans_of(signal) if name not in bare}
    for signal in signals:
        if isinstance(signal, ExportTraceServiceRequest):
            found.append(_without(signal, kept))
        elif isinstance(signal, dict):
            if owners.get((signal["trace_id"], units.top(signal["trace_id"], signal["id"]))) not in bare:
                found.append(signal)
        elif signal.group.removeprefix("/aws/lambda/") in bare:
            if events := _map_messages(signal, _bare_line):
                found.append(events)
        else:
            found.append(signal)
    return found


def _without(request: ExportTraceServiceRequest, kept: set[tuple[str, str]]) -> ExportTraceServiceRequest:
    for group in request.resource_spans:
        for scope in group.scope_spans:
            spans = [span for span in scope.spans if (span.trace_id.hex(), span.span_id.hex()) in kept]
            for span in spans:
                links = [link for link in span.links if (link.trace_id.hex(), link.span_id.hex()) in kept]
                del span.links[:]
                span.links.extend(links)
            del scope.spans[:]
            scope.spans.extend(spans)
    return request


def _bare_line(message: str) -> str:
    message = re.sub(r',\s?"tracing": \{[^}]*\}', "", _XRAY_LINE.sub("", message))
    return re.sub(r',\s?"(?:xray_trace_id|traceparent)":\s?"[^"]*"', "", message)


def timing(signals: list[Signal]) -> list[Signal]:
    """Drop every id but those of the unit that speaks; the signals are `apart` already."""
    found: list[Signal] = []
    for signal in signals:
        if isinstance(signal, ExportTraceServiceRequest):
            for _, span in spans_of(signal):
                pairs = [pair for pair in span.attributes if _STRUCTURE.match(pair.key)]
                del span.attributes[:]
                span.attributes.extend(pairs)
            found.append(signal)
        elif isinstance(signal, dict):
            found.append(_plain_segment(signal))
        elif events := _map_messages(signal, without_ids):
            found.append(events)
    return found


def _plain_segment(document: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in document.items() if name not in ("annotations", "metadata")}
    if isinstance(plain.get("aws"), dict):
        names = ("api_gateway", "operation", "region", "table_name", "queue_url", "function_arn", "cold_start")
        own = ("request_id",) if str(plain.get("origin", "")).startswith("AWS::Lambda") else ()
        plain["aws"] = {name: value for name, value in plain["aws"].items() if name in names + own}
    if isinstance(plain.get("http"), dict):
        plain["http"] = json.loads(AN_ID.sub("x", json.dumps(plain["http"])))
    if isinstance(plain.get("subsegments"), list):
        plain["subsegments"] = [_plain_segment(one) for one in plain["subsegments"]]
    return plain


_WORD = re.compile(r"[\w.:-]+")


def named_ids(signals: list[Signal]) -> set[str]:
    """Return every word of all signals: an id that is not among them nobody could know."""
    words: set[str] = set()
    for signal in signals:
        if isinstance(signal, ExportTraceServiceRequest):
            for _, span in spans_of(signal):
                for pair in span.attributes:
                    words.update(_WORD.findall(pair.value.string_value))
                    words.update(
                        word for one in pair.value.array_value.values for word in _WORD.findall(one.string_value)
                    )
        elif isinstance(signal, dict):
            words.update(_WORD.findall(json.dumps(signal)))
        else:
            for event in signal.events:
                words.update(_WORD.findall(event["message"]))
    return words

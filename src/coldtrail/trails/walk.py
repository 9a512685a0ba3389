"""From one id to every signal of its trails: load a trace, see which keys it carries, load who shares them."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct, field

from coldtrail.model.hex_ids import TRACE_DIGITS, is_hex
from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Edge, Inferred, Key
from coldtrail.services import contexts_of_log, contexts_of_span, contexts_sent, keys_of_log, keys_of_span
from coldtrail.trails.nodes import request_id_of
from coldtrail.trails.notes import CARRIED_KINDS

JOINING_KINDS = (*CARRIED_KINDS, "request_id", "execution_arn", "correlation_id", "trace_id")
"""Keys across which a trail goes on elsewhere."""

MOST_ROUNDS = 12
MOST_TRACES = 500
MOST_TRACES_A_UNIT = 10
"""How far one walk goes: 500 traces, and ten more for each that it was asked for."""
MOST_CARRIERS_OF_CORRELATION = 200
"""A correlation id that more signals share than this is no id of one trail."""


class Carrier(Protocol):
    """Who carries a key; ids are hex or ""."""

    @property
    def kind(self) -> str:
        """The key's kind."""

    @property
    def value(self) -> str:
        """The key's value."""

    @property
    def trace_id(self) -> str:
        """The trace of the signal, or ""."""

    @property
    def request_id(self) -> str:
        """The Lambda request id of the signal, or ""."""


class Reader(Protocol):
    """Where signals are read from."""

    def spans_of(self, trace_ids: set[str]) -> list[Span]:
        """Return all spans of the traces."""

    def logs_of(self, trace_ids: set[str], request_ids: set[str]) -> list[Log]:
        """Return all logs of the traces and requests."""

    def carriers_of(self, keys: set[Key]) -> list[Carrier]:
        """Return who carries the keys, in any role."""

    def inferred_of(self, units: set[str]) -> list[Inferred]:
        """Return the edges that times told into and out of the units."""


class Gathered(Struct):
    """The signals of the trails around one id, and the edges that times told between them.

    ``truncated``: a bound was met, there may be more.
    """

    spans: list[Span]
    logs: list[Log]
    inferred: dict[tuple[str, str], Edge] = field(default_factory=dict)
    truncated: bool = False


def gather(reader: Reader, trace_ids: set[str], request_ids: set[str]) -> Gathered:
    """Read everything that is joined to the traces and requests; one round where there are no keys."""
    most_traces = MOST_TRACES + MOST_TRACES_A_UNIT * (len(trace_ids) + len(request_ids))
    found = Gathered([], [])
    seen_traces: set[str] = set()
    seen_requests: set[str] = set()
    seen_keys: set[tuple[str, str]] = set()
    traces, requests = set(trace_ids), set(request_ids)
    for _ in range(MOST_ROUNDS):
        if not traces and not requests:
            return found
        spans = reader.spans_of(traces) if traces else []
        logs = reader.logs_of(traces, requests)
        found.spans += spans
        found.logs += logs
        seen_traces |= traces
        seen_requests |= requests
        keys = _joining(spans, logs, traces) - {Key(kind, value, "mentions") for kind, value in seen_keys}  # type: ignore[arg-type]
        seen_keys |= {(key.kind, key.value) for key in keys}
        inferred = reader.inferred_of(traces | requests)
        found.inferred |= {(one.edge.cause, one.edge.effect): one.edge for one in inferred}
        traces, requests = _next(reader, keys, spans, logs)
        for unit in {unit for one in inferred for unit in (one.cause_unit, one.effect_unit)}:
            (traces if is_hex(unit, TRACE_DIGITS) else requests).add(unit)
        traces -= seen_traces
        requests -= seen_requests
        if len(seen_traces) + len(traces) > most_traces:
            break
    found.truncated = bool(traces or requests)
    return found


def _joining(spans: list[Span], logs: list[Log], traces: set[str]) -> set[Key]:
    found = {key for span in spans for key in keys_of_span(span)}
    found |= {key for log in logs for key in keys_of_log(log)}
    found |= {Key("request_id", request, "mentions") for span in spans if (request := request_id_of(span))}
    joined = {Key(key.kind, key.value, "mentions") for key in found if key.kind in JOINING_KINDS}
    # Who links to a trace is known only by asking; worth it where the trace has other ways out or in.
    if joined or any(span.links for span in spans) or _begins_elsewhere(spans):
        joined |= {Key("trace_id", trace_id, "mentions") for trace_id in traces}
    return joined


def _begins_elsewhere(spans: list[Span]) -> bool:
    """Whether a span's parent is in none of the traces: who sent its header may be in another."""
    known = {span.span_id for span in spans}
    return any(span.parent_span_id and span.parent_span_id not in known for span in spans)


def _next(reader: Reader, keys: set[Key], spans: list[Span], logs: list[Log]) -> tuple[set[str], set[str]]:
    traces = {link.trace_id for span in spans for link in span.links}
    traces |= {log.trace_id for log in logs if log.trace_id}
    traces |= {one.trace_id for span in spans for one in contexts_of_span(span)}
    traces |= {one.trace_id for span in spans for one in contexts_sent(span)}
    traces |= {one.trace_id for log in logs for one in contexts_of_log(log)}
    requests = {request for span in spans if (request := request_id_of(span))}
    requests |= {str(log.attributes["faas.invocation_id"]) for log in logs if log.attributes.get("faas.invocation_id")}
    if keys:
        carriers = reader.carriers_of(keys)
        counts: dict[tuple[str, str], int] = {}
        for carrier in carriers:
            counts[carrier.kind, carrier.value] = counts.get((carrier.kind, carrier.value), 0) + 1
        for carrier in carriers:
            if carrier.kind == "correlation_id" and counts[carrier.kind, carrier.value] > MOST_CARRIERS_OF_CORRELATION:
                continue
            traces.add(carrier.trace_id)
            requests.add(carrier.request_id)
    return traces - {""}, requests - {""}

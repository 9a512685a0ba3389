"""From one id to every signal of its trails: load a trace, see which keys it carries, load who shares them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct, field

from coldtrail.model.hex_ids import TRACE_DIGITS, is_hex
from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import JOINING_KINDS, Edge, Inferred, Key
from coldtrail.services import Carries
from coldtrail.services.service import PRODUCER
from coldtrail.trails.nodes.access import request_of_line
from coldtrail.trails.nodes.carried import Carried
from coldtrail.trails.nodes.of_signals import request_id_of

MOST_ROUNDS, FEW_ROUNDS = 12, 4
MOST_TRACES = 500
MOST_TRACES_A_UNIT = 10
"""How far one walk goes: 500 traces, and ten more for each that it was asked for."""
MOST_TRACES_OF_ONE = 2_500
"""How far it goes for one trail that somebody looks at: five thousand nodes are in some eight hundred traces."""
MOST_SIGNALS = 200_000
MOST_CARRIERS_OF_CORRELATION = 200
"""A correlation id that more signals share than this is no id of one trail."""

LATE_NS = 3_600 * 10**9
"""How far from all that is known of its trails a log line may be and still be looked for among many; lines of a request or
an execution that carry its id are found wherever they are. An invocation lasts at most 900 s (AWS Lambda Developer Guide,
"Quotas").
"""

When = tuple[int, int]
"""First and last, Unix ns."""

Units = dict[str, When]
"""Traces, or requests, and when signals with keys that were asked for are in them."""

Further = Callable[[], tuple[set[str], set[str]]]
"""Gives traces and requests to go on with."""


class Reader(Protocol):
    """Where signals are read from."""

    def spans_of(self, trace_ids: set[str]) -> list[Span]:
        """Return all spans of the traces, copies too, in any order."""

    def logs_of(self, trace_ids: set[str], request_ids: set[str], when: When | None) -> list[Log]:
        """Return the logs of the traces and requests, copies too, in any order; of many, those of a time are enough."""

    def units_with(self, keys: set[Key], most_correlated: int) -> tuple[Units, Units]:
        """Return the traces and requests in which signals carry the keys, in any role.

        A correlation id that more than ``most_correlated`` signals carry is left out.
        """

    def inferred_of(self, units: set[str]) -> list[Inferred]:
        """Return the edges that times told into and out of the units."""


class Gathered(Struct):
    """The signals of the trails around some ids, and the edges that times told between them.

    ``carried``: what the signals carry. ``partly``: traces and requests next to which there may be more that was not read.
    ``full``: a bound was met because there are so many.
    """

    spans: list[Span] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    inferred: dict[tuple[str, str], Edge] = field(default_factory=dict)
    carried: Carried = field(default_factory=Carried)
    partly: set[str] = field(default_factory=set)
    full: bool = False


def gather(
    reader: Reader,
    trace_ids: set[str],
    request_ids: set[str],
    most_signals: int = MOST_SIGNALS,
    when: When | None = None,
    most_traces: int = MOST_TRACES,
) -> Gathered:
    """Read everything that is joined to the traces and requests; one round where there are no keys.

    ``when``: when some of their signals were, where that is known.

    Edges that times told are followed back to the origins, and from all that was found on to the effects. What else led to
    one of those, as the others of a batch did, is read alone: by way of batches everything is joined to everything.
    """
    walk = _Walk(reader, len(trace_ids) + len(request_ids), most_signals, when, most_traces)
    walk.follow(trace_ids, request_ids, walk.causes)
    walk.follow(*walk.effects(), walk.effects)
    walk.read_beside()
    return walk.found


def gather_near(
    reader: Reader, trace_ids: set[str], request_ids: set[str], when: When, most_signals: int = MOST_SIGNALS
) -> Gathered:
    """Read the traces and requests, and what keys join to them within a few steps; nothing that times told."""
    walk = _Walk(reader, len(trace_ids) + len(request_ids), most_signals, when)
    walk.follow(trace_ids, request_ids, lambda: (set(), set()), FEW_ROUNDS)
    return walk.found


class _Walk:
    """One walk: what was found, and what was asked for already."""

    def __init__(
        self, reader: Reader, units: int, most_signals: int, when: When | None, most_traces: int = MOST_TRACES
    ) -> None:
        self.found = Gathered()
        self._when = when
        self._looked: dict[str, When | None] = {}
        self._reader = reader
        self._most_traces, self._most_signals = most_traces + MOST_TRACES_A_UNIT * units, most_signals
        self._traces: set[str] = set()
        self._requests: set[str] = set()
        self._keys: set[Key] = set()
        self._asked: set[str] = set()
        self._by_time: set[tuple[str, str]] = set()

    def follow(self, traces: set[str], requests: set[str], further: Further, rounds: int = MOST_ROUNDS) -> None:
        """Read a round of units after another: those that keys lead to, and those that ``further`` gives."""
        last: set[str] = set()
        for _ in range(rounds):
            if not traces and not requests:
                return
            if self._is_full(len(traces)):
                break
            last = traces | requests
            traces, requests = self._round(set(traces), set(requests))
            more = further()
            traces, requests = traces | more[0], requests | more[1]
        if traces or requests:
            self.found.partly |= last | traces | requests

    def _is_full(self, more: int) -> bool:
        self.found.full |= len(self._traces) + more > self._most_traces
        return self.found.full

    def _round(self, traces: set[str], requests: set[str]) -> tuple[set[str], set[str]]:
        """Read some units; return those that they lead to."""
        spans, logs = self._read(traces, requests)
        carried = [self.found.carried.by(signal) for some in (spans, logs) for signal in some]
        keys = _joining(carried, spans, traces) - self._keys
        self._keys |= keys
        traces, requests = _named(carried, spans, logs)
        if keys:
            more = self._reader.units_with(keys, MOST_CARRIERS_OF_CORRELATION)
            self._look_again(*more)
            traces, requests = traces.union(more[0]), requests.union(more[1])
        return traces - self._traces - {""}, requests - self._requests - {""}

    def _look_again(self, traces: Units, requests: Units) -> None:
        """Take requests for unread of which there is more than where they were looked for."""
        for when in (*traces.values(), *requests.values()):
            self._when = _hull(self._when, when)
        for request, when in requests.items():
            looked = self._looked.get(request)
            if looked and (when[0] < looked[0] or when[1] > looked[1]):
                self._requests.discard(request)

    def _read(self, traces: set[str], requests: set[str]) -> tuple[list[Span], list[Log]]:
        spans = self._reader.spans_of(traces) if traces else []
        if spans:
            ends_ns = max(span.end_ns for span in spans)
            self._when = _hull(self._when, (min(span.start_ns for span in spans), ends_ns))
        when = (self._when[0] - LATE_NS, self._when[1] + LATE_NS) if self._when else None
        # Their lines come at once: a round costs the same for many units as for few.
        requests = requests | ({request_id_of(span) for span in spans} - self._requests - {""})
        logs = self._reader.logs_of(traces, requests, when)
        if logs:
            self._when = _hull(self._when, (min(log.time_ns for log in logs), max(log.time_ns for log in logs)))
        self.found.spans += spans
        self.found.logs += logs
        self._traces |= traces
        # An API writes one line of a request: who has it need not ask for it by the request.
        self._requests |= requests | {request_of_line(log) for log in logs}
        self._looked |= dict.fromkeys(requests, when)
        self.found.full |= len(self.found.spans) + len(self.found.logs) > self._most_signals
        return spans, logs

    def causes(self) -> tuple[set[str], set[str]]:
        """Return the units that were not read from which times told of edges into those that were."""
        self._ask_times()
        return self._unread({cause for cause, effect in self._by_time if self._was_read(effect)})

    def effects(self) -> tuple[set[str], set[str]]:
        """Likewise those to which edges lead."""
        self._ask_times()
        return self._unread({effect for cause, effect in self._by_time if self._was_read(cause)})

    def read_beside(self) -> None:
        """Read what else led to what was found, and nothing around it."""
        traces, requests = self.causes()
        if traces or requests:
            self.found.partly |= traces | requests
            self._read(traces, requests)

    def _was_read(self, unit: str) -> bool:
        return unit in self._traces or unit in self._requests

    def _unread(self, units: set[str]) -> tuple[set[str], set[str]]:
        traces = {unit for unit in units if is_hex(unit, TRACE_DIGITS)}
        return traces - self._traces, units - traces - self._requests

    def _ask_times(self) -> None:
        """Take in the edges that times told of what was read since the last time."""
        units = (self._traces | self._requests) - self._asked
        self._asked |= units
        for one in self._reader.inferred_of(units) if units else ():
            self.found.inferred[one.edge.cause, one.edge.effect] = one.edge
            self._by_time.add((one.cause_unit, one.effect_unit))


def _hull(one: When | None, other: When) -> When:
    return (min(one[0], other[0]), max(one[1], other[1])) if one else other


def _joining(carried: list[Carries], spans: list[Span], traces: set[str]) -> set[Key]:
    found = {(key.kind, key.value) for one in carried for key in one.keys if key.kind in JOINING_KINDS}
    joined = {Key(kind, value, "mentions") for kind, value in found}
    joined |= {Key("request_id", request, "mentions") for span in spans if (request := request_id_of(span))}
    # Who links to a trace is known only by asking; worth it where the trace has other ways out or in, or sends something.
    if joined or any(span.links or span.kind == PRODUCER for span in spans) or _begins_elsewhere(spans):
        joined |= {Key("trace_id", trace_id, "mentions") for trace_id in traces}
    return joined


def _begins_elsewhere(spans: list[Span]) -> bool:
    """Whether a span's parent is in none of the traces: who sent its header may be in another."""
    known = {span.span_id for span in spans}
    return any(span.parent_span_id and span.parent_span_id not in known for span in spans)


def _named(carried: list[Carries], spans: list[Span], logs: list[Log]) -> tuple[set[str], set[str]]:
    """The units that signals name outright: in links, ids and propagated headers; lines of the spans' requests came with them."""
    traces = {link.trace_id for span in spans for link in span.links}
    traces |= {log.trace_id for log in logs}
    traces |= {one.trace_id for some in carried if some.contexts or some.sent for one in (*some.contexts, *some.sent)}
    requests = {str(value) for log in logs if (value := log.attributes.get("faas.invocation_id"))}
    return traces, requests

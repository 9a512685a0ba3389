"""Walking from any trace or request to its trails: whatever the order, the copies, the parts and the clocks in which signals came."""

from __future__ import annotations

import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from telling import MS, T0, everything, lines, log, machine, moved, span

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Edge, Inferred, Key, Trail
from coldtrail.server.reconstruction.around import Around
from coldtrail.services import contexts_of_log, contexts_of_span, keys_of_log, keys_of_span
from coldtrail.trails.assemble import assemble_all, build_graph, origins_of, select
from coldtrail.trails.nodes.access import request_of_line
from coldtrail.trails.nodes.of_signals import request_id_of
from coldtrail.trails.timing.edges import Timing
from coldtrail.trails.walk import LATE_NS, Units, When, gather

MACHINES = sorted({machine(one) for some in everything() for one in some})


def request_in(log: Log) -> str:
    """What the store has as the request of a line: an invocation, or what an API gave the request that its access log tells of."""
    return str(log.attributes.get("faas.invocation_id", "")) or request_of_line(log)


class Kept:
    """A store in memory: signals as they came, and who carries which key, as the views of the store list it."""

    def __init__(self, signals: Iterable[Span | Log], dice: random.Random) -> None:
        self.spans: dict[str, list[Span]] = {}
        self.by_trace: dict[str, list[Log]] = {}
        self.by_request: dict[str, list[Log]] = {}
        self.carriers: dict[tuple[str, str], set[tuple[str, str, int]]] = {}
        self._dice = dice
        for signal in signals:
            self._keep(signal)

    def _keep(self, signal: Span | Log) -> None:
        if isinstance(signal, Span):
            self.spans.setdefault(signal.trace_id, []).append(signal)
            request, keys, at_ns = request_id_of(signal), list(keys_of_span(signal)), signal.start_ns
            named = [*(link.trace_id for link in signal.links), *(one.trace_id for one in contexts_of_span(signal))]
        else:
            request, keys, at_ns = request_in(signal), list(keys_of_log(signal)), signal.time_ns
            self.by_trace.setdefault(signal.trace_id, []).append(signal)
            self.by_request.setdefault(request, []).append(signal)
            named = [one.trace_id for one in contexts_of_log(signal)]
        for key in [*keys, *(Key("trace_id", one, "takes") for one in named)]:
            self.carriers.setdefault((key.kind, key.value), set()).add((signal.trace_id, request, at_ns))

    def units(self) -> list[str]:
        return sorted({*self.spans, *self.by_trace, *self.by_request} - {""})

    def spans_of(self, trace_ids: set[str]) -> list[Span]:
        return self._in_any_order(one for trace_id in trace_ids for one in self.spans.get(trace_id, ()))

    def logs_of(self, trace_ids: set[str], request_ids: set[str], when: When | None) -> list[Log]:
        found = [one for trace_id in trace_ids for one in self.by_trace.get(trace_id, ())]
        found += [one for request in request_ids for one in self.by_request.get(request, ())]
        return self._in_any_order(one for one in found if when is None or when[0] <= one.time_ns <= when[1])

    def _in_any_order(self, found):  # type: ignore[no-untyped-def]
        shuffled = list(found)
        self._dice.shuffle(shuffled)
        return shuffled

    def units_with(self, keys: set[Key], most_correlated: int) -> tuple[Units, Units]:
        found = [one for key in keys for one in self.carriers.get((key.kind, key.value), ())]
        units: tuple[Units, Units] = ({}, {})
        for *names, at_ns in found:
            for known, name in zip(units, names, strict=True):
                first_ns, last_ns = known.get(name, (at_ns, at_ns))
                known[name] = (min(first_ns, at_ns), max(last_ns, at_ns))
        return units

    def inferred_of(self, units: set[str]) -> list[Inferred]:
        return []


def walked(kept: Kept, unit: str) -> dict[str, Trail]:
    """The trails around one unit, by id."""
    traces, requests = ({unit}, set[str]()) if len(unit) == 32 else (set[str](), {unit})
    found = gather(kept, traces, requests)
    assert not found.partly
    assert not found.full
    graph = build_graph(found.spans, found.logs, carried=found.carried)
    return {trail.trail_id: trail for trail_id in origins_of(graph) if (trail := select(graph, trail_id))}


def parts_of(trail: Trail) -> set[str]:
    """The traces and requests that a trail's nodes name."""
    return {value for node in trail.nodes for value in (node.keys.get("trace_id"), node.keys.get("request_id")) if value}


def sent(spans: list[Span], logs: list[Log], dice: random.Random, copies: int) -> list[Span | Log]:
    """What a store has once everything came: in any order, some of it again, which is all that parts and delays leave."""
    told: list[Span | Log] = [*spans, *logs]
    told += [one for one in told for _ in range(dice.randrange(copies))]
    dice.shuffle(told)
    return told


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), copies=st.integers(1, 3))
def test_every_unit_leads_to_the_same_whole_trails(seed: int, copies: int) -> None:
    spans, logs = everything()
    expected = {trail.trail_id: trail for trail in assemble_all(spans, logs)}
    dice = random.Random(seed)
    kept = Kept(sent(spans, logs, dice, copies), dice)
    for unit in kept.units():
        found = walked(kept, unit)
        mine = {trail_id for trail_id, trail in expected.items() if unit in parts_of(trail)}
        assert mine <= found.keys(), unit
        assert {trail_id: found[trail_id] for trail_id in mine} == {trail_id: expected[trail_id] for trail_id in mine}, unit


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), offsets_ms=st.lists(st.integers(-300_000, 300_000), min_size=len(MACHINES), max_size=len(MACHINES)))
def test_wrong_clocks_change_no_edge_wherever_the_walk_begins(seed: int, offsets_ms: list[int]) -> None:
    spans, logs = everything()
    joined = {trail.trail_id: {(one.cause, one.effect, one.kind, one.evidence) for one in trail.edges} for trail in assemble_all(spans, logs)}
    wrong = dict(zip(MACHINES, offsets_ms, strict=True))
    dice = random.Random(seed)
    kept = Kept([moved(one, wrong[machine(one)] * MS) for one in sent(spans, logs, dice, 2)], dice)
    for unit in dice.sample(kept.units(), 4):
        for trail_id, trail in walked(kept, unit).items():
            assert {(one.cause, one.effect, one.kind, one.evidence) for one in trail.edges} == joined[trail_id]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), loads=st.integers(2, 6))
def test_what_the_pass_keeps_is_the_same_however_late_each_part_came(seed: int, loads: int) -> None:
    """As the pass does it: after each load the trails around what it brought are kept, and those gone that lost their units."""
    spans, logs = everything()
    dice = random.Random(seed)
    told = sent(spans, logs, dice, 2)
    cuts = sorted(dice.sample(range(1, len(told)), loads - 1))
    rows: dict[str, Trail] = {}
    members: dict[str, set[str]] = {}
    for start, end in zip([0, *cuts], [*cuts, len(told)], strict=True):
        kept = Kept(told[:end], dice)
        for unit in Kept(told[start:end], dice).units():
            found = walked(kept, unit)
            now: dict[str, set[str]] = {}
            for trail_id, trail in found.items():
                for part in parts_of(trail):
                    now.setdefault(part, set()).add(trail_id)
            gone = {one for part, ids in now.items() for one in members.get(part, set()) - ids} - found.keys()
            rows = {trail_id: trail for trail_id, trail in rows.items() if trail_id not in gone} | found
            members |= now
    assert rows == {trail.trail_id: trail for trail in assemble_all(spans, logs)}


def test_what_was_days_before_is_found_from_what_came_now() -> None:
    days_ms = 3 * 24 * LATE_NS / MS
    spans = [span(1, 0, kind=4, messaging__message__id="m-1"), span(2, days_ms, parent=1)]
    told = [*lines("slow", 5, message_id="m-1"), *lines("slow", days_ms), *lines("other", days_ms, message_id="m-9")]
    kept = Kept([*spans, *told], random.Random(1))
    now_ns = T0 + int(days_ms * MS)
    for traces, requests in (({"a" * 32}, set[str]()), (set[str](), {"slow"})):
        found = gather(kept, traces, requests, when=(now_ns, now_ns))
        assert {one.span_id for one in found.spans} == {one.span_id for one in spans}
        assert {one.time_ns for one in found.logs} == {one.time_ns for one in told if one.attributes["faas.invocation_id"] == "slow"}


def test_a_walk_stops_at_its_bound_and_says_so() -> None:
    kept = Kept([span(number, number, kind=4, trace=trace, messaging__message__id=f"m-{number}") for number, trace in enumerate("abcdef")], random.Random(1))
    assert not gather(kept, {"a" * 32, "b" * 32}, set(), most_signals=2).full
    assert gather(kept, {one * 32 for one in "abc"}, set(), most_signals=2).full


def test_a_request_of_which_only_lines_tell_leads_to_who_sent_its_message() -> None:
    sender = span(1, 0, kind=4, messaging__message__id="m-1")
    kept = Kept([sender, log("taker", 5, message_id="m-1"), log("other", 6, message_id="m-2")], random.Random(1))
    (trail,) = walked(kept, "taker").values()
    assert (sorted(node.kind for node in trail.nodes), len(trail.edges)) == (["invocation", "message", "operation"], 2)


class ByTime(Kept):
    """A store that also keeps what times told: pairs of traces, each a letter."""

    def __init__(self, signals: Iterable[Span | Log], pairs: list[tuple[str, str]]) -> None:
        super().__init__(signals, random.Random(1))
        ids = {one.trace_id: one.trace_id + one.span_id for some in self.spans.values() for one in some}
        self._told = [Inferred(Edge(ids[cause * 32], ids[effect * 32], "triggers", "timing", 0.9), cause * 32, effect * 32) for cause, effect in pairs]

    def inferred_of(self, units: set[str]) -> list[Inferred]:
        return [one for one in self._told if one.cause_unit in units or one.effect_unit in units]


def batches_in_a_chain() -> ByTime:
    """Senders a to e, and batches 1 to 4 of which each took from a sender and the next: times join everything to everything."""
    sends = [span(number, number, kind=4, trace=trace, service="sender") for number, trace in enumerate("abcde")]
    batches = [span(number, 10 + number, kind=5, trace=str(number), service="batch") for number in range(1, 5)]
    return ByTime([*sends, *batches], [("a", "1"), ("b", "1"), ("b", "2"), ("c", "2"), ("c", "3"), ("d", "3"), ("d", "4"), ("e", "4")])


def around(kept: Kept, asked: set[str]) -> Around:
    found = gather(kept, {one * 32 for one in asked}, set())
    timing = Timing(frozenset(), known=tuple(found.inferred.values()))
    return Around.of(build_graph(found.spans, found.logs, timing, found.carried), {one * 32 for one in asked}, found.partly)


def test_what_else_led_to_a_batch_is_read_but_not_what_it_led_to() -> None:
    found = gather(batches_in_a_chain(), {"a" * 32}, set())
    assert {one.trace_id[0] for one in found.spans} == set("ab1")
    assert (found.partly, found.full) == ({"b" * 32}, False)


def test_a_batch_leads_back_to_all_that_it_took_and_on_to_what_else_came_of_that() -> None:
    found = gather(batches_in_a_chain(), {"2" * 32}, set())
    assert {one.trace_id[0] for one in found.spans} == set("abcd123")
    assert found.partly == {"a" * 32, "d" * 32}


def test_only_trails_that_were_read_whole_are_told() -> None:
    one = around(batches_in_a_chain(), {"a"})
    assert {trail.trail_id[0]: {node.node_id[0] for node in trail.nodes} for trail in one.trails} == {"a": set("a1")}
    # The batch is on the trail of b too, which was not read whole: it has to be looked at itself.
    assert one.done == {"a" * 32}


def test_a_batch_stays_on_trails_that_were_not_read_whole_but_not_on_its_own_once_it_has_a_cause() -> None:
    one = around(batches_in_a_chain(), {"a"})
    assert one.stays("1" * 32, "b" * 32)
    assert not one.stays("1" * 32, "1" * 32)
    assert not one.stays("a" * 32, "b" * 32)


class Asked(Kept):
    """Remembers for which requests lines were looked for."""

    def __init__(self, signals: Iterable[Span | Log]) -> None:
        super().__init__(signals, random.Random(1))
        self.requests: set[str] = set()

    def logs_of(self, trace_ids: set[str], request_ids: set[str], when: When | None) -> list[Log]:
        self.requests |= request_ids
        return super().logs_of(trace_ids, request_ids, when)


def test_a_request_of_which_the_access_log_was_read_by_its_trace_is_not_looked_for_again() -> None:
    access = structs.replace(log("", 5, "apigateway.access", "api", aws__api_gateway__request_id="api-1"), trace_id="a" * 32)
    kept = Asked([span(1, 0, kind=2), access, *lines("fn-1", 1)])
    found = gather(kept, {"a" * 32}, set())
    assert ([one.event_name for one in found.logs], kept.requests) == (["apigateway.access"], set())
    assert gather(kept, set(), {"api-1"}).spans == found.spans

"""All rules of all services, arranged for reading: by the name of the attribute that carries a key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec
from msgspec import Struct

from coldtrail.model.signals import Attributes, AttributeValue, Log, Span
from coldtrail.model.trails import Key
from coldtrail.services.correlation import baggage_pattern, distinct_fields, text_pattern
from coldtrail.services.envelopes import EVENT_ATTRIBUTES, Delivery, Reader
from coldtrail.services.propagation import (
    BAGGAGE_NAMES,
    GIVING_SPAN_KINDS,
    HEADER_ATTRIBUTES,
    HEADER_SPAN_KINDS,
    TraceContext,
    contexts_in,
    contexts_in_header,
)
from coldtrail.services.service import Condition, KeyRule, Service, log_key, span_key

MOST_VALUE_BYTES = 1_024
"""A longer value is no identity."""

MOST_LISTED = 1_000
"""Keys that one attribute may list."""

HEADER, BAGGAGE, EVENT = 1, 2, 3
MOST_NAMES = 20_000
MOST_SHAPES = 5_000


class Plan(Struct, frozen=True):
    """What to do with an attribute: which rules apply to it, and whether it is a place where more is found."""

    rules: tuple[KeyRule, ...]
    place: int = 0


Planned = tuple[tuple[tuple[str, Plan], ...], tuple[tuple[str, int], ...]]
"""Of some attributes the names that rules speak of, with what to do with them, and those that are a place, with which."""

NO_PLANS: Planned = ((), ())


class Plans(dict[str, Plan | None]):
    """Plans by the name of the attribute, remembered; None where nothing speaks of it, as of most.

    ``names``: what plans are made for.
    """

    def __init__(self, rules: Iterable[KeyRule]) -> None:
        self._rules: dict[str, list[KeyRule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.attribute, []).append(rule)
        self._of_shapes: dict[tuple[int | str, ...], Planned] = {}
        self.names = tuple(sorted({*self._rules, *_PLACES}))

    def __missing__(self, name: str) -> Plan | None:
        """Make the plan of a name that was not seen before."""
        plan = self.of(name)
        if len(self) < MOST_NAMES:
            self[name] = plan
        return plan

    def among(self, attributes: Attributes, kind: int = 0) -> Planned:
        """Return the names that have a plan, and it, without rules for other kinds of spans.

        Signals of one place have the same names, so few are looked up.
        """
        shape: tuple[int | str, ...] = (kind, *attributes)
        found = self._of_shapes.get(shape)
        if found is None:
            planned = tuple((name, plan) for name in attributes if (plan := self._for_kind(name, kind)))
            found = (
                (planned, tuple((name, plan.place) for name, plan in planned if plan.place)) if planned else NO_PLANS
            )
            if len(self._of_shapes) < MOST_SHAPES:
                self._of_shapes[shape] = found
        return found

    def _for_kind(self, name: str, kind: int) -> Plan | None:
        plan = self[name]
        if plan is None:
            return None
        rules = tuple(rule for rule in plan.rules if not rule.span_kinds or kind in rule.span_kinds)
        return Plan(rules, plan.place) if rules or plan.place else None

    def of(self, name: str) -> Plan | None:
        """Return the plan of a name, or of all names that end in one (`*.name`)."""
        matching = self._rules.get(name, [])
        if "." in name and not name.startswith("*."):
            matching = matching + self._rules.get(f"*.{name.rpartition('.')[2]}", [])
        place = _PLACES.get(name, 0)
        return Plan(tuple(matching), place) if matching or place else None


class Event(Struct, frozen=True):
    """What an event tells that a function was handed."""

    keys: tuple[Key, ...]
    contexts: tuple[TraceContext, ...]
    deliveries: tuple[Delivery, ...]


class Carries(Struct, frozen=True):
    """What a signal carries: its keys, the trace contexts that it was handed, and those of other traces that it sends;
    the units of the event that it holds.
    """

    keys: tuple[Key, ...] = ()
    contexts: tuple[TraceContext, ...] = ()
    sent: tuple[TraceContext, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


_NOTHING = Carries()


class Rulebook:
    """The rules of ``services``, and the fields that are correlation ids."""

    def __init__(self, services: Iterable[Service], correlation_fields: Iterable[str]) -> None:
        self.services = tuple(services)
        self.correlation_fields = distinct_fields(correlation_fields)
        self.envelopes = tuple((one.id, envelope) for one in self.services for envelope in one.envelopes)
        self.rules = (*(rule for one in self.services for rule in one.keys), *self._correlation())
        self._spans = Plans(rule for rule in self.rules if rule.signal == "span")
        self._logs = Plans(rule for rule in self.rules if rule.signal == "log")
        self._in_text = re.compile(text_pattern(self.correlation_fields), re.ASCII) if self.correlation_fields else None
        self._in_baggage = (
            re.compile(baggage_pattern(self.correlation_fields), re.ASCII) if self.correlation_fields else None
        )
        self.reader = Reader(self.envelopes, self._in_text)
        self._event = lru_cache(maxsize=64)(self._read_event)

    def _correlation(self) -> tuple[KeyRule, ...]:
        # In spans only what stands in a set is looked for: taking names apart would cost every span, with keys or not.
        return tuple(
            rule
            for field in self.correlation_fields
            for rule in (
                span_key("mentions", "correlation_id", field),
                span_key("mentions", "correlation_id", f"app.{field}"),
                log_key("mentions", "correlation_id", field),
                log_key("mentions", "correlation_id", f"*.{field}"),
            )
        )

    def all_of(self, signal: Span | Log) -> Carries:
        """Return all that a signal carries; links of a span are not among it, nor headers among the keys.

        At once: its attributes are looked up, and an event is read, a single time.
        """
        attributes = signal.attributes
        if isinstance(signal, Log):
            planned = self._logs.among(attributes)
            headers, gives, event_name = True, False, signal.event_name
        else:
            planned = self._spans.among(attributes, signal.kind)
            headers, gives, event_name = signal.kind in HEADER_SPAN_KINDS, signal.kind in GIVING_SPAN_KINDS, ""
        if not planned[0]:
            return _NOTHING
        keys = self._keys(planned, attributes, event_name)
        if not planned[1]:
            return Carries(keys)
        sent = self._sent(signal, planned) if gives and isinstance(signal, Span) else ()
        contexts = self._contexts(planned, attributes, headers=headers)
        return Carries(keys, contexts, sent, self._deliveries(attributes))

    def _sent(self, span: Span, planned: Planned) -> tuple[TraceContext, ...]:
        sent = self._contexts(planned, span.attributes, headers=True, events=False)
        return tuple(one for one in sent if one.trace_id != span.trace_id)

    def _deliveries(self, attributes: Attributes) -> tuple[Delivery, ...]:
        """The units of the events that a signal's attributes hold."""
        if _EVENTS.isdisjoint(attributes):
            return ()
        events = [self._event(text) for name in EVENT_ATTRIBUTES if (text := _event_text(attributes.get(name)))]
        return tuple(one for event in events for one in event.deliveries)

    def _keys(self, planned: Planned, attributes: Attributes, event_name: str) -> tuple[Key, ...]:
        if not planned[0]:
            return ()
        found: dict[Key, None] = {}
        for name, plan in planned[0]:
            value = attributes[name]
            for rule in plan.rules:
                if (rule.when or rule.event_prefix) and not _holds(rule, attributes, event_name):
                    continue
                for text in _values(rule, value, attributes):
                    found[Key(rule.kind, text, rule.role)] = None
            if plan.place == EVENT and (text := _event_text(value)):
                found |= dict.fromkeys(self._event(text).keys)
            elif plan.place == BAGGAGE:
                found |= dict.fromkeys(_correlations(self._in_baggage, _texts(value)))
        return tuple(found)

    def _contexts(
        self, planned: Planned, attributes: Attributes, *, headers: bool, events: bool = True
    ) -> tuple[TraceContext, ...]:
        if not planned[1]:
            return ()
        found: dict[TraceContext, None] = {}
        for name, place in planned[1]:
            value = attributes[name]
            if place == EVENT and events and (text := _event_text(value)):
                found |= dict.fromkeys(self._event(text).contexts)
            elif place == HEADER and headers:
                beside = _texts(attributes.get(name.replace("b3-traceid", "b3-spanid"))) if "b3-traceid" in name else []
                found |= dict.fromkeys(
                    one for text in _texts(value) for one in contexts_in_header(text, "".join(beside))
                )
        return tuple(found)

    def _read_event(self, text: str) -> Event:
        reading = self.reader.read(text)
        keys = [key for one in reading.deliveries for key in one.keys if _is_identity(key.value)]
        keys += _correlations(self._in_text, reading.texts)
        contexts = dict.fromkeys(one for inner in reading.texts for one in contexts_in(inner))
        return Event(tuple(dict.fromkeys(keys)), tuple(contexts), reading.deliveries)


_PLACES = {
    **dict.fromkeys(HEADER_ATTRIBUTES, HEADER),
    **dict.fromkeys(BAGGAGE_NAMES, BAGGAGE),
    **dict.fromkeys(EVENT_ATTRIBUTES, EVENT),
}
_EVENTS = frozenset(EVENT_ATTRIBUTES)
_LISTED_ID = re.compile(r"^[\x20-\x7e]{2,}\Z")
"""What an OTLP array may hold as an identity: the engine picks such runs out of its raw bytes."""


def _texts(value: AttributeValue, element: str = "") -> list[str]:
    """The texts of a value: itself, those of a list, or of a JSON list (their field ``element`` where it has objects)."""
    if isinstance(value, list):
        return [one for one in value if isinstance(one, str) and _LISTED_ID.match(one)]
    if not isinstance(value, str) or not value:
        return []
    if value[0] == "[":
        return _listed(value, element)
    return [] if element else [value]


def _event_text(value: AttributeValue) -> str:
    return value if isinstance(value, str) and value[:1] in ("{", "[") else ""


def _holds(rule: KeyRule, attributes: Attributes, event_name: str) -> bool:
    if rule.event_prefix and not event_name.startswith(rule.event_prefix):
        return False
    return not rule.when or all(_condition(one, attributes) for one in rule.when)


def _condition(condition: Condition, attributes: Attributes) -> bool:
    for name in condition.attributes:
        if name in attributes and attributes[name] in condition.values:
            return not condition.negated
    return condition.negated


def _values(rule: KeyRule, value: AttributeValue, attributes: Attributes) -> list[str]:
    if isinstance(value, str) and not rule.under and not rule.element and value[:1] != "[":
        return [value] if _is_identity(value) else []
    if rule.under:
        parts = (attributes.get(rule.under), value)
        texts = ["/".join(map(str, parts))] if all(isinstance(one, str) and one for one in parts) else []
    else:
        texts = _texts(value, rule.element)
    return [text for text in texts[:MOST_LISTED] if _is_identity(text)]


def _listed(value: str, element: str) -> list[str]:
    """The texts of a JSON list, or the field ``element`` of each of its objects."""
    try:
        inner = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return []
    if element:
        inner = [one.get(element) for one in inner if isinstance(one, dict)]
    return [one for one in inner if isinstance(one, str) and one]


def _is_identity(text: str) -> bool:
    return 0 < len(text) <= MOST_VALUE_BYTES and (
        text.isascii() or len(text.encode("utf-8", "replace")) <= MOST_VALUE_BYTES
    )


def _correlations(pattern: re.Pattern[str] | None, texts: Iterable[str]) -> list[Key]:
    if pattern is None:
        return []
    values = (value for text in texts for value in pattern.findall(text))
    return [Key("correlation_id", value, "mentions") for value in values if _is_identity(value)]

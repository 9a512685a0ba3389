"""Events that functions were handed, read by the services' envelopes: which units they hold, from where, of whom.

An event nests: a queue's message holds a topic's notification that holds a bucket's event. Every level is read, and
each unit says in which other one it came.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from msgspec import Struct

from coldtrail.model.trails import Key
from coldtrail.services.propagation import TraceContext, contexts_in
from coldtrail.services.service import Envelope, Field

EVENT_ATTRIBUTES = (
    "aws.lambda.event",
    "faas.event",
    "lambda.event",
    "faas.invocation_payload",
    "function.request",
    "rpc.request.payload",
    "event",
    "aws.step_functions.input",
)
"""Attributes that hold the JSON of the event: ours for one found in a log line, and what instrumentations use."""

MOST_EVENT_BYTES = 2_000_000
"""An asynchronous payload is at most 1 MB (AWS Lambda Developer Guide, "Lambda quotas"); longer ones are not read."""

MOST_DEPTH = 3
"""Levels of events inside events: a bucket's event in a notification in a queue's message."""

LISTS = ("Records", "records")
CARRIED = ("message_id", "event_id", "sequence_number")


class Delivery(Struct, frozen=True):
    """One unit that a function was handed.

    ``keys``: those that it takes and mentions, its correlation ids among them. ``sent_ns``: when the service got it,
    Unix nanoseconds. ``receive_count``: how often it was handed out, this time counted. ``order_group``: FIFO group or
    shard, within which order is kept. ``within``: the carried key of the unit in which it came (a notification in a
    queue's message), so the outer is the effect of the inner's sending. ``dead_letter_cause``: why it is in a dead-letter
    queue, in the words of the service that moved it there.
    """

    service: str
    keys: tuple[Key, ...]
    destination: str = ""
    sent_ns: int | None = None
    receive_count: int = 1
    order_group: str = ""
    dead_letter_source: str = ""
    dead_letter_cause: str = ""
    replay_name: str = ""
    contexts: tuple[TraceContext, ...] = ()
    within: Key | None = None

    @property
    def place(self) -> str:
        """The name of the destination: of a queue, topic, stream, table, bucket or bus; "" where it is not told."""
        *_, name = self.destination.split(":", 5)
        kind, slash, rest = name.partition("/")
        if slash and kind in ("rule", "schedule"):
            return rest.rpartition("/")[2]
        return rest.split("/")[0] if slash and kind in ("stream", "table") else name

    @property
    def carried(self) -> Key | None:
        """The key that names this unit, None where it has none (a request, a trigger)."""
        return next((key for key in self.keys if key.role == "takes" and key.kind in CARRIED), None)


class Reading(Struct, frozen=True):
    """What an event holds: its units, and the texts in which names and headers are looked for."""

    deliveries: tuple[Delivery, ...]
    texts: tuple[str, ...]


NOTHING = Reading((), ())


class Reader:
    """Reads events by the envelopes of some services."""

    def __init__(self, envelopes: tuple[tuple[str, Envelope], ...], named: re.Pattern[str] | None = None) -> None:
        self._envelopes = envelopes
        self._named = named
        self._telling = tuple(envelope for _, envelope in envelopes if _tells(envelope))
        self._names = {path.split(".")[0] for envelope in self._telling for path, _ in envelope.when}.union(LISTS)

    def recognises(self, document: Any) -> bool:
        """Whether a decoded JSON value is an event that some service hands over, and not just has a field like one."""
        if isinstance(document, dict) and self._names.isdisjoint(document):
            return False
        return any(_matches(envelope, unit) for unit in _units(document) for envelope in self._telling)

    def read(self, text: str) -> Reading:
        """Return what the JSON text of an event holds; nothing where it is none."""
        document = _decoded(text)
        if document is None:
            return NOTHING
        deliveries: list[Delivery] = []
        texts = [text]
        level: list[tuple[Any, Key | None]] = [(document, None)]
        for _ in range(MOST_DEPTH):
            inner: list[tuple[Any, Key | None]] = []
            for document, within in level:
                for unit in _units(document):
                    delivery, payloads = self._unit(unit, within)
                    if delivery:
                        deliveries.append(delivery)
                    outer = delivery.carried if delivery else within
                    texts += payloads
                    inner += [(found, outer) for one in payloads if (found := _decoded(one)) is not None]
            level = inner
        return Reading(tuple(deliveries), tuple(dict.fromkeys(texts)))

    def _unit(self, unit: dict[str, Any], within: Key | None) -> tuple[Delivery | None, list[str]]:
        matching = [(service, envelope) for service, envelope in self._envelopes if _matches(envelope, unit)]
        if not matching:
            return None, []
        keys = [key for _, envelope in matching for field in envelope.keys if (key := _key(field, unit))]
        payloads = [
            payload
            for _, envelope in matching
            for path in envelope.payload
            if (payload := _payload(_at(unit, path), envelope.base64))
        ]
        text = msgspec.json.encode(unit).decode()
        if self._named:
            found = [value for one in (text, *payloads) for value in self._named.findall(one)]
            keys += [Key("correlation_id", value, "mentions") for value in found]
        facts: dict[str, Any] = {}
        for _, envelope in matching:
            for name, value in _facts(envelope, unit).items():
                facts.setdefault(name, value)
        contexts = dict.fromkeys(context for one in (text, *payloads) for context in contexts_in(one))
        delivery = Delivery(
            matching[0][0], tuple(dict.fromkeys(keys)), contexts=tuple(contexts), within=within, **facts
        )
        return delivery, payloads


def _tells(envelope: Envelope) -> bool:
    """A single field of no certain value may stand in any document."""
    return len(envelope.when) > 1 or any(values or "." in path for path, values in envelope.when)


def _decoded(text: str) -> Any:
    if text[:1] not in ("{", "[") or len(text) > MOST_EVENT_BYTES:
        return None
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None


def _units(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, list):
        yield from (one for one in document if isinstance(one, dict))
    elif isinstance(document, dict):
        yield document
        for name in LISTS:
            inner = document.get(name)
            if isinstance(inner, list):
                yield from (one for one in inner if isinstance(one, dict))


def _at(unit: dict[str, Any], path: str) -> str:
    """Return the text at a dotted path, "" where there is none; a whole number is a text too."""
    value: Any = unit
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _matches(envelope: Envelope, unit: dict[str, Any]) -> bool:
    for path, values in envelope.when:
        found = _at(unit, path)
        if not found or (values and found not in values):
            return False
    return True


def _key(field: Field, unit: dict[str, Any]) -> Key | None:
    parts = [_at(unit, path) for path in field.paths]
    if not all(parts):
        return None
    value = "/".join(parts)
    if field.shape and not re.fullmatch(field.shape, value, re.ASCII):
        return None
    return Key(field.kind, unquote_plus(value) if field.url_coded else value, field.role)


def _payload(text: str, coded: bool) -> str:
    if coded:
        try:
            text = base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return ""
    return text if text[:1] in ("{", "[") else ""


def _facts(envelope: Envelope, unit: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if cause := next((text for path in envelope.dead_letter_cause if (text := _at(unit, path))), ""):
        found["dead_letter_cause"] = cause
    for name in ("destination", "order_group", "dead_letter_source", "replay_name"):
        path = getattr(envelope, name)
        if path and (text := _at(unit, path)):
            found[name] = text
    if envelope.sent and (sent_ns := _time_ns(_at(unit, envelope.sent))):
        found["sent_ns"] = sent_ns
    count = _at(unit, envelope.receive_count) if envelope.receive_count else ""
    if count.isdecimal() and len(count) < 7:
        found["receive_count"] = max(1, int(count))
    return found


def _time_ns(text: str) -> int | None:
    """Return Unix nanoseconds of a time in RFC 3339, or in Unix seconds or milliseconds, as AWS writes them."""
    try:
        number = float(text)
    except ValueError:
        try:
            at = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=datetime.UTC)
        return (
            int((at - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) / datetime.timedelta(microseconds=1)) * 1_000
        )
    if not 0 < number < 1e14:
        return None
    milliseconds = number if number > 1e11 else number * 1_000
    return round(milliseconds * 1_000) * 1_000

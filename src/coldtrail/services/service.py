"""What a fact sheet of a managed service says: which signals carry which of its keys, in which role.

Rules are data, evaluated twice: in Python over one signal (`keys_of_span`, `keys_of_log`), and in SQL at
load time (the store renders them).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from coldtrail.model.trails import KeyKind, Role

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
"""Span kinds as OTLP numbers them."""

Carrier = Literal["function", "queue", "topic", "bus", "stream", "table", "bucket", "api", "workflow"]


class KeyRule(Struct, frozen=True):
    """One attribute of one kind of signal that carries a key.

    ``span_kinds``: the span's kind is one of these (any, when empty). ``equals``: each attribute named has one
    of the values. ``event_prefix``: the log record's event name begins so.
    """

    signal: Literal["span", "log"]
    attribute: str
    kind: KeyKind
    role: Role
    span_kinds: tuple[int, ...] = ()
    equals: tuple[tuple[str, tuple[str, ...]], ...] = ()
    event_prefix: str = ""


class Service(Struct, frozen=True):
    """Everything we know of one managed service, in one place."""

    id: str
    name: str
    carries: Carrier
    keys: tuple[KeyRule, ...] = ()


def span_key(
    role: Role,
    kind: KeyKind,
    attribute: str,
    *,
    span_kinds: tuple[int, ...] = (),
    equals: tuple[tuple[str, tuple[str, ...]], ...] = (),
) -> KeyRule:
    """A rule for spans."""
    return KeyRule("span", attribute, kind, role, span_kinds, equals)


def log_key(role: Role, kind: KeyKind, attribute: str, *, event_prefix: str = "") -> KeyRule:
    """A rule for log records."""
    return KeyRule("log", attribute, kind, role, event_prefix=event_prefix)

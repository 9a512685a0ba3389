"""Managed services: one module each with everything we know of it; a new service is one more file.

Every `Service` that a module of this package declares is found and used; nothing else has to name it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Key
from coldtrail.services.batch_responses import failed_items
from coldtrail.services.correlation import DEFAULT_CORRELATION_FIELDS
from coldtrail.services.envelopes import Delivery
from coldtrail.services.propagation import TraceContext
from coldtrail.services.rulebook import Carries, Rulebook
from coldtrail.services.service import KeyRule, Service


def declared_services(path: Iterable[str] = __path__) -> tuple[Service, ...]:
    """Return the services that the modules in the folders of ``path`` declare, by name of module."""
    found: dict[str, Service] = {}
    for module in sorted(pkgutil.iter_modules(path), key=lambda one: one.name):
        declared = vars(importlib.import_module(f"{__name__}.{module.name}")).values()
        found |= {one.id: one for one in declared if isinstance(one, Service)}
    return tuple(found.values())


ALL_SERVICES: tuple[Service, ...] = declared_services()

_rulebook = Rulebook(ALL_SERVICES, DEFAULT_CORRELATION_FIELDS)


def rulebook() -> Rulebook:
    """Return the rules in force."""
    return _rulebook


def use_rules(correlation_fields: Iterable[str] = (), services: Iterable[Service] | None = None) -> Rulebook:
    """Put rules in force: those of all services, and these correlation fields besides the default ones.

    To be called before a store is opened, whose views are made from the rules.
    """
    global _rulebook
    services = declared_services() if services is None else services
    _rulebook = Rulebook(services, (*DEFAULT_CORRELATION_FIELDS, *correlation_fields))
    return _rulebook


def key_rules() -> tuple[KeyRule, ...]:
    """Every rule of every service, and those of the correlation fields."""
    return _rulebook.rules


def keys_of_span(span: Span) -> tuple[Key, ...]:
    """Return the keys that a span carries, by the rules in force."""
    return carried_by(span).keys


def keys_of_log(log: Log) -> tuple[Key, ...]:
    """Return the keys that a log record carries, by the rules in force."""
    return carried_by(log).keys


def contexts_of_span(span: Span) -> tuple[TraceContext, ...]:
    """Return the trace contexts that a span was handed in headers or in an event."""
    return carried_by(span).contexts


def contexts_sent(span: Span) -> tuple[TraceContext, ...]:
    """Return the contexts of other traces in the headers that a client's or producer's span sends."""
    return carried_by(span).sent


def contexts_of_log(log: Log) -> tuple[TraceContext, ...]:
    """Return the trace contexts that a log record shows in headers or in an event."""
    return carried_by(log).contexts


def carried_by(signal: Span | Log) -> Carries:
    """Return all that a signal carries, by the rules in force; the others here give a part of it."""
    return _rulebook.all_of(signal)


def deliveries_of(signal: Span | Log) -> tuple[Delivery, ...]:
    """Return the units that a function was handed, where the signal holds its event."""
    return carried_by(signal).deliveries


__all__ = [
    "ALL_SERVICES",
    "Carries",
    "Delivery",
    "KeyRule",
    "Rulebook",
    "Service",
    "TraceContext",
    "carried_by",
    "contexts_of_log",
    "contexts_of_span",
    "contexts_sent",
    "declared_services",
    "deliveries_of",
    "failed_items",
    "key_rules",
    "keys_of_log",
    "keys_of_span",
    "rulebook",
    "use_rules",
]

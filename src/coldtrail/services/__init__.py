"""Managed services: one module each with everything we know of it; a new service is one more file."""

from __future__ import annotations

from coldtrail.model.signals import Attributes, Log, Span
from coldtrail.model.trails import Key
from coldtrail.services.eventbridge import EVENTBRIDGE
from coldtrail.services.kinesis import KINESIS
from coldtrail.services.lambda_ import LAMBDA
from coldtrail.services.service import KeyRule, Service
from coldtrail.services.sqs import SQS
from coldtrail.services.stepfunctions import STEP_FUNCTIONS

ALL_SERVICES: tuple[Service, ...] = (LAMBDA, SQS, KINESIS, EVENTBRIDGE, STEP_FUNCTIONS)

_SPAN_RULES = tuple(rule for service in ALL_SERVICES for rule in service.keys if rule.signal == "span")
_LOG_RULES = tuple(rule for service in ALL_SERVICES for rule in service.keys if rule.signal == "log")
_SPAN_NAMES = frozenset(rule.attribute for rule in _SPAN_RULES)
_LOG_NAMES = frozenset(rule.attribute for rule in _LOG_RULES)


def key_rules() -> tuple[KeyRule, ...]:
    """Every rule of every service."""
    return _SPAN_RULES + _LOG_RULES


def keys_of_span(span: Span) -> tuple[Key, ...]:
    """Return the keys that a span carries, by the rules of the services."""
    if _SPAN_NAMES.isdisjoint(span.attributes):
        return ()
    return _matching(_SPAN_RULES, span.attributes, span.kind, "")


def keys_of_log(log: Log) -> tuple[Key, ...]:
    """Return the keys that a log record carries, by the rules of the services."""
    if _LOG_NAMES.isdisjoint(log.attributes):
        return ()
    return _matching(_LOG_RULES, log.attributes, 0, log.event_name)


def _matching(rules: tuple[KeyRule, ...], attributes: Attributes, kind: int, event_name: str) -> tuple[Key, ...]:
    found = []
    for rule in rules:
        value = attributes.get(rule.attribute)
        if not isinstance(value, str) or not value:
            continue
        if rule.span_kinds and kind not in rule.span_kinds:
            continue
        if rule.event_prefix and not event_name.startswith(rule.event_prefix):
            continue
        if all(attributes.get(name) in values for name, values in rule.equals):
            found.append(Key(rule.kind, value, rule.role))
    return tuple(found)


__all__ = ["ALL_SERVICES", "KeyRule", "Service", "key_rules", "keys_of_log", "keys_of_span"]

"""Correlation ids by the name of their field: a default list, what the operator adds, and what is learned.

A correlation id is a value that a system's authors hand from step to step so that one request can be followed; here
it is told by its name. Sources: OpenTelemetry semantic conventions, "Messaging attributes"
(`messaging.message.conversation_id`); Powertools for AWS Lambda, "Logger" (`correlation_id`); Enterprise Integration
Patterns, "Correlation Identifier".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from msgspec import Struct

DEFAULT_CORRELATION_FIELDS: tuple[str, ...] = (
    "correlation_id",
    "correlationId",
    "correlationID",
    "CorrelationId",
    "correlation-id",
    "correlation.id",
    "x-correlation-id",
    "X-Correlation-Id",
    "x_correlation_id",
    "http.request.header.x-correlation-id",
    "http.request.header.x-request-id",
    "messaging.message.conversation_id",
    "conversation_id",
    "conversationId",
    "workflow_id",
    "workflowId",
    "saga_id",
    "sagaId",
    "business_transaction_id",
    "businessTransactionId",
    "idempotency_key",
    "idempotencyKey",
)
"""Fields that are correlation ids wherever they are seen: attributes, fields of JSON lines, of payloads, of baggage."""

MOST_VALUES = 20_000
"""Distinct values of one field that learning looks at."""

MIN_TRAILS = 5
MIN_CONFIDENCE = 0.5

SURE_TRAILS, SURE_CONFIDENCE, MOST_RECURRING = 20, 0.8, 0.01
"""From when on a field is used without being asked for: a wrong one would join strangers for good."""

_OF_MANY = re.compile(
    r"user|tenant|customer|client|account|member|owner|actor|session|device|visitor|mail|phone|address|host|agent|region"
    r"|zone|version|build|commit|release|date|time|stamp|partition|shard|bucket|table|queue|topic|stream|arn|url|uri"
    r"|path|file|thread|process|group|pool|shop|store|product|sku|price|amount|currency|locale|token|secret|password",
    re.IGNORECASE,
)
"""Words in names of what comes again: who acts, where, when and on what; and of what should not be looked into."""

_OWN = re.compile(
    r"^(?:aws\.|faas\.|cloud\.|telemetry\.|code\.|thread\.|http\.|url\.|server\.|client\.|network\.|net\.|rpc\.|db\."
    r"|messaging\.|exception\.|error\.|process\.|host\.|service\.|level$|timestamp$|message$|location$|function_"
    r"|trace_?id$|span_?id$|xray_trace_id$|coldtrail\.)",
    re.IGNORECASE,
)
"""Names of the conventions and of loggers: what they hold is known already."""


class LearnedField(Struct, frozen=True):
    """A field that behaves like a correlation id.

    ``confidence``: 0..1, the share of its trails in which it had a value that several services of this trail showed, and
    no other trail. ``trails``: how many trails it was seen in; ``values``: how many distinct values it had.
    ``recurring``: the share of its values that were seen in several trails.
    """

    name: str
    confidence: float
    trails: int
    values: int
    recurring: float = 0.0

    @property
    def sure(self) -> bool:
        """Whether it is safe to join by: seen often, hardly ever in two trails, and not named like what comes again."""
        return (
            self.trails >= SURE_TRAILS
            and self.confidence >= SURE_CONFIDENCE
            and self.recurring <= MOST_RECURRING
            and not _OF_MANY.search(self.name)
            and not re.search(r"[\s*]", self.name)
        )


_QUOTE = r'\\*"'

IN_WRAPPING = rf"(?:\{{(?:[^{{}}]*,)?\s*{_QUOTE}(?:stringValue|Value|S){_QUOTE}\s*:\s*)?"
"""RE2 for what may stand before the text of a message attribute (SQS, SNS) or of a DynamoDB attribute."""


def distinct_fields(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names once each, in order, without empty or absurd ones."""
    return tuple(dict.fromkeys(name.strip() for name in names if 0 < len(name.strip()) <= 128))


def text_pattern(fields: tuple[str, ...]) -> str:
    """Return RE2 for a field of one of these names with its text, in JSON of any nesting, also inside a JSON string.

    Group 1 is the text. It sees through the wrapping of message attributes (`{"stringValue": ...}`, `{"Value": ...}`)
    and of DynamoDB items (`{"S": ...}`).
    """
    names = "|".join(re.escape(name) for name in sorted(fields, key=len, reverse=True))
    return rf'{_QUOTE}(?:{names}){_QUOTE}\s*:\s*{IN_WRAPPING}{_QUOTE}([^"\\]+)\\*"'


def baggage_pattern(fields: tuple[str, ...]) -> str:
    """Return RE2 for a member of a W3C baggage header of one of these names; group 1 is its value."""
    names = "|".join(re.escape(name) for name in sorted(fields, key=len, reverse=True))
    return rf'(?:^|[,\s"\x00-\x1f])(?:{names})\s*=\s*([^,;\s"\\\x00-\x1f]+)'


def learn_correlation_fields(samples: Iterable[tuple[str, str, str, str]]) -> list[LearnedField]:
    """Return the fields whose values are seen in several services of the same trail, the surest first.

    ``samples``: (trail id, service, field name, value); the order does not matter, copies do no harm. Fields of
    different names may share a value (`orderId` here, `order_id` there): each of them is credited.
    """
    fields_of: dict[str, dict[tuple[str, str], set[str]]] = defaultdict(lambda: defaultdict(set))
    sizes: Counter[str] = Counter()
    for trail_id, service, name, value in samples:
        if not may_correlate(name, value) or sizes[name] >= MOST_VALUES:
            continue
        services = fields_of[value][trail_id, name]
        sizes[name] += not services
        services.add(service)
    return _judge(fields_of)


def may_correlate(name: str, value: str) -> bool:
    """Whether a field's value could be an id of its system's own: a text with a digit, not of the conventions."""
    return 6 <= len(value) <= 200 and any(char.isdigit() for char in value) and not _OWN.match(name)


def _judge(fields_of: dict[str, dict[tuple[str, str], set[str]]]) -> list[LearnedField]:
    trails: dict[str, set[str]] = defaultdict(set)
    going: dict[str, set[str]] = defaultdict(set)
    values: Counter[str] = Counter()
    recurring: Counter[str] = Counter()
    for seen in fields_of.values():
        services = set().union(*seen.values())
        alone = len({trail_id for trail_id, _ in seen}) == 1
        names = {name for _, name in seen}
        values.update(names)
        recurring.update(names if not alone else ())
        for trail_id, name in seen:
            trails[name].add(trail_id)
            if alone and len(services) > 1:
                going[name].add(trail_id)
    found = [
        LearnedField(name, len(going[name]) / len(seen_in), len(seen_in), values[name], recurring[name] / values[name])
        for name, seen_in in trails.items()
        if len(seen_in) >= MIN_TRAILS and len(going[name]) >= MIN_CONFIDENCE * len(seen_in)
    ]
    return sorted(found, key=lambda field: (-field.confidence, -field.trails, field.name))

"""The rules of `services/naming.py` as SQL: which resource a row of spans or logs speaks of, and what is done to it.

Short on purpose: the engine analyses a view's query at every load, so its length is what a load pays. The attributes
that matter are picked once, by name, and what follows looks into those few.
"""

from __future__ import annotations

from collections.abc import Iterable

from coldtrail.services.naming import (
    CARRIES,
    DATABASES,
    HOSTS,
    INVOKED,
    KINDS_OF_KEYS,
    LOG_NAMINGS,
    MESSAGE_KINDS,
    OPERATIONS,
    OPERATIONS_OF_HTTP,
    SPAN_NAMINGS,
    Naming,
    Resource,
    operation_of,
    resource_of,
)
from coldtrail.store.anyvalue import sql_text
from coldtrail.store.sql_words import array, listed, quoted

MOST_NAME_BYTES = 256
"""A longer name is cut: it is a key of roll-ups."""

SIZES = ("messaging.message.body.size", "messaging.message.envelope.size", "messaging.message.size")
BATCH, CONSUMED = "messaging.batch.message_count", "aws.dynamodb.consumed_capacity"
"""What a call is billed by."""

_ASKED_FOR_SPANS = tuple(
    dict.fromkeys(
        [
            *(rule.attribute for rule in SPAN_NAMINGS),
            *(rule.system for rule in SPAN_NAMINGS if rule.system),
            *(*SIZES, BATCH, CONSUMED),
            *(*DATABASES, *OPERATIONS, *OPERATIONS_OF_HTTP, *INVOKED, *HOSTS, "rpc.system", "rpc.service"),
        ]
    )
)

# ArrayValue (tag 0x2a) of AnyValue (0x0a) of string (0x0a), lengths of one byte each.
_FIRST_LISTED = "if(startsWith(raw, '*'), substring(raw, 7, reinterpretAsUInt8(substring(raw, 6, 1))), '')"


_HOST_OF_URL = r"://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/:?#]*)"
"""The engine's own `domain` knows only hosts with a dot, not `http://payments:8080`."""


def sql_picked(names: tuple[str, ...] = _ASKED_FOR_SPANS) -> str:
    """Return SQL for three columns: `ks`, the names of those attributes that matter, `rs` as they came, and `ts`, their texts."""
    kept = f"k IN ({listed(names)})"
    text = f"if(startsWith(raw, '\\n'), {sql_text('raw')}, {_FIRST_LISTED})"
    return (
        f"arrayFilter(k -> {kept}, mapKeys(attributes)) AS ks, "
        f"arrayFilter((v, k) -> {kept}, mapValues(attributes), mapKeys(attributes)) AS rs, arrayMap(raw -> {text}, rs) AS ts"
    )


def sql_told(*names: str, of: str = "ts") -> str:
    """Return SQL for the text (or ``of`` `rs`, what came) of the first picked attribute of these names, '' where there is none."""
    return f"arrayFirst((t, k) -> k IN ({listed(names)}), {of}, ks)"


_LAST = "splitByChar('/', replaceAll(one.2, ':', '/'))[-1]"
_WHOLE = "'eventbridge'"
"""A bus of a partner has slashes in its name."""


def sql_resources(rules: tuple[Naming, ...]) -> str:
    """Return SQL for all Tuples(kind, name) that a row's picked attributes name."""
    cases = [(f"{rule.attribute}={value}", rule.kind) for rule in rules for value in rule.systems or ("",)]
    systems = {rule.attribute: rule.system for rule in rules if rule.system}
    asked = "".join(f"k = {quoted(name)}, {sql_told(system)}, " for name, system in systems.items())
    system = f"multiIf({asked}'')" if asked else "''"
    kind = (
        f"transform(concat(k, '=', {system}), {array(key for key, _ in cases)}, {array(one for _, one in cases)}, '')"
    )
    known = f"arrayFilter(one -> one.1 != '', arrayMap((k, t) -> ({kind}, t), ks, ts))"
    name = f"substring(if(one.1 = {_WHOLE}, one.2, {_LAST}), 1, {MOST_NAME_BYTES})"
    return f"arrayFilter(one -> one.2 != '', arrayMap(one -> (one.1, {name}), {known}))"


def sql_outside_told() -> str:
    """Return SQL for the columns that `sql_outside` decides by."""
    return (
        f"{sql_told(*HOSTS)} AS host, {sql_told(*INVOKED)} AS invoked, {sql_told(*DATABASES)} AS database, "
        f"{sql_told('messaging.destination.name')} AS destination, {sql_told('rpc.system')} AS rpc, "
        f"{sql_told('rpc.service')} AS api"
    )


def sql_outside() -> str:
    """Return SQL for the Tuple(kind, name) of what a client span calls that is no resource of ours.

    Kinds: `lambda` (a function), `database`, `messaging`, `aws` (an API of AWS), `external` (a host).
    """
    return (
        "multiIf(invoked != '', ('lambda', replaceRegexpOne(invoked, '^.*:function:([^:]+).*$', '\\\\1')), "
        "database != '', ('database', if(host = '', database, cutToHost)), "
        "destination != '', ('messaging', destination), rpc = 'aws-api', ('aws', api), ('external', cutToHost))"
    ).replace("cutToHost", f"if(position(host, '://') > 0, extract(host, {quoted(_HOST_OF_URL)}), host)")


def sql_has_any(names: Iterable[str], attributes: str = "attributes") -> str:
    """Return SQL that is true where a row has an attribute of one of the names; a fifth of what `hasAny` takes."""
    return f"arrayExists(k -> k IN ({listed(names)}), mapKeys({attributes}))"


def sql_names_any(rules: tuple[Naming, ...]) -> str:
    """Return SQL that is true where a row has one of the naming attributes at all; reads the names alone."""
    return sql_has_any(sorted({rule.attribute for rule in rules}))


def sql_operation() -> str:
    """Return SQL for two columns: `done` (as `operation_of`) and `method` (HTTP's)."""
    return f"splitByChar('/', {sql_told(*OPERATIONS)})[-1] AS done, {sql_told(*OPERATIONS_OF_HTTP)} AS method"


__all__ = [
    "BATCH",
    "CARRIES",
    "CONSUMED",
    "KINDS_OF_KEYS",
    "LOG_NAMINGS",
    "MESSAGE_KINDS",
    "SIZES",
    "SPAN_NAMINGS",
    "Resource",
    "operation_of",
    "resource_of",
    "sql_has_any",
    "sql_names_any",
    "sql_operation",
    "sql_outside",
    "sql_outside_told",
    "sql_picked",
    "sql_resources",
    "sql_told",
]

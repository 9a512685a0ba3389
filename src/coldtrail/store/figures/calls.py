"""Figures of a table, bucket or stream from the spans of those who call it.

Sources: Amazon DynamoDB Developer Guide ("Error handling with DynamoDB"), Amazon S3 API reference ("Error responses"),
Amazon Kinesis API reference ("PutRecords"), OpenTelemetry semantic conventions ("DynamoDB": `aws.dynamodb.consumed_capacity`
is a list of JSON objects).
"""

from __future__ import annotations

from typing import Any

from coldtrail.store.anyvalue import sql_number, sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.figures.steps import Figures, Steps, columns, in_range, step_of
from coldtrail.store.resource_names import SPAN_NAMINGS, Resource
from coldtrail.store.sql_words import array, listed

THROTTLES = (
    "ProvisionedThroughputExceeded",
    "Throttl",
    "TooManyRequests",
    "RequestLimitExceeded",
    "SlowDown",
    "LimitExceededException",
)
_CONDITIONS = ("ConditionalCheckFailed", "TransactionConflict")
_READS = ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems", "ExecuteStatement")

_TYPE = sql_text("attributes['error.type']")
_SAID = f"concat({_TYPE}, ' ', status_message, ' ', arrayStringConcat(events, ' '))"
THROTTLED = f"(mapContains(attributes, 'aws.xray.throttle') OR multiSearchAny({_SAID}, {array(THROTTLES)}))"
"""SQL that is true where a failed span says that a limit refused it: in its error type, message or exception."""

CODES = ("http.response.status_code", "http.status_code", "aws.xray.http.response.status")
_TOLD_CODES = ", ".join(sql_number(f"attributes['{name}']") for name in CODES)
CODE = f"toUInt16(ifNull(coalesce({_TOLD_CODES}), 0))"
"""SQL for the HTTP status of a span or line, 0 where it is not told."""

_CALLS = """
SELECT toString(name) AS called, intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {since:Int64}, {step:Int64}) AS step,
  sum(c.count) AS n,
  quantilesTDigestMerge(0.5, 0.95, 0.99)(durations_ms)[2]
FROM calls AS c
WHERE minute >= toStartOfMinute(fromUnixTimestamp64Nano({since:Int64})) AND minute < fromUnixTimestamp64Nano({until:Int64})
  AND kind = {kind:String} AND name IN {names:Array(String)} AND taking = 0
GROUP BY called, step HAVING n > 0 ORDER BY step
"""

_CALLED = """
SELECT DISTINCT intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {since:Int64}, {step:Int64}) AS step FROM calls
WHERE minute >= toStartOfMinute(fromUnixTimestamp64Nano({since:Int64})) AND minute < fromUnixTimestamp64Nano({until:Int64})
  AND kind = {kind:String} AND name = {name:String} AND taking = 0 AND count > 0
"""

# What failed is a small part: only those rows' attributes are read.
_FAILURES = """
SELECT {step}, countIf({throttled}),
  countIf(code BETWEEN 400 AND 499 AND NOT {throttled} AND NOT multiSearchAny({said}, {conditions})), countIf(code >= 500)
FROM (SELECT start, status_message, attributes, events, {code} AS code FROM spans
  PREWHERE status_code = 2 WHERE {range} AND kind NOT IN (2, 5) AND {named})
GROUP BY 1 ORDER BY 1
"""

_CAPACITY = """
SELECT toString(name) AS called, intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {since:Int64}, {step:Int64}) AS step,
  if(sumIf(u.known, operation IN READS) = 0, NULL, sumIf(u.units, operation IN READS)),
  if(sumIf(u.known, operation NOT IN READS) = 0, NULL, sumIf(u.units, operation NOT IN READS))
FROM usage AS u
WHERE minute >= toStartOfMinute(fromUnixTimestamp64Nano({since:Int64})) AND minute < fromUnixTimestamp64Nano({until:Int64})
  AND kind = 'dynamodb' AND name IN {names:Array(String)}
GROUP BY called, step ORDER BY step
""".replace("READS", f"({listed(_READS)})")
_FAILED_WAYS = ("failures.throttled", "failures.client_errors", "failures.server_errors")


def sql_named(kind: str) -> str:
    """Return SQL that is true where a span names the resource of that kind whose name is bound as ``name``."""
    cases = []
    for rule in SPAN_NAMINGS:
        if rule.kind == kind:
            raw = f"attributes['{rule.attribute}']"
            text = sql_text(raw)
            last = text if rule.form == "whole" else f"arrayElement(splitByRegexp('[/:]', {text}), -1)"
            named = f"{last} = {{name:String}}"
            if rule.form == "listed":
                # Each element of the list is its own string value: tag, length, text.
                named = f"position({raw}, concat(char(10, length({{name:String}})), {{name:String}})) > 0"
            system = sql_text(f"attributes['{rule.system}']")
            narrowed = f" AND {system} IN ({listed(rule.systems)})" if rule.system else ""
            cases.append(f"(mapContains(attributes, '{rule.attribute}') AND {named}{narrowed})")
    return f"({' OR '.join(cases) or '0'})"


def figures_of_calls(engine: Engine, resource: Resource, steps: Steps) -> Figures:
    """Return the figures of the calls to a resource; steps are whole minutes. Reads the roll-ups of calls and of usage."""
    return calls_of_many(engine, resource.kind, [resource.name], steps)[resource.name]


def calls_of_many(engine: Engine, kind: str, names: list[str], steps: Steps) -> dict[str, Figures]:
    """Return the figures of the calls to some resources of one kind, by name."""
    parameters = steps.parameters(names=names, kind=kind)
    figures = _by_name(engine, _CALLS, parameters, ("calls.count", "calls.p95"))
    capacity = ("calls.read_units", "calls.write_units")
    used = _by_name(engine, _CAPACITY, parameters, capacity) if kind == "dynamodb" else {}
    return {name: figures.get(name, {}) | used.get(name, {}) for name in names}


def _by_name(engine: Engine, query: str, parameters: dict[str, Any], ways: tuple[str, ...]) -> dict[str, Figures]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name, *row in engine.rows(query, parameters):
        found.setdefault(name, []).append(tuple(row))
    return {name: columns(rows, ways) for name, rows in found.items()}


def figures_of_failures(engine: Engine, resource: Resource, steps: Steps) -> Figures:
    """Return how the calls to a resource failed; reads the attributes of the range's spans that failed.

    Where it was called and no failure of a kind was told, that is 0.
    """
    parameters = steps.parameters(name=resource.name, kind=resource.kind)
    query = _FAILURES.format(
        step=step_of("start"),
        throttled=THROTTLED,
        said=_SAID,
        conditions=array(_CONDITIONS),
        code=CODE,
        range=in_range("start"),
        named=sql_named(resource.kind),
    )
    failed = columns(engine.rows(query, parameters), _FAILED_WAYS)
    counted = steps.of(steps.counted_ns) if steps.counted_ns else 0
    calls = engine.rows(_CALLED, parameters)
    none = {int(step): 0.0 for (step,) in calls if step >= counted}
    return {way: none | failed.get(way, {}) for way in _FAILED_WAYS} if none or failed else {}

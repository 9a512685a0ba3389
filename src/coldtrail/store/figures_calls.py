"""Figures of a table, bucket or stream from the spans of those who call it.

Sources: Amazon DynamoDB Developer Guide ("Error handling with DynamoDB"), Amazon S3 API reference ("Error responses"),
Amazon Kinesis API reference ("PutRecords"), OpenTelemetry semantic conventions ("DynamoDB": `aws.dynamodb.consumed_capacity`
is a list of JSON objects).
"""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_number, sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.figures import Figures, Steps, columns, in_range, step_of
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

_OPERATIONS = [
    sql_text(f"attributes['{name}']") for name in ("rpc.method", "db.operation.name", "aws.xray.aws.operation")
]
_TOLD_OPERATIONS = ", ".join(f"nullIf({one}, '')" for one in _OPERATIONS)
_OPERATION = f"arrayElement(splitByChar('/', coalesce({_TOLD_OPERATIONS}, toString(name))), -1)"
_UNITS = "toFloat64OrNull(extract(attributes['aws.dynamodb.consumed_capacity'], '\"CapacityUnits\": ?([0-9.]+)'))"

_FIGURES = """
SELECT {step}, count(), countIf(status_code = 2 AND {throttled}),
  countIf(code BETWEEN 400 AND 499 AND NOT {throttled} AND NOT multiSearchAny({said}, {conditions})),
  countIf(code >= 500), quantileTDigest(0.95)(duration_ns / 1e6),
  if(countIf(reads AND isNotNull(units)) = 0, NULL, sumIf(units, reads AND isNotNull(units))),
  if(countIf(NOT reads AND isNotNull(units)) = 0, NULL, sumIf(units, NOT reads AND isNotNull(units)))
FROM (SELECT *, {code} AS code, {units} AS units, {operation} IN ({read}) AS reads FROM spans
  WHERE {range} AND kind NOT IN (2, 5) AND {named})
GROUP BY 1 ORDER BY 1
"""
_WAYS = ("count", "throttled", "client_errors", "server_errors", "p95", "read_units", "write_units")


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
    """Return the figures of the calls to a resource; reads the attributes of the range's spans once."""
    query = _FIGURES.format(
        step=step_of("start"),
        throttled=THROTTLED,
        said=_SAID,
        conditions=array(_CONDITIONS),
        code=CODE,
        units=_UNITS,
        operation=_OPERATION,
        read=listed(_READS),
        range=in_range("start"),
        named=sql_named(resource.kind),
    )
    rows = engine.rows(query, steps.parameters(name=resource.name))
    return columns(rows, tuple(f"calls.{way}" for way in _WAYS))

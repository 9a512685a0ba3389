"""The services' key rules as SQL: materialized views that fill `keys` while a segment is loaded."""

from __future__ import annotations

from coldtrail.services import KeyRule, key_rules
from coldtrail.store.anyvalue import sql_text

_HASH = "xxHash64(concat(key.1, '\\0', key.2))"


def quoted(text: str) -> str:
    """Return ``text`` as an SQL string literal; for our own constants, never for telemetry."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _condition(rule: KeyRule) -> str:
    parts = [f"mapContains(attributes, {quoted(rule.attribute)})"]
    if rule.span_kinds:
        parts.append(f"kind IN ({', '.join(str(int(kind)) for kind in rule.span_kinds)})")
    if rule.event_prefix:
        parts.append(f"startsWith(event_name, {quoted(rule.event_prefix)})")
    for attribute, values in rule.equals:
        listed = ", ".join(quoted(value) for value in values)
        parts.append(f"{sql_text(f'attributes[{quoted(attribute)}]')} IN ({listed})")
    return " AND ".join(parts)


def _extracted(rule: KeyRule) -> str:
    value = sql_text(f"attributes[{quoted(rule.attribute)}]")
    return f"if({_condition(rule)}, [({quoted(rule.kind)}, {value}, {quoted(rule.role)})], [])"


def _keys(rules: list[KeyRule]) -> str:
    empty = "[]::Array(Tuple(String, String, String))"
    return f"arrayConcat({empty}, {', '.join(_extracted(rule) for rule in rules)})"


def _any_of(rules: list[KeyRule]) -> str:
    names = ", ".join(quoted(name) for name in sorted({rule.attribute for rule in rules}))
    return f"arrayExists(name -> name IN ({names}), mapKeys(attributes))"


def keys_from_spans() -> str:
    """The view from `spans` to `keys`; links of a span are keys too (it takes the span it links to)."""
    rules = [rule for rule in key_rules() if rule.signal == "span"]
    link = "('trace_id', lower(hex(substring(link, 3, 16))), 'takes')"
    links = f"arrayMap(link -> {link}, arrayFilter(link -> startsWith(link, '\\n\\x10'), links))"
    return f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS keys_from_spans TO keys AS
SELECT {_HASH} AS key_hash, key.1 AS kind, key.2 AS value, key.3 AS role, start AS time, service, trace_id, span_id,
  request_id, received
FROM (
  SELECT start, service, trace_id, span_id, received,
    if(kind IN (2, 5), {sql_text("attributes['faas.invocation_id']")}, '') AS request_id,
    arrayJoin(arrayConcat({_keys(rules)}, {links})) AS key
  FROM spans
  WHERE notEmpty(links) OR {_any_of(rules)}
)
WHERE value != ''
"""


def keys_from_logs() -> str:
    """The view from `logs` to `keys`."""
    rules = [rule for rule in key_rules() if rule.signal == "log"]
    return f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS keys_from_logs TO keys AS
SELECT {_HASH} AS key_hash, key.1 AS kind, key.2 AS value, key.3 AS role, time, service, trace_id, span_id,
  request_id, received
FROM (
  SELECT time, service, trace_id, span_id, request_id, received, arrayJoin({_keys(rules)}) AS key
  FROM logs
  WHERE {_any_of(rules)}
)
WHERE value != ''
"""

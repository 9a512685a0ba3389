"""The services' rules as SQL: materialized views that fill `keys` while a segment is loaded.

Most spans carry no key: one look at the names of a span's attributes decides. Only from the others are the attributes
picked that rules speak of, once. The rules stand in the view as constants that are looked up by name, not as code: the
engine analyses a view's query at every load, so its length is what a load pays, however little it brings.
"""

from __future__ import annotations

import hashlib

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from coldtrail.services import KeyRule, Rulebook, rulebook
from coldtrail.services.correlation import baggage_pattern
from coldtrail.services.propagation import GIVING_SPAN_KINDS, HEADER_SPAN_KINDS, TRACE_ID
from coldtrail.services.rulebook import BAGGAGE, EVENT, HEADER, MOST_LISTED, MOST_VALUE_BYTES, Plan, Plans
from coldtrail.services.service import Condition
from coldtrail.store.anyvalue import sql_text
from coldtrail.store.keys.envelopes import keys_of_event
from coldtrail.store.sql_words import array, listed, quoted

_HASH = "xxHash64(concat(key.1, '\\0', key.2))"
_ANY_SPAN_KIND = 0xFF
_NO_RULES = "[]::Array(Tuple(String, String, UInt8, UInt16))"


def keys_from_spans(book: Rulebook | None = None) -> str:
    """Create the view from `spans` to `keys`; links of a span are keys too (it takes the span it links to)."""
    return _create("spans", select_from_spans(book or rulebook()))


def keys_from_logs(book: Rulebook | None = None) -> str:
    """Create the view from `logs` to `keys`."""
    return _create("logs", select_from_logs(book or rulebook()))


def _create(table: str, select: str) -> str:
    return f"CREATE MATERIALIZED VIEW IF NOT EXISTS keys_from_{table} TO keys AS\n{select}\nCOMMENT {quoted(mark(select))}"


def mark(select: str) -> str:
    """Return the comment that says which rules a view was given."""
    return f"rules {hashlib.sha256(select.encode()).hexdigest()[:16]}"


def select_from_spans(book: Rulebook) -> str:
    """Return the query of the view from `spans`."""
    link = "('trace_id', lower(hex(substring(link, 3, 16))), 'takes')"
    links = f"arrayMap(link -> {link}, arrayFilter(link -> startsWith(link, '\\n\\x10'), links))"
    request = f"if(kind IN (2, 5), {_text_of('faas.invocation_id')}, '')"
    columns = f"start AS time, {request} AS request, kind AS span_kind, '' AS event, {links} AS more"
    return _select("spans", "span", columns, "notEmpty(links) OR ", book)


def select_from_logs(book: Rulebook) -> str:
    """Return the query of the view from `logs`."""
    columns = "time, request_id AS request, toUInt8(0) AS span_kind, toString(event_name) AS event, [] AS more"
    return _select("logs", "log", columns, "", book)


def _select(table: str, signal: str, columns: str, also: str, book: Rulebook) -> str:
    rules = [rule for rule in book.rules if rule.signal == signal]
    plans = Plans(rules)
    asked = _conditions(rules)
    table_of_plans, numbers = _plans(plans, asked)
    exact = [name for name in plans.names if not name.startswith("*.")]
    ends = [name[2:] for name in plans.names if name.startswith("*.")]
    number = f"transform(toString(name), {array(exact)}, {[numbers[name] for name in exact]}, 0)"
    if ends:
        by_end = f"transform({_LAST}, {array(ends)}, {[numbers[f'*.{name}'] for name in ends]}, 0)"
        number = f"arrayFirst(number -> number > 0, [{number}, {by_end}])"
    return f"""
SELECT {_HASH} AS key_hash, key.1 AS kind, key.2 AS value, key.3 AS role, time, service, trace_id, span_id,
  request AS request_id, received
FROM (
  SELECT time, service, trace_id, span_id, request, received,
    arrayJoin(arrayDistinct(arrayConcat(more, {_of_plans(book)}, {_of_two(rules)}))) AS key
  FROM (
    SELECT {columns}, service, trace_id, span_id, received, attributes, {_tests(asked)} AS told,
      {_named(exact, ends)} AS names, arrayMap(name -> {table_of_plans}[{number}], names) AS plans,
      arrayMap((name, plan) -> {_texts()}, names, plans) AS texts
    FROM {table} WHERE {also}notEmpty(names)
  )
)
WHERE value != '' AND length(value) <= {MOST_VALUE_BYTES}
"""


def _text_of(name: str) -> str:
    return sql_text(f"attributes[{quoted(name)}]")


def _raw(text: str) -> str:
    """A text as the raw AnyValue that it is stored as; a comparison of these needs no decoding."""
    raw = AnyValue(string_value=text).SerializeToString().decode()
    return (
        "'" + "".join(char if char.isprintable() and char not in "'\\" else f"\\x{ord(char):02x}" for char in raw) + "'"
    )


_LAST = "substring(name, length(name) - position(reverse(name), '.') + 2)"
"""The part of an attribute's name behind its last dot."""


def _named(exact: list[str], ends: list[str]) -> str:
    """SQL for the names of those attributes that some rule speaks of."""
    by_end = f" OR position(name, '.') > 0 AND {_LAST} IN ({listed(ends)})" if ends else ""
    return f"arrayFilter(name -> name IN ({listed(exact)}){by_end}, mapKeys(attributes))"


def _conditions(rules: list[KeyRule]) -> list[Condition | str]:
    """What rules ask besides a name: conditions on other attributes, and how a record's event name begins."""
    asked: dict[Condition | str, None] = dict.fromkeys(one for rule in rules for one in rule.when)
    return [*asked, *dict.fromkeys(rule.event_prefix for rule in rules if rule.event_prefix)]


def _tests(conditions: list[Condition | str]) -> str:
    """SQL for a number with one bit for each condition that holds."""
    bits = []
    for number, asked in enumerate(conditions):
        if isinstance(asked, str):
            test = f"startsWith(event, {quoted(asked)})"
        else:
            values = ", ".join(_raw(value) for value in asked.values)
            test = f"hasAny([{', '.join(f'attributes[{quoted(name)}]' for name in asked.attributes)}], [{values}])"
            test = f"NOT {test}" if asked.negated else test
        bits.append(f"bitShiftLeft(toUInt64({test}), {number})")
    return " + ".join(bits) or "toUInt64(0)"


def _plans(plans: Plans, asked: list[Condition | str]) -> tuple[str, dict[str, int]]:
    """SQL for all plans as (rules, place, element), and the number that each name has among them.

    A rule is (kind, role, bits of the span kinds, bits of the conditions).
    """
    found: dict[str, int] = {}
    numbers = {}
    for name in plans.names:
        plan = plans.of(name) or Plan(())
        rules = ", ".join(_rule(rule, asked) for rule in plan.rules if not rule.under)
        element = next((rule.element for rule in plan.rules if rule.element), "")
        text = f"({f'[{rules}]' if rules else _NO_RULES}, {plan.place}, {quoted(element)})"
        numbers[name] = found.setdefault(text, len(found) + 1)
    return f"[{', '.join(found)}]", numbers


def _rule(rule: KeyRule, asked: list[Condition | str]) -> str:
    kinds = sum(1 << kind for kind in rule.span_kinds) if rule.span_kinds else _ANY_SPAN_KIND
    prefixes = (rule.event_prefix,) if rule.event_prefix else ()
    need = sum(1 << number for number, one in enumerate(asked) if one in (*rule.when, *prefixes))
    return f"({quoted(rule.kind)}, {quoted(rule.role)}, {kinds}, {need})"


def _texts() -> str:
    """SQL for the texts of an attribute: a text, the texts of a JSON list, or those of an array of short ones."""
    # In an array each text stands behind its length, which is a printable character from 32 bytes on.
    runs = r"extractAll(substring(raw, 3), '[\\x20-\\x7e]{2,}')"
    behind = "if(reinterpretAsUInt8(substring(run, 1, 1)) + 1 = length(run), substring(run, 2), run)"
    ones = "arrayMap(one -> if(plan.3 = '', one, JSONExtractRaw(one, plan.3)), JSONExtractArrayRaw(text))"
    inner = f"arrayMap(one -> JSONExtractString(one), arrayFilter(one -> startsWith(one, '\"'), {ones}))"
    of_list = f"startsWith(text, '[') AND plan.2 != {EVENT}"
    of_text = f"arrayMap(text -> multiIf({of_list}, {inner}, plan.3 != '', [], [text]), [{sql_text('raw')}])[1]"
    texts = f"if(startsWith(raw, '*'), arrayMap(run -> {behind}, {runs}), {of_text})"
    return f"arrayMap(raw -> arraySlice({texts}, 1, {MOST_LISTED}), [attributes[name]])[1]"


def _of_plans(book: Rulebook) -> str:
    """SQL for the keys that the picked attributes give: by rules, and those found inside headers, baggage and events."""
    holds = "bitTest(rule.3, span_kind) AND bitAnd(told, rule.4) = rule.4"
    by_rule = (
        f"arrayMap(rule -> arrayMap(text -> (rule.1, text, rule.2), of_one), arrayFilter(rule -> {holds}, plan.1))"
    )
    kinds = ", ".join(str(kind) for kind in HEADER_SPAN_KINDS)
    plain = "lower(replaceRegexpOne(replaceRegexpOne(id, '^1-', ''), '-', ''))"
    of_header = f"arrayMap(id -> ('trace_id', {plain}, 'takes'), extractAll(text, {quoted(TRACE_ID)}))"
    others = f"arrayFilter(id -> {plain} != lower(hex(trace_id)), extractAll(text, {quoted(TRACE_ID)}))"
    sent = f"arrayMap(id -> ('trace_id', {plain}, 'gives'), {others})"
    senders = ", ".join(str(kind) for kind in GIVING_SPAN_KINDS)
    members = f"extractAll(text, {quoted(baggage_pattern(book.correlation_fields))})"
    of_baggage = f"arrayMap(value -> ('correlation_id', value, 'mentions'), {members})"
    inside = (
        f"multiIf(plan.2 = {HEADER} AND span_kind IN ({kinds}), {of_header}, "
        f"plan.2 = {HEADER} AND span_kind IN ({senders}), {sent}, plan.2 = {BAGGAGE}, {of_baggage}, "
        f"plan.2 = {EVENT}, {keys_of_event(book)}, [])"
    )
    each = f"arrayFlatten(arrayConcat({by_rule}, arrayMap(text -> {inside}, if(plan.2 = 0, [], of_one))))"
    return f"arrayFlatten(arrayMap((plan, of_one) -> {each}, plans, texts))"


def _of_two(rules: list[KeyRule]) -> str:
    """SQL for the keys of rules that join two attributes."""
    pairs = [
        f"({quoted(rule.kind)}, {quoted(rule.under)}, {quoted(rule.attribute)}, {quoted(rule.role)})"
        for rule in rules
        if rule.under
    ]
    if not pairs:
        return "[]"
    both = f"arrayMap(raw -> {sql_text('raw')}, [attributes[pair.2], attributes[pair.3]])"
    told = f"arrayFilter(pair -> mapContains(attributes, pair.2) AND mapContains(attributes, pair.3), [{', '.join(pairs)}])"
    value = f"arrayMap(both -> if(has(both, ''), '', arrayStringConcat(both, '/')), [{both}])[1]"
    return f"arrayMap(pair -> (pair.1, {value}, pair.4), {told})"

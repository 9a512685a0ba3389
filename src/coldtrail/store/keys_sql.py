"""The services' rules as SQL: materialized views that fill `keys` while a segment is loaded.

Most spans carry no key: one look at the names of a span's attributes decides. Only from the others are the attributes
picked that rules speak of, once. The rules stand in the view as constants that are looked up by name, not as code: the
engine analyses a view's query at every load, so its length is what a load pays, however little it brings.
"""

from __future__ import annotations

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from coldtrail.services import KeyRule, Rulebook, rulebook
from coldtrail.services.correlation import baggage_pattern
from coldtrail.services.envelopes import EVENT_ATTRIBUTES
from coldtrail.services.propagation import BAGGAGE_NAMES, HEADER_ATTRIBUTES, HEADER_SPAN_KINDS, TRACE_ID
from coldtrail.services.rulebook import MOST_LISTED, MOST_VALUE_BYTES
from coldtrail.services.service import Condition
from coldtrail.store.anyvalue import sql_text
from coldtrail.store.envelopes_sql import keys_of_event
from coldtrail.store.sql_words import array, listed, quoted

_HASH = "xxHash64(concat(key.1, '\\0', key.2))"
_ANY_SPAN_KIND = 0xFF


def keys_from_spans(book: Rulebook | None = None) -> str:
    """Create the view from `spans` to `keys`; links of a span are keys too (it takes the span it links to)."""
    return _create("spans", select_from_spans(book or rulebook()))


def keys_from_logs(book: Rulebook | None = None) -> str:
    """Create the view from `logs` to `keys`."""
    return _create("logs", select_from_logs(book or rulebook()))


def _create(table: str, select: str) -> str:
    return f"CREATE MATERIALIZED VIEW IF NOT EXISTS keys_from_{table} TO keys AS\n{select}"


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
    keys = f"arrayConcat(more, {_of_names(rules)}, {_of_texts(book)}, {_of_two(rules)})"
    return f"""
SELECT {_HASH} AS key_hash, key.1 AS kind, key.2 AS value, key.3 AS role, time, service, trace_id, span_id,
  request AS request_id, received
FROM (
  SELECT time, service, trace_id, span_id, request, received, arrayJoin(arrayDistinct({keys})) AS key
  FROM (
    SELECT {columns}, service, trace_id, span_id, received, attributes, {_names(rules)} AS names, {_tests(rules)} AS told,
      arrayMap(name -> {_texts(rules)}, names) AS texts
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


def _names(rules: list[KeyRule]) -> str:
    """SQL for the names of those attributes that some rule speaks of."""
    names = {rule.attribute for rule in rules} | {*EVENT_ATTRIBUTES, *HEADER_ATTRIBUTES, *BAGGAGE_NAMES}
    exact = f"name IN ({listed(sorted(name for name in names if not name.startswith('*.')))})"
    ends = sorted(name[2:] for name in names if name.startswith("*."))
    by_end = f" OR position(name, '.') > 0 AND {_LAST} IN ({listed(ends)})" if ends else ""
    return f"arrayFilter(name -> {exact}{by_end}, mapKeys(attributes))"


def _conditions(rules: list[KeyRule]) -> list[Condition | str]:
    """What rules ask besides a name: conditions on other attributes, and how a record's event name begins."""
    asked: dict[Condition | str, None] = dict.fromkeys(one for rule in rules for one in rule.when)
    return [*asked, *dict.fromkeys(rule.event_prefix for rule in rules if rule.event_prefix)]


def _tests(rules: list[KeyRule]) -> str:
    """SQL for a number with one bit for each condition that holds."""
    bits = []
    for number, asked in enumerate(_conditions(rules)):
        if isinstance(asked, str):
            test = f"startsWith(event, {quoted(asked)})"
        else:
            values = ", ".join(_raw(value) for value in asked.values)
            test = f"hasAny([{', '.join(f'attributes[{quoted(name)}]' for name in asked.attributes)}], [{values}])"
            test = f"NOT {test}" if asked.negated else test
        bits.append(f"bitShiftLeft(toUInt64({test}), {number})")
    return " + ".join(bits) or "toUInt64(0)"


def _texts(rules: list[KeyRule]) -> str:
    """SQL for the texts of an attribute: a text, the texts of a JSON list, or those of an array of short ones."""
    # In an array each text stands behind its length, which is a printable character from 32 bytes on.
    runs = r"extractAll(substring(raw, 3), '[\\x20-\\x7e]{2,}')"
    behind = "if(reinterpretAsUInt8(substring(run, 1, 1)) + 1 = length(run), substring(run, 2), run)"
    elements = {rule.attribute: rule.element for rule in rules if rule.element}
    element = f"transform(toString(name), {array(elements)}, {array(elements.values())}, '')" if elements else "''"
    ones = "arrayMap(one -> if(element = '', one, JSONExtractRaw(one, element)), JSONExtractArrayRaw(text))"
    inner = f"arrayMap(one -> JSONExtractString(one), arrayFilter(one -> startsWith(one, '\"'), {ones}))"
    is_list = f"startsWith(text, '[') AND name NOT IN ({listed(EVENT_ATTRIBUTES)})"
    of_text = f"arrayMap((text, element) -> multiIf({is_list}, {inner}, element != '', [], [text]), [{sql_text('raw')}], [{element}])[1]"
    texts = f"if(startsWith(raw, '*'), arrayMap(run -> {behind}, {runs}), {of_text})"
    return f"arrayMap(raw -> arraySlice({texts}, 1, {MOST_LISTED}), [attributes[name]])[1]"


def _of_names(rules: list[KeyRule]) -> str:
    """SQL for the keys of the attributes; each rule is (kind, role, bits of span kinds, bits of conditions)."""
    asked = _conditions(rules)
    by_name: dict[str, list[str]] = {}
    for rule in rules:
        if rule.under:
            continue
        kinds = sum(1 << kind for kind in rule.span_kinds) if rule.span_kinds else _ANY_SPAN_KIND
        prefixes = (rule.event_prefix,) if rule.event_prefix else ()
        need = sum(1 << number for number, one in enumerate(asked) if one in (*rule.when, *prefixes))
        by_name.setdefault(rule.attribute, []).append(f"({quoted(rule.kind)}, {quoted(rule.role)}, {kinds}, {need})")
    distinct = list(dict.fromkeys(f"[{', '.join(found)}]" for found in by_name.values()))
    numbers = {name: distinct.index(f"[{', '.join(found)}]") + 1 for name, found in by_name.items()}
    exact = {name: number for name, number in numbers.items() if not name.startswith("*.")}
    ends = {name[2:]: number for name, number in numbers.items() if name.startswith("*.")}
    of_name = f"[transform(toString(name), {array(exact)}, {list(exact.values())}, 0)"
    if ends:
        of_name += f", if(position(name, '.') = 0, 0, transform({_LAST}, {array(ends)}, {list(ends.values())}, 0))"
    holds = "bitTest(rule.3, span_kind) AND bitAnd(told, rule.4) = rule.4"
    found = (
        f"arrayFilter(rule -> {holds}, arrayFlatten(arrayMap(number -> [{', '.join(distinct)}][number], {of_name}])))"
    )
    keys = f"arrayMap(rule -> arrayMap(text -> (rule.1, text, rule.2), of_one), {found})"
    return f"arrayFlatten(arrayMap((name, of_one) -> {keys}, names, texts))"


def _of_texts(book: Rulebook) -> str:
    """SQL for the keys that are found inside texts: trace headers, baggage, events."""
    kinds = ", ".join(str(kind) for kind in HEADER_SPAN_KINDS)
    plain = "lower(replaceRegexpOne(replaceRegexpOne(id, '^1-', ''), '-', ''))"
    of_header = f"arrayMap(id -> ('trace_id', {plain}, 'takes'), extractAll(text, {quoted(TRACE_ID)}))"
    members = f"extractAll(text, {quoted(baggage_pattern(book.correlation_fields))})"
    of_baggage = f"arrayMap(value -> ('correlation_id', value, 'mentions'), {members})"
    places = ((HEADER_ATTRIBUTES, 1), (BAGGAGE_NAMES, 2), (EVENT_ATTRIBUTES, 3))
    numbers = {name: number for names, number in places for name in names}
    place = f"transform(toString(name), {array(numbers)}, {list(numbers.values())}, 0)"
    found = f"multiIf(place = 1 AND span_kind IN ({kinds}), {of_header}, place = 2, {of_baggage}, place = 3, {keys_of_event(book)}, [])"
    each = f"arrayFlatten(arrayMap(place -> arrayMap(text -> {found}, of_one), [{place}]))"
    return f"arrayFlatten(arrayMap((name, of_one) -> {each}, names, texts))"


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

"""Events that functions were handed, in SQL: the identities that stand in the fields which the envelopes name.

The engine looks for the fields by name, at any depth and inside JSON in JSON, where Python asks the whole envelope:
so `keys` may list a carrier too many, of which the trail then makes nothing, but never lacks one. That takes a fifth
of the time that parsing three levels of JSON would take, at every load.
"""

from __future__ import annotations

import re

from coldtrail.services import Rulebook
from coldtrail.services.correlation import IN_WRAPPING, text_pattern
from coldtrail.services.envelopes import MOST_EVENT_BYTES
from coldtrail.services.propagation import TRACE_ID_IN_TEXT
from coldtrail.services.service import Field
from coldtrail.store.sql_words import array, quoted

MOST_KEYS = 30_000
"""Keys of one event; a batch has 10,000 records at most (AWS Lambda Developer Guide, "Event source mapping")."""

_VALUE = r'[^"\\]+'
_NAME = r"^[\w-]+"
_END = r'[^"\\]*$'


def keys_of_event(book: Rulebook) -> str:
    """Return SQL for the keys in the expression ``text``, if it is an event."""
    is_event = f"(startsWith(text, '{{') OR startsWith(text, '[')) AND length(text) <= {MOST_EVENT_BYTES}"
    keys = f"arrayConcat({_by_field(book)}, {_by_two_fields(book)}, {_by_shape(book)})"
    found = f"arrayFlatten(arrayMap(text -> {keys}, {_with_coded(book)}))"
    return f"if({is_event}, arraySlice({found}, 1, {MOST_KEYS}), [])"


def _fields(book: Rulebook) -> list[Field]:
    return [field for _, envelope in book.envelopes for field in envelope.keys]


def _with_coded(book: Rulebook) -> str:
    """SQL for a text and what stands in it as base64."""
    paths = {path.rpartition(".")[2] for _, envelope in book.envelopes if envelope.base64 for path in envelope.payload}
    if not paths:
        return "[text]"
    coded = rf'"(?:{"|".join(sorted(paths))})\W+([A-Za-z0-9+/]+=*)"'
    return f"arrayConcat([text], arrayMap(coded -> tryBase64Decode(coded), extractAll(text, {quoted(coded)})))"


def _by_field(book: Rulebook) -> str:
    """SQL for keys that one field holds: name and text by one pattern, kind and role by the name."""
    rules: dict[str, Field] = {}
    for field in _fields(book):
        name = field.paths[-1].rpartition(".")[2]
        name = field.paths[-1].split(".")[-2] if name == "stringValue" else name
        if len(field.paths) == 1:
            rules.setdefault(name, field)
    shapes: dict[str, list[str]] = {}
    for name, field in rules.items():
        shapes.setdefault(field.shape or _VALUE, []).append(name)
    by_shape = "|".join(
        rf'(?:{"|".join(map(re.escape, names))})\\*"\s*:\s*{IN_WRAPPING}\\*"(?:{shape})'
        for shape, names in shapes.items()
    )
    pattern = rf'\\*"({by_shape})\\*"'
    pairs = f"extractAll(text, {quoted(pattern)})"
    name = f"extract(pair, {quoted(_NAME)})"
    value = f"extract(pair, {quoted(_END)})"
    kinds = f"transform({name}, {array(rules)}, {array(rule.kind for rule in rules.values())}, '')"
    roles = f"transform({name}, {array(rules)}, {array(rule.role for rule in rules.values())}, '')"
    return f"arrayMap(pair -> ({kinds}, {value}, {roles}), {pairs})"


def _by_two_fields(book: Rulebook) -> str:
    """SQL for keys of two fields, each the first of its object, the first one earlier (an object and its bucket)."""
    keys = []
    for pattern, field in {_two(field): field for field in _fields(book) if len(field.paths) == 2}.items():
        both = f"extractAllGroupsVertical(text, {quoted(pattern)})"
        key = f"({quoted(field.kind)}, value, {quoted(field.role)})"
        values = f"arrayMap(pair -> arrayStringConcat(pair, '/'), {both})"
        keys.append(
            f"arrayMap(value -> {key}, arrayFlatten(arrayMap(value -> [value, decodeURLFormComponent(value)], {values})))"
        )
    return f"arrayConcat({', '.join(keys)})" if keys else "[]"


def _two(field: Field) -> str:
    opened, told = r'\\*"\s*:\s*\{\s*\\*"', rf'\\*"\s*:\s*\\*"({_VALUE})'
    first, second = (opened.join(map(re.escape, path.split(".")[-2:])) + told for path in field.paths)
    return rf'(?s)"{first}.*?"{second}'


def _by_shape(book: Rulebook) -> str:
    """SQL for what is known by its shape or name wherever it stands: trace headers and correlation ids."""
    groups = f"arrayFilter(id -> id != '', arrayFlatten(extractAllGroupsVertical(text, {quoted(TRACE_ID_IN_TEXT)})))"
    plain = "lower(replaceRegexpOne(replaceRegexpOne(id, '^1-', ''), '-', ''))"
    traces = f"arrayMap(id -> ('trace_id', {plain}, 'takes'), {groups})"
    values = f"extractAll(text, {quoted(text_pattern(book.correlation_fields))})"
    return f"arrayConcat({traces}, arrayMap(value -> ('correlation_id', value, 'mentions'), {values}))"

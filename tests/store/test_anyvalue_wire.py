"""Values that protobuf refuses are read all the same, and those that it takes are read alike."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from coldtrail.model.wire import read_fields, write_field
from coldtrail.receivers.attributes import any_value
from coldtrail.store import anyvalue_wire
from coldtrail.store.anyvalue import decode, plain

scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=20), st.binary(max_size=20))
values = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)), max_leaves=12)


@settings(max_examples=200, deadline=None)
@given(values)
def test_a_value_is_read_as_the_library_reads_it(value: object) -> None:
    raw = any_value(value).SerializeToString()
    assert anyvalue_wire.read(memoryview(raw)) == plain(AnyValue.FromString(raw)) == value


def nested(levels: int, array: bool = True) -> bytes:
    value = AnyValue(string_value='de"ep').SerializeToString()
    for _ in range(levels):
        value = write_field(5, write_field(1, value)) if array else write_field(6, write_field(1, write_field(1, b"k") + write_field(2, value)))
    return value


@pytest.mark.parametrize("array", [True, False], ids=["array", "kvlist"])
def test_a_value_that_nests_deeper_than_any_reader_recurses_is_json_text_from_there_on(array: bool) -> None:
    value = decode(nested(5_000, array))
    for _ in range(anyvalue_wire.MOST_LEVELS):
        value = value[0] if array else value["k"]
    levels = 5_000 - anyvalue_wire.MOST_LEVELS
    start, end = ("[", "]") if array else ('{"k":', "}")
    assert value == start * levels + json.dumps('de"ep') + end * levels


def test_text_that_is_not_utf8_costs_nothing_beside_it() -> None:
    raw = write_field(5, write_field(1, write_field(1, b"caf\xe9")) + write_field(1, write_field(1, "gr\u00fc\u00dfe".encode())))
    assert decode(raw) == ["caf\ufffd", "gr\u00fc\u00dfe"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_what_is_no_message_is_text(raw: bytes) -> None:
    decode(raw)
    try:
        whole = b"".join(field.whole for field in read_fields(memoryview(raw)))
    except ValueError:
        return
    assert whole == raw

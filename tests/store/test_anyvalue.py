"""Raw AnyValues come back as they went in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coldtrail.receivers.attributes import any_value
from coldtrail.store.anyvalue import candidates, decode
from coldtrail.wal.segment import body_of, frames, varint

values = st.recursive(
    st.one_of(st.text(max_size=200), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=12,
)


@given(values)
def test_a_value_survives_the_store(value: object) -> None:
    assert decode(any_value(value).SerializeToString()) == value


@given(st.one_of(st.text(max_size=50), st.integers(-(2**63), 2**63 - 1), st.booleans()))
def test_a_search_means_the_value_that_was_written(value: object) -> None:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    assert any_value(value).SerializeToString() in candidates(text)


@given(st.lists(st.binary(max_size=300), max_size=8), st.binary(max_size=5))
def test_whole_frames_are_found_and_a_torn_tail_is_not(bodies: list[bytes], tail: bytes) -> None:
    data = b"".join(varint(len(body)) + body for body in bodies)
    torn = data + varint(len(tail) + 1) + tail
    assert [body_of(torn[start:end]) for start, end in frames(torn)] == bodies

"""Bodies are inflated within bounds of memory and time, whatever they claim to be."""

from __future__ import annotations

import contextlib
import gzip
import resource
import time
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from coldtrail.model.exports import Malformed, TooLarge
from coldtrail.receivers.content_encoding import decode

ENCODERS = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def zstd_of_unknown_size(body: bytes) -> bytes:
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(body) + stream.flush()


@settings(max_examples=60, deadline=None)
@given(body=st.binary(min_size=1, max_size=5_000).map(lambda one: one * 20), name=st.sampled_from([*ENCODERS, "zstd of unknown size"]), cut=st.integers(1, 10))
def test_a_body_comes_back_whole_or_is_refused(body: bytes, name: str, cut: int) -> None:
    encoded = ENCODERS.get(name, zstd_of_unknown_size)(body)
    encoding = name.split()[0]
    assert decode(encoded, encoding) == body
    if len(body) > 1:
        with pytest.raises(TooLarge):
            decode(encoded, encoding, len(body) - 1)
    if encoding != "identity":
        with pytest.raises(Malformed):
            decode(encoded[:-cut], encoding)


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.binary(max_size=3_000), min_size=1, max_size=6), cut=st.integers(1, 10))
def test_gzip_of_several_members_is_one_body(parts: list[bytes], cut: int) -> None:
    encoded = b"".join(map(gzip.compress, parts))
    assert decode(encoded, "gzip") == b"".join(parts)
    with pytest.raises(Malformed):
        decode(encoded[:-cut], "gzip")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "zstd"]))
def test_nonsense_is_malformed_or_too_large_and_nothing_else(body: bytes, encoding: str) -> None:
    with contextlib.suppress(Malformed, TooLarge):
        decode(body, encoding, 1 << 20)


def test_very_many_empty_members_take_no_longer_than_their_bytes() -> None:
    body = gzip.compress(b"start") + gzip.compress(b"") * 100_000
    began = time.process_time()
    assert decode(body, "gzip") == b"start"
    assert time.process_time() - began < 20


def test_a_zstd_bomb_of_unknown_size_never_takes_its_memory() -> None:
    # RFC 8878: magic, a frame header without a size and with a window of 128 KiB, blocks of one repeated byte.
    block = ((128 << 10) << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    bomb = b"\x28\xb5\x2f\xfd" + b"\x00\x38" + block * 8_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLarge):
        decode(bomb, "zstd")
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 400 << 10

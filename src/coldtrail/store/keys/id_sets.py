"""Many ids in one query: as one literal that the engine cuts up, since it takes 30 us to read each of a list of calls.

3,304 trace ids as `unhex('...')` each cost 80 ms of CPU before anything was read, as one text 6 ms (measured, chdb-core).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

from coldtrail.store.engine import Engine

MOST_TRACES = 5_000
MOST_TEXT_BYTES = 90_000
"""Trace ids, and bytes of texts, of one set: one of either in a query take 222 KiB in base64, of 256 KiB that a query may have
(ClickHouse documentation, `max_query_size`).
"""

MOST_HASHES = 12_000
"""Likewise of hashes: two such sets take 250 KiB."""

_PLAIN = re.compile(rb"[\w:/.-]*", re.ASCII)
"""What is written as it is, as the ids of requests."""

FEW, MOST_LISTED = 16, 500
"""So many are few, and so many are listed: 333 plain numbers cost 3.8 ms, as a text 6.0; 2,000 of them 9.3 and 5.7.

Of a condition without a query in it the engine remembers which granules it left over: who asks for a trail again
gets it for a tenth of the CPU (58 ms to 6 ms for 333 keys among 6 M).
"""


def as_written(*conditions: str) -> dict[str, Any]:
    """Return the settings of a look-up that says in PREWHERE what to read first.

    Where all that it looks for is listed there is nothing left to optimise, and trying takes up to a third of it (logs of a trace
    2.9 -> 1.9 ms); without it no set would be made of a query behind `IN`.
    """
    return {} if any("(SELECT" in one for one in conditions) else {"query_plan_enable_optimizations": 0}


def rows_with(
    engine: Engine, query: str, texts: Iterable[str], settings: dict[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Return the rows of a look-up by texts of any number, which stand a set at a time for ``{some}`` in its PREWHERE.

    Raises:
        EngineError: the engine refused it.
    """
    asked = ((query.replace("{some}", some), (settings or {}) | as_written(some)) for some in text_sets(texts))
    return [row for one, how in asked for row in engine.rows(one, settings=how)]


def trace_sets(trace_ids: Iterable[str]) -> Iterator[str]:
    """Yield what stands behind `trace_id IN` for trace ids (32 hex digits each, others are left out), some at a time."""
    ids = [raw for trace_id in trace_ids if (raw := _bytes(trace_id))]
    for first in range(0, len(ids), MOST_TRACES):
        some = ids[first : first + MOST_TRACES]
        if len(some) <= MOST_LISTED:
            yield f"({', '.join(_literal(raw) for raw in sorted(some))})"
        else:
            # The cast keeps ids that end in a zero byte: a text would lose it.
            yield _set(some, 16, "toFixedString({}, 16)")


def hash_sets(hashes: Iterable[int]) -> Iterator[str]:
    """Yield what stands behind `key_hash IN` for hashes of 64 bits, some at a time."""
    numbers = list(hashes)
    for first in range(0, len(numbers), MOST_HASHES):
        some = numbers[first : first + MOST_HASHES]
        if len(some) <= MOST_LISTED:
            yield f"({', '.join(map(str, sorted(some)))})"
        else:
            yield _set([one.to_bytes(8, "little") for one in some], 8, "reinterpretAsUInt64({})")


def text_sets(texts: Iterable[str]) -> Iterator[str]:
    """Yield what stands behind `IN` for texts of any kind, some at a time; those with a NUL are left out."""
    some: list[bytes] = []
    size = 0
    for text in texts:
        raw = text.encode("utf-8", "replace")
        if size + len(raw) > MOST_TEXT_BYTES and some:
            yield _texts(some)
            some, size = [], 0
        if b"\0" not in raw:
            some.append(raw)
            size += len(raw) + 1
    if some:
        yield _texts(some)


def _texts(some: list[bytes]) -> str:
    if all(map(_PLAIN.fullmatch, some)):
        if len(some) <= FEW:
            return "('{}')".format("', '".join(text.decode() for text in some))
        return f"(SELECT arrayJoin(splitByChar(',', '{b','.join(some).decode()}')))"
    joined = _raw(b"\0".join(some))
    return f"(SELECT arrayJoin(splitByChar('\\0', {joined})))"


def _set(ids: list[bytes], size: int, cast: str) -> str:
    one = cast.format(f"substring({_raw(b''.join(ids))}, number * {size} + 1, {size})")
    return f"(SELECT {one} FROM numbers({len(ids)}))"


def _raw(text: bytes) -> str:
    return f"base64Decode('{base64.b64encode(text).decode()}')"


def _literal(raw: bytes) -> str:
    return "'" + "".join(f"\\x{byte:02x}" for byte in raw) + "'"


def _bytes(trace_id: str) -> bytes:
    try:
        raw = bytes.fromhex(trace_id)
    except ValueError:
        return b""
    return raw if len(raw) == 16 else b""

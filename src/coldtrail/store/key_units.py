"""Where a trail goes on: the traces and requests in which signals carry the same keys."""

from __future__ import annotations

from collections.abc import Iterable

from coldtrail.model.trails import Key
from coldtrail.store.engine import Engine
from coldtrail.store.find import key_hash
from coldtrail.store.id_sets import hash_sets

MOST_UNITS = 100_000
"""How many one query gives; no trail comes near it."""

NO_TRACE = "0" * 32
_UNITS = f"SELECT DISTINCT lower(hex(trace_id)), request_id FROM keys WHERE key_hash IN {{some}} LIMIT {MOST_UNITS}"
_CARRIED = "SELECT key_hash FROM keys WHERE key_hash IN {some} GROUP BY key_hash HAVING count() > {most}"


def units_with(engine: Engine, keys: Iterable[Key], most_correlated: int) -> tuple[set[str], set[str]]:
    """Return the traces (hex ids) and the requests in which signals carry one of the keys, whatever their role.

    A correlation id that more than ``most_correlated`` signals carry is left out. Reads a granule a key.
    """
    hashes, correlated = set[int](), set[int]()
    for key in keys:
        (correlated if key.kind == "correlation_id" else hashes).add(key_hash(key.kind, key.value))
    if correlated:
        hashes |= correlated - _carried_by_more(engine, correlated, most_correlated)
    traces: set[str] = set()
    requests: set[str] = set()
    for some in hash_sets(hashes):
        for trace_id, request_id in engine.rows(_UNITS.format(some=some)):
            traces.add(trace_id)
            requests.add(request_id)
    return traces - {"", NO_TRACE}, requests - {""}


def _carried_by_more(engine: Engine, hashes: set[int], most: int) -> set[int]:
    found = (engine.rows(_CARRIED.format(some=some, most=int(most))) for some in hash_sets(hashes))
    return {row[0] for rows in found for row in rows}

"""Where a trail goes on: the traces and requests in which signals carry the same keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coldtrail.model.trails import Key
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import MOST_HASHES, as_written, hash_sets
from coldtrail.store.trails.find import key_hash

MOST_UNITS = 100_000
"""How many one query gives; no trail comes near it."""

NO_TRACE = "0" * 32
_UNITS = f"""SELECT lower(hex(trace_id)), request_id, toUnixTimestamp64Nano(min(time)), toUnixTimestamp64Nano(max(time))
  FROM keys PREWHERE key_hash IN {{some}}{{but}} GROUP BY trace_id, request_id LIMIT {MOST_UNITS}"""
_BUT = """
  AND key_hash NOT IN (SELECT key_hash FROM keys WHERE key_hash IN {some} GROUP BY key_hash HAVING count() > {most})"""

Units = dict[str, tuple[int, int]]
"""Traces (hex ids), or requests, and the first and last time of those of their signals that were found; Unix ns."""


def units_with(engine: Engine, keys: Iterable[Key], most_correlated: int) -> tuple[Units, Units]:
    """Return the traces and the requests in which signals carry one of the keys, whatever their role.

    A correlation id that more than ``most_correlated`` signals carry is left out. Reads a granule a key.
    """
    hashes, correlated = set[int](), set[int]()
    for key in keys:
        (correlated if key.kind == "correlation_id" else hashes).add(key_hash(key.kind, key.value))
    traces: Units = {}
    requests: Units = {}
    for query in _queries(hashes, correlated - hashes, int(most_correlated)):
        settings = {"max_threads": 1} | as_written(query)
        for trace_id, request_id, first_ns, last_ns in engine.rows(query, settings=settings):
            _add(traces, trace_id, first_ns, last_ns)
            _add(requests, request_id, first_ns, last_ns)
    for nobody in ("", NO_TRACE):
        traces.pop(nobody, None)
    requests.pop("", None)
    return traces, requests


def _queries(hashes: set[int], correlated: set[int], most: int) -> Iterator[str]:
    """Yield one query where it is not too long, since each costs some milliseconds, else some for either sort of keys."""
    if hashes and correlated and len(hashes) + 2 * len(correlated) <= MOST_HASHES:
        but = "".join(_BUT.format(some=some, most=most) for some in hash_sets(correlated))
        yield from (_UNITS.format(some=some, but=but) for some in hash_sets(hashes | correlated))
        return
    yield from (_UNITS.format(some=some, but="") for some in hash_sets(hashes))
    for some in hash_sets(correlated):
        yield _UNITS.format(some=some, but=_BUT.format(some=some, most=most))


def _add(units: Units, unit: str, first_ns: int, last_ns: int) -> None:
    known = units.get(unit)
    units[unit] = (min(known[0], first_ns), max(known[1], last_ns)) if known else (first_ns, last_ns)

"""Which minutes of a range are summed up, and which must be read row by row.

A minute that was summed up counts as long as there are no more rows that bear on it than there were: rows only come, so
their number says whether any came. It is counted at every question (8 bytes a row), so late arrivals are never left out,
whoever loaded them. Rows some minutes later may still tell of an invocation of the minute, but not that it began elsewhere:
where such came, what was summed up counts, and is summed up again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal
from weakref import WeakKeyDictionary

from msgspec import Struct, field

from coldtrail.store.engine import Engine

Kind = Literal["function", "entry"]
KINDS: tuple[Kind, ...] = ("function", "entry")

MINUTE_NS = 60 * 10**9
REACH_MIN = 15
"""What is told of one invocation lies within the longest that one may last (AWS Lambda Developer Guide, "Quotas")."""

NEAR_MIN = 2
"""Spans and reports are kept at the time when their invocation began; so far apart their clocks may tell it."""

MOST_GAPS = 3
"""Of more stretches that are not summed up, the nearest are read as one."""

_COUNTS: dict[Kind, str] = {
    "function": """SELECT toUnixTimestamp(toStartOfMinute(time)) AS minute, count(), 0 FROM invocations
WHERE {time} GROUP BY minute""",
    "entry": """SELECT toUnixTimestamp(toStartOfMinute(start)) AS minute, count(), countIf(NOT root) FROM requests
WHERE {start} GROUP BY minute""",
}
_ROOTS = """
SELECT toUnixTimestamp(toStartOfMinute(start)) AS minute, count() FROM traces
WHERE {start} AND has_root AND root_kind = 2 GROUP BY minute
"""
_TOUCHED: dict[Kind, tuple[tuple[str, str], ...]] = {
    "function": (("invocations", "time"),),
    "entry": (("requests", "start"), ("traces", "start")),
}
MOST_TOUCHED = 50_000

_MARKS = """
SELECT toUnixTimestamp(minute), argMax(bearing, version), argMax(later, version), max(version) FROM summed_minutes
WHERE kind = {kind:String} AND minute >= fromUnixTimestamp({since:Int64}) AND minute < fromUnixTimestamp({until:Int64})
GROUP BY minute
"""


def moment(time_ns: int) -> str:
    """Return SQL for a time in Unix nanoseconds of our own."""
    return f"fromUnixTimestamp64Nano(toInt64({int(time_ns)}))"


def between(column: str, since_ns: int, until_ns: int) -> str:
    """Return SQL that is true where a DateTime64 column lies in ``[since, until)``."""
    return f"{column} >= {moment(since_ns)} AND {column} < {moment(until_ns)}"


class Mark(Struct, frozen=True):
    """How many rows bear on a minute, and how many are later."""

    bearing: int
    later: int


class Counts(Struct):
    """Rows by minute (Unix seconds): ``own`` of the kind, ``inner`` of them that are no roots, ``roots``: traces with a root."""

    kind: Kind
    own: Mapping[int, int]
    inner: Mapping[int, int] = field(default_factory=dict)
    roots: Mapping[int, int] = field(default_factory=dict)

    def bearing(self, minute_s: int) -> int:
        """How many rows bear on what a minute counts.

        An invocation counts in the minute of its first row. A request with a parent is an entry where it is the first of its
        trace and no root was seen.
        """
        if self.kind == "function":
            return _sum(self.own, minute_s, REACH_MIN, NEAR_MIN)
        inner = _sum(self.inner, minute_s, REACH_MIN, 0)
        return self.own.get(minute_s, 0) + inner + (_sum(self.roots, minute_s, 2 * REACH_MIN, 0) if inner else 0)

    def later(self, minute_s: int) -> int:
        """How many rows may still tell of what a minute counts: a failure of what runs for long, a second attempt."""
        return _sum(self.own, minute_s + 60 * (NEAR_MIN + 1), 0, REACH_MIN - NEAR_MIN - 1) if self.kind == "function" else 0

    def mark(self, minute_s: int) -> Mark:
        """Return what is to be remembered of a minute that is summed up now."""
        return Mark(self.bearing(minute_s), self.later(minute_s))


def _sum(rows: Mapping[int, int], minute_s: int, before: int, after: int) -> int:
    return sum(rows.get(at, 0) for at in range(minute_s - 60 * before, minute_s + 60 * after + 60, 60)) if rows else 0


def counts(engine: Engine, kind: Kind, since_s: int, until_s: int) -> Counts:
    """Return what bears on the minutes of a range; reads the times of its rows."""
    since_ns = (since_s - 60 * REACH_MIN) * 10**9
    until_ns = (until_s + 60 * REACH_MIN) * 10**9
    within = {"time": between("time", since_ns, until_ns), "start": between("start", since_ns, until_ns)}
    rows = engine.rows(_COUNTS[kind].format(**within))
    own = {int(minute): int(n) for minute, n, _ in rows}
    inner = {int(minute): int(n) for minute, _, n in rows if n}
    roots: dict[int, int] = {}
    if inner:
        early = between("start", since_ns - REACH_MIN * MINUTE_NS, until_ns)
        roots = {int(minute): int(n) for minute, n in engine.rows(_ROOTS.format(start=early))}
    return Counts(kind, own, inner, roots)


_VERSION = """
SELECT partition_id, max(max_block_number), sum(rows) FROM system.parts
WHERE database = currentDatabase() AND table IN {tables:Array(String)} AND active GROUP BY table, partition_id ORDER BY table, partition_id
"""
"""Differs once rows came or went, whoever loaded them; and where a merge made one row of several."""

MOST_KNOWN = 16


class _Known(Struct):
    """What was counted while the tables were as they are."""

    version: list[tuple[Any, ...]]
    counts: dict[tuple[int, int], Counts] = field(default_factory=dict)


_known: WeakKeyDictionary[Engine, dict[Kind, _Known]] = WeakKeyDictionary()
_lock = threading.Lock()


def known_counts(engine: Engine, kind: Kind, since_s: int, until_s: int) -> Counts:
    """Return what `counts` does, without reading the rows again where none came since they were last read for this range."""
    version = engine.rows(_VERSION, {"tables": [table for table, _ in _TOUCHED[kind]]})
    with _lock:
        known = _known.setdefault(engine, {}).get(kind)
        if known is None or known.version != version:
            known = _known[engine][kind] = _Known(version)
        found = known.counts.get((since_s, until_s))
    if found is None:
        found = counts(engine, kind, since_s, until_s)
        with _lock:
            known.counts[since_s, until_s] = found
            if len(known.counts) > MOST_KNOWN:
                del known.counts[next(iter(known.counts))]
    return found


def marks(engine: Engine, kind: Kind, since_s: int, until_s: int) -> dict[int, tuple[Mark, int]]:
    """Return the minutes that were summed up: what was counted then, and the version of the sums."""
    rows = engine.rows(_MARKS, {"kind": kind, "since": since_s, "until": until_s})
    return {int(minute): (Mark(int(bearing), int(later)), int(version)) for minute, bearing, later, version in rows}


def mark(engine: Engine, kind: Kind, summed: Mapping[int, Mark], version: int) -> None:
    """Say that minutes were summed up."""
    rows = [[kind, at, one.bearing, one.later, version, version // 10**9] for at, one in summed.items()]
    if rows:
        engine.insert("summed_minutes", rows, ["kind", "minute", "bearing", "later", "version", "received"])


def touched(engine: Engine, kind: Kind, received_since_s: int) -> set[int]:
    """Return the minutes (Unix seconds) of what was received since a Unix second; reads the newest parts only."""
    found: set[int] = set()
    for table, column in _TOUCHED[kind]:
        query = f"""SELECT DISTINCT toUnixTimestamp(toStartOfMinute({column})) FROM {table}
            WHERE received >= toDateTime({{since:UInt32}}) LIMIT {MOST_TOUCHED}"""
        found.update(int(row[0]) for row in engine.rows(query, {"since": max(0, received_since_s)}))
    return found


class Parts(Struct):
    """A range cut up. ``summed``: minutes (Unix seconds) and the version of their sums; ``gaps``: [since, until) to be read."""

    summed: dict[int, int]
    gaps: list[tuple[int, int]]

    @property
    def parameters(self) -> dict[str, Any]:
        """What `where` binds."""
        return {"minutes": list(self.summed), "versions": list(self.summed.values())}

    @property
    def where(self) -> str:
        """SQL that is true for rows of the minutes that count; there must be some."""
        return (
            f"minute >= fromUnixTimestamp({min(self.summed)}) AND minute <= fromUnixTimestamp({max(self.summed)}) "
            "AND version = transform(toUnixTimestamp(minute), {minutes:Array(UInt32)}, {versions:Array(UInt64)}, toUInt64(0))"
        )


def parts(engine: Engine, kind: Kind, since_ns: int, until_ns: int, step_ns: int = MINUTE_NS) -> Parts:
    """Cut a range of whole minutes into what is summed up and what is to be read; one gap where it, or a step, is not whole minutes.

    Nothing of either where nothing happened.
    """
    if since_ns % MINUTE_NS or until_ns % MINUTE_NS or step_ns % MINUTE_NS:
        return Parts({}, [(since_ns, until_ns)])
    since_s, until_s = since_ns // 10**9, until_ns // 10**9
    known = marks(engine, kind, since_s, until_s)
    if not known:
        table, column = _TOUCHED[kind][0]
        is_empty = not engine.rows(f"SELECT 1 FROM {table} WHERE {between(column, since_ns, until_ns)} LIMIT 1")
        return Parts({}, [] if is_empty else [(since_ns, until_ns)])
    rows = known_counts(engine, kind, since_s, until_s)
    summed = {at: version for at, (one, version) in known.items() if rows.bearing(at) == one.bearing}
    missing = [at for at in sorted(rows.own) if since_s <= at < until_s and at not in summed]
    gaps = _joined([(at * 10**9, (at + 60) * 10**9) for at in missing])
    return Parts(
        {
            at: version
            for at, version in sorted(summed.items())
            if not any(low <= at * 10**9 < high for low, high in gaps)
        },
        gaps,
    )


def _joined(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join stretches that touch; of too many, those that are nearest to each other."""
    between_ns = sorted((later[0] - one[1] for one, later in pairwise(stretches)), reverse=True)
    bridged_ns = between_ns[MOST_GAPS - 1] if len(between_ns) >= MOST_GAPS else 0
    joined: list[tuple[int, int]] = []
    for low, high in stretches:
        if joined and low - joined[-1][1] <= bridged_ns:
            joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return joined

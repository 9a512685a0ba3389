"""The same hour of earlier weeks: what services did in it, in quarters of an hour, from the roll-up of rate, errors and duration."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine

QUARTER_S = 900
WEEK_S = 7 * 86_400


class Quarter(Struct, frozen=True):
    """A quarter of an hour of one service; ``p95_ms`` None where nothing ended."""

    start_s: int
    count: int
    error_count: int
    p95_ms: float | None


def quarters(engine: Engine, ranges: list[tuple[int, int]]) -> dict[str, list[Quarter]]:
    """Return the quarters of an hour within some ranges (Unix seconds, on whole quarters) of every service, in order of time.

    Reads a row a minute and service of the ranges alone.
    """
    within = " OR ".join(f"minute >= toDateTime({since}) AND minute < toDateTime({until})" for since, until in ranges)
    query = f"""SELECT name, intDiv(toUnixTimestamp(minute), {QUARTER_S}) * {QUARTER_S} AS quarter, sum(count), sum(error_count),
          quantilesTDigestMerge(0.5, 0.95, 0.99)(durations_ms)[2]
        FROM red WHERE grouping = 'service' AND ({within}) GROUP BY name, quarter ORDER BY name, quarter LIMIT 500000"""
    found: dict[str, list[Quarter]] = {}
    for name, start_s, count, errors, p95 in engine.rows(query):
        found.setdefault(name, []).append(Quarter(start_s, count, errors, float(p95) if p95 == p95 else None))
    return found

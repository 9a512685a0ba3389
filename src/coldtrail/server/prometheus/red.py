"""Rate, errors and durations as series of Prometheus: `coldtrail_requests_total`, `coldtrail_errors_total` and
`coldtrail_duration_milliseconds_bucket` with `_count`.

The label `group` says what is counted, `service`, `function` or `route`, and a label of that name says which. The same
request is counted in each group, so a query names one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from coldtrail.server.promql.values import Floats, Labels, Line
from coldtrail.store.engine import Engine
from coldtrail.store.metrics.lines import shown
from coldtrail.store.metrics.red import LEVELS, Minute, red_minutes
from coldtrail.store.red import Grouping

PREFIX = "coldtrail_"
REQUESTS, ERRORS, DURATION = "coldtrail_requests_total", "coldtrail_errors_total", "coldtrail_duration_milliseconds"
NAMES: dict[str, tuple[str, str]] = {
    REQUESTS: ("counter", "requests and invocations"),
    ERRORS: ("counter", "those of them that failed"),
    f"{DURATION}_bucket": ("histogram", "how long they took, from sketches by the minute"),
    f"{DURATION}_count": ("histogram", "how long they took, from sketches by the minute"),
}
GROUPINGS: tuple[Grouping, ...] = ("service", "function", "route")
BOUNDS_MS = [2.0 ** (part / 16) for part in range(-2 * 16, 20 * 16)]
"""A sixteenth of a doubling each (4.4 %), from 0.25 ms to 17 minutes; a series has those that its durations lie between."""
MOST_STEPS = 2_000


def lines(engine: Engine, name: str, grouping: Grouping, since_ms: int, until_ms: int) -> Iterator[Line]:
    """Yield the series of a name: totals that count from ``since_ms`` on, told at the end of each minute.

    The minute that ``until_ms`` lies in is told then, as far as it has come.
    """
    step_s = 60 * max(1, -(-(until_ms - since_ms) // 60_000 // MOST_STEPS))
    since_s = since_ms // 1000 // step_s * step_s
    rows = red_minutes(engine, grouping, since_s, until_ms // 1000 + 1, step_s)
    at = 0
    while at < len(rows):
        end = at
        while end < len(rows) and rows[end].name == rows[at].name:
            end += 1
        yield from _lines_of(name, grouping, rows[at:end], step_s, until_ms)
        at = end


def _lines_of(name: str, grouping: Grouping, rows: list[Minute], step_s: int, until_ms: int) -> Iterator[Line]:
    labels: Labels = {"__name__": name, "group": grouping, grouping: rows[0].name}
    times = np.minimum(np.array([(row.begins_s + step_s) * 1000 for row in rows], dtype=np.int64), until_ms)
    counted = np.array([row.error_count if name == ERRORS else row.count for row in rows], dtype=np.float64)
    if not name.endswith("_bucket"):
        yield Line(labels, times, np.cumsum(counted), total=True)
        return
    shares = np.array([np.interp(BOUNDS_MS, row.durations_ms, LEVELS, left=0.0, right=1.0) for row in rows])
    upto: Floats = np.cumsum(shares * counted[:, None], axis=0)
    for column, bound in enumerate(BOUNDS_MS):
        # Bounds that nothing, or everything, lies below add nothing to a percentile.
        if upto[-1, column] > 0 and (column == 0 or shares[:, column - 1].min() < 1):
            yield Line({**labels, "le": shown(bound)}, times, upto[:, column], total=True)
    yield Line({**labels, "le": "+Inf"}, times, np.cumsum(counted), total=True)

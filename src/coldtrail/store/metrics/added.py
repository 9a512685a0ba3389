"""What the points of a metric added, whichever way they told it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.increase import increases
from coldtrail.store.metrics.samples import LOOKBACK_NS, Samples, read
from coldtrail.store.metrics.series import DELTA, Series


def read_added(
    engine: Engine, series: Sequence[Series], since_ns: int, until_ns: int, *, spread: bool
) -> list[Samples]:
    """Return the points of ``[since_ns, until_ns)`` with what each added; ``spread``: to counts and buckets too.

    Running totals are read from `LOOKBACK_NS` before, to know where to count from.
    """
    found = []
    for totals in (False, True):
        index = np.array([at for at, one in enumerate(series) if (one.temporality != DELTA) == totals], dtype=np.int64)
        begin_ns = since_ns - (LOOKBACK_NS if totals else 0)
        for samples in read(engine, [series[at] for at in index], begin_ns, until_ns, spread=spread, totals=totals):
            added = increases(samples, begin_ns) if totals else samples
            added.series = index[added.series]
            found.append(added.where(added.time_ns >= since_ns))
    return found

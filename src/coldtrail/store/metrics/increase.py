"""Running totals to increases: what was added between one point of a stream and the next, over resets too. Pure.

Source: OpenTelemetry data model, "Resets and Gaps"; Prometheus documentation, "rate(): breaks in monotonicity (such as
counter resets due to target restarts) are automatically adjusted for".
"""

from __future__ import annotations

import numpy as np
from msgspec import structs

from coldtrail.store.metrics.samples import Samples, differs


def increases(samples: Samples, complete_from_ns: int, *, keep_first: bool = False) -> Samples:
    """Return what each point added: to value, count and buckets. Streams must be told apart by their start.

    A stream that began at or after ``complete_from_ns``, from where on all points were read, added all of its first value.
    Of an older stream the first point only says where to count from; it is left out, or
    with ``keep_first`` added nothing. A total that falls began anew at 0.
    """
    if not len(samples):
        return samples
    first = differs(samples.stream)
    whole = first & (samples.start_ns > 0) & (samples.start_ns >= complete_from_ns)
    has_buckets = samples.buckets.shape[1] > 0
    fell = np.zeros(len(samples), dtype=bool)
    measure = (
        samples.count if has_buckets or not np.isnan(samples.min).all() or (samples.count != 1).any() else samples.value
    )
    fell[1:] = measure[1:] < measure[:-1]
    anew = whole | (fell & ~first)
    value, count, buckets = samples.value.copy(), samples.count.copy(), samples.buckets.copy()
    value[1:] -= samples.value[:-1]
    count[1:] -= samples.count[:-1]
    buckets[1:] -= samples.buckets[:-1]
    value[anew], count[anew], buckets[anew] = samples.value[anew], samples.count[anew], samples.buckets[anew]
    base = first & ~whole
    value[base], count[base], buckets[base] = 0, 0, 0
    # The least and greatest since the start say nothing of one interval, unless the interval began with the start.
    nothing = np.full(len(samples), np.nan)
    added = structs.replace(
        samples,
        value=value,
        count=count,
        buckets=np.maximum(buckets, 0),
        min=np.where(whole, samples.min, nothing),
        max=np.where(whole, samples.max, nothing),
    )
    return added if keep_first else added.where(~base)

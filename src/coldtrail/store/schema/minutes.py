"""Minutes that were summed up after they had settled: invocations by function, requests from outside by entry.

Several rows tell of one invocation, in loads of their own, so a view of one load cannot count it once; these tables are
filled by `server/summing.py` instead, and cost a load nothing. `summed_minutes` says of how many rows a minute was summed
up; where there are more by now, it is read from the rows themselves (`minutes.py`). Of several words on a minute the newest
``version`` (Unix nanoseconds) counts.
"""

from __future__ import annotations

from coldtrail.store.schema.table import table

FUNCTION_MINUTES = table(
    "function_minutes",
    """
  minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
  function LowCardinality(String) CODEC(ZSTD(1)),
  count UInt32 CODEC(ZSTD(1)),
  error_count UInt32 CODEC(ZSTD(1)),
  cold_start_count UInt32 CODEC(ZSTD(1)),
  durations_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64) CODEC(ZSTD(1)),
  told_ms AggregateFunction(quantilesTDigestIf(0.5, 0.95, 0.99), Float64, UInt8) CODEC(ZSTD(1)),
  inits_ms AggregateFunction(quantilesTDigestIf(0.5, 0.95, 0.99), Float64, UInt8) CODEC(ZSTD(1)),
  memory_mb UInt32 CODEC(ZSTD(1)),
  memory_used_mb UInt32 CODEC(ZSTD(1)),
  most_at_once UInt32 CODEC(ZSTD(1)),
  version UInt64 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "minute, function",
    granularity=256,
)
"""Function "": all together. ``durations_ms`` takes what no signal told for 0, ``told_ms`` leaves it out; 0 MB: not told."""

ENTRY_MINUTES = table(
    "entry_minutes",
    """
  minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
  method LowCardinality(String) CODEC(ZSTD(1)),
  route LowCardinality(String) CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  q LowCardinality(String) CODEC(ZSTD(1)),
  count UInt32 CODEC(ZSTD(1)),
  error_count UInt32 CODEC(ZSTD(1)),
  durations_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32) CODEC(ZSTD(1)),
  answered AggregateFunction(sumMap, Array(UInt16), Array(UInt64)) CODEC(ZSTD(1)),
  newest AggregateFunction(groupArraySorted(8), Tuple(Int64, UInt16, UInt8, FixedString(16))) CODEC(ZSTD(1)),
  version UInt64 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "minute, method, route",
    granularity=256,
)

SUMMED_MINUTES = table(
    "summed_minutes",
    """
  kind LowCardinality(String) CODEC(ZSTD(1)),
  minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
  bearing UInt64 CODEC(ZSTD(1)),
  version UInt64 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "kind, minute",
    granularity=256,
)
"""``bearing``: how many rows there were that bear on the minute when it was summed up."""

LATER_MIGRATION = ("ALTER TABLE summed_minutes ADD COLUMN IF NOT EXISTS later UInt64 CODEC(ZSTD(1))",)
"""``later``: how many rows there were then that may still tell of what the minute counts."""

MINUTES_MIGRATION = (FUNCTION_MINUTES, ENTRY_MINUTES, SUMMED_MINUTES)
MINUTES_RETENTION = dict.fromkeys(("function_minutes", "entry_minutes", "summed_minutes"), "spans")
"""Which retention setting governs which table."""

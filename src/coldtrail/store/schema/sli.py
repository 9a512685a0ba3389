"""The table of what objectives count: good and valid events by minute of each series, kept longer than telemetry.

A minute is written anew whenever something late changed it; the newest word counts. Kept by series, because a page
reads one whole; minutes without events are not kept.
"""

from __future__ import annotations

from coldtrail.store.schema.table import PARTS

SLI_MIGRATION = (
    f"""CREATE TABLE IF NOT EXISTS sli_minutes (
  series UInt64 CODEC(ZSTD(1)),
  minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
  good Float64 CODEC(ZSTD(1)),
  valid Float64 CODEC(ZSTD(1)),
  version UInt64 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (series, minute)
TTL minute + INTERVAL 130 DAY
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, {PARTS},
  non_replicated_deduplication_window = 1000""",
)
"""A quarter, the longest window there is, and a month of pairs of windows before it."""

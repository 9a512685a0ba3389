"""The table of outcomes: one row a workflow and trail, written anew whenever its trail or the time changes it.

Kept by workflow and hour, because a page reads one workflow's range; the newest word of a trail counts, and one without a
status says that the trail became part of another. Steps are columns of arrays, so that two of them are counted in one read.
"""

from __future__ import annotations

from coldtrail.store.schema.table import PARTS

OUTCOMES = f"""
CREATE TABLE IF NOT EXISTS outcomes (
  workflow LowCardinality(String) CODEC(ZSTD(1)),
  trail_id String CODEC(ZSTD(1)),
  start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  status LowCardinality(String) CODEC(ZSTD(1)),
  step LowCardinality(String) CODEC(ZSTD(1)),
  stopped_node_id String CODEC(ZSTD(1)),
  stopped_service LowCardinality(String) CODEC(ZSTD(1)),
  stopped_name String CODEC(ZSTD(1)),
  stopped_edge LowCardinality(String) CODEC(ZSTD(1)),
  stopped_words String CODEC(ZSTD(1)),
  done_ns Int64 CODEC(Delta, ZSTD(1)),
  deadline_ns Int64 CODEC(Delta, ZSTD(1)),
  key String CODEC(ZSTD(1)),
  words String CODEC(ZSTD(1)),
  steps Array(LowCardinality(String)) CODEC(ZSTD(1)),
  states Array(LowCardinality(String)) CODEC(ZSTD(1)),
  counts Array(UInt32) CODEC(ZSTD(1)),
  fails Array(UInt32) CODEC(ZSTD(1)),
  dones_ns Array(Int64) CODEC(ZSTD(1)),
  deadlines_ns Array(Int64) CODEC(ZSTD(1)),
  required Array(UInt8) CODEC(ZSTD(1)),
  step_words Array(String) CODEC(ZSTD(1)),
  version UInt64 CODEC(Delta, ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1)),
  INDEX by_trail trail_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX by_deadline deadline_ns TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(received)
ORDER BY (workflow, toStartOfHour(start), trail_id)
TTL received + INTERVAL {{retention}} SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, {PARTS}
"""

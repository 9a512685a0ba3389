"""The table of deliveries: one row each time that a message was handed to a function, or one where none took it yet.

The background pass writes a row anew whenever it assembles the trail anew; all rows of a message are written together, in
slots, and the newest of a slot counts. Kept by minute of sending, so a range is read as one run.
"""

from __future__ import annotations

from coldtrail.store.schema.table import PARTS

DELIVERIES = f"""
CREATE TABLE IF NOT EXISTS deliveries (
  at DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  kind LowCardinality(String) CODEC(ZSTD(1)),
  name LowCardinality(String) CODEC(ZSTD(1)),
  message String CODEC(ZSTD(1)),
  key String CODEC(ZSTD(1)),
  sent_ns Int64 CODEC(Delta, ZSTD(1)),
  sender LowCardinality(String) CODEC(ZSTD(1)),
  trail_id String CODEC(ZSTD(1)),
  slot UInt32 CODEC(ZSTD(1)),
  how LowCardinality(String) CODEC(ZSTD(1)),
  taker String CODEC(ZSTD(1)),
  consumer LowCardinality(String) CODEC(ZSTD(1)),
  taken_ns Int64 CODEC(Delta, ZSTD(1)),
  ended_ns Int64 CODEC(Delta, ZSTD(1)),
  waited_ms Nullable(Float64) CODEC(ZSTD(1)),
  number UInt32 CODEC(ZSTD(1)),
  batch UInt32 CODEC(ZSTD(1)),
  failed UInt8 CODEC(ZSTD(1)),
  partial UInt8 CODEC(ZSTD(1)),
  failure_type LowCardinality(String) CODEC(ZSTD(1)),
  failure_message String CODEC(ZSTD(1)),
  order_group String CODEC(ZSTD(1)),
  order_key String CODEC(ZSTD(1)),
  dead_letter_of LowCardinality(String) CODEC(ZSTD(1)),
  cause String CODEC(ZSTD(1)),
  tries UInt32 CODEC(ZSTD(1)),
  last_try String CODEC(ZSTD(1)),
  version UInt64 CODEC(Delta, ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(received)
ORDER BY (toStartOfMinute(at), message, slot)
TTL received + INTERVAL {{retention}} SECOND
SETTINGS index_granularity = 2048, ttl_only_drop_parts = 1, {PARTS}
"""

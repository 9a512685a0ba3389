"""What the background pass found out: trails, what belongs to each, and edges that times alone tell of."""

from __future__ import annotations

from coldtrail.store.schema.table import table

TRAILS = table(
    "trails",
    """
  trail_id String CODEC(ZSTD(1)),
  version UInt64,
  start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  duration_ms Float64,
  status LowCardinality(String),
  outcome LowCardinality(String),
  node_count UInt32,
  error_count UInt32,
  cold_start_count UInt32,
  services Array(LowCardinality(String)),
  origin_node_id String,
  origin_kind LowCardinality(String),
  origin_service LowCardinality(String),
  origin_name String,
  received DateTime
""",
    "trail_id",
    engine="ReplacingMergeTree(version)",
)

MEMBERS = table(
    "trail_members",
    """
  unit String CODEC(ZSTD(1)),
  trail_id String CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "unit, trail_id",
    engine="ReplacingMergeTree",
)

INFERRED = table(
    "inferred_edges",
    """
  unit String CODEC(ZSTD(1)),
  cause String CODEC(ZSTD(1)),
  effect String CODEC(ZSTD(1)),
  cause_unit String CODEC(ZSTD(1)),
  effect_unit String CODEC(ZSTD(1)),
  kind LowCardinality(String) CODEC(ZSTD(1)),
  confidence Float64 CODEC(ZSTD(1)),
  waits String CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "unit, effect",
)

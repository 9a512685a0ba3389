"""The table of correlation fields that were learned; few rows, kept for good."""

from __future__ import annotations

from coldtrail.store.schema.table import PARTS

LEARNED_MIGRATION = (
    f"""CREATE TABLE IF NOT EXISTS learned_fields (
  name String,
  confidence Float64,
  trails UInt32,
  values UInt32,
  learned DateTime
) ENGINE = ReplacingMergeTree(learned) ORDER BY name
SETTINGS {PARTS}""",
)

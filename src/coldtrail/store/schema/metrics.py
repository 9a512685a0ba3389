"""The tables of metrics: a dictionary of series, and points that say no more than which series and what value.

A series is a metric's name, kind, unit, temporality, its resource (without what is one instance's own, see
`loading.metrics.INSTANCE`), its attributes and its bucket bounds. Points are kept by metric, hour and series, so a chart of
six hours reads those six hours of that metric alone, each series in one run. `metrics_in` keeps nothing: a load writes
into it once, and the views fill the three tables below in the same insert.
"""

from __future__ import annotations

from coldtrail.store.schema.table import MAP, PARTS

TYPES = "Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5)"

_POINT = """
  name LowCardinality(String) CODEC(ZSTD(1)),
  time DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  series_id UInt64 CODEC(ZSTD(1)),
  emitter_id UInt64 CODEC(ZSTD(1)),
  start DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  value Float64 CODEC(ZSTD(1)),
  count UInt64 CODEC(ZSTD(1)),
  min Float64 CODEC(ZSTD(1)),
  max Float64 CODEC(ZSTD(1)),
  buckets Array(UInt64) CODEC(ZSTD(1)),
  scale Int32 CODEC(ZSTD(1)),
  zero_count UInt64 CODEC(ZSTD(1)),
  zero_threshold Float64 CODEC(ZSTD(1)),
  positive_offset Int32 CODEC(ZSTD(1)),
  positive Array(UInt64) CODEC(ZSTD(1)),
  negative_offset Int32 CODEC(ZSTD(1)),
  negative Array(UInt64) CODEC(ZSTD(1)),
  quantiles Array(Float64) CODEC(ZSTD(1)),
  quantile_values Array(Float64) CODEC(ZSTD(1)),
  flags UInt8 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))"""
"""``value`` is a number's value, or the sum of a distribution; ``min`` and ``max`` are NaN where nobody told them."""

POINT_COLUMNS = [line.split()[0] for line in _POINT.strip().splitlines()]

_SERIES = f"""
  name LowCardinality(String) CODEC(ZSTD(1)),
  series_id UInt64 CODEC(ZSTD(1)),
  day Date CODEC(ZSTD(1)),
  type {TYPES} CODEC(ZSTD(1)),
  unit LowCardinality(String) CODEC(ZSTD(1)),
  description String CODEC(ZSTD(1)),
  temporality UInt8 CODEC(ZSTD(1)),
  is_monotonic UInt8 CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  resource {MAP} CODEC(ZSTD(1)),
  attributes {MAP} CODEC(ZSTD(1)),
  bounds Array(Float64) CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))"""

METRICS_IN = f"""
CREATE TABLE IF NOT EXISTS metrics_in (
{_POINT.replace(" CODEC(ZSTD(1))", "").replace(" CODEC(DoubleDelta, ZSTD(1))", "").replace(" CODEC(Delta, ZSTD(1))", "")},
  type {TYPES}, unit LowCardinality(String), description String, temporality UInt8, is_monotonic UInt8,
  service LowCardinality(String), resource {MAP}, attributes {MAP}, bounds Array(Float64),
  exemplars Array(Tuple(attributes Array(Tuple(key LowCardinality(String), value String)), time UInt64, value Float64,
    span_id String, trace_id String))
) ENGINE = Null
"""

_SETTINGS = f"""ttl_only_drop_parts = 1, {PARTS},
  non_replicated_deduplication_window = 1000"""

# The same point sent twice is one row after the next merge; until then the reader drops the copy.
METRIC_POINTS = f"""
CREATE TABLE IF NOT EXISTS metric_points ({_POINT}
) ENGINE = ReplacingMergeTree(received)
PARTITION BY toDate(received)
ORDER BY (name, toStartOfHour(time), series_id, time, emitter_id, start)
TTL received + INTERVAL {{retention}} SECOND
SETTINGS index_granularity = 4096, {_SETTINGS}
"""

# One row a series and a day of receipt, so that a series lives as long as its points do.
METRIC_SERIES = f"""
CREATE TABLE IF NOT EXISTS metric_series ({_SERIES}
) ENGINE = ReplacingMergeTree(received)
PARTITION BY day
ORDER BY (name, series_id)
TTL received + INTERVAL {{retention}} SECOND
SETTINGS index_granularity = 256, {_SETTINGS}
"""

METRIC_EXEMPLARS = f"""
CREATE TABLE IF NOT EXISTS metric_exemplars (
  name LowCardinality(String) CODEC(ZSTD(1)),
  time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  series_id UInt64 CODEC(ZSTD(1)),
  value Float64 CODEC(ZSTD(1)),
  trace_id FixedString(16) CODEC(ZSTD(1)),
  span_id FixedString(8) CODEC(ZSTD(1)),
  attributes {MAP} CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(received)
PARTITION BY toDate(received)
ORDER BY (name, time, series_id, trace_id, span_id)
TTL received + INTERVAL {{retention}} SECOND
SETTINGS index_granularity = 1024, {_SETTINGS}
"""

# What a metric is and when it was last heard of, by service: a few rows a load, so that the list never reads points.
METRIC_NAMES = f"""
CREATE TABLE IF NOT EXISTS metric_names (
  name LowCardinality(String),
  service LowCardinality(String),
  type SimpleAggregateFunction(anyLast, {TYPES}),
  unit SimpleAggregateFunction(anyLast, LowCardinality(String)),
  description SimpleAggregateFunction(anyLast, String),
  first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
  last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
  point_count SimpleAggregateFunction(sum, UInt64),
  received SimpleAggregateFunction(max, DateTime)
) ENGINE = AggregatingMergeTree
ORDER BY (name, service)
TTL received + INTERVAL {{retention}} SECOND
SETTINGS index_granularity = 256, {PARTS}, non_replicated_deduplication_window = 1000
"""

POINTS_VIEW = f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS metric_points_from_in TO metric_points AS
SELECT {", ".join(POINT_COLUMNS)} FROM metrics_in
"""

# A series that this day has already is not written again: with a point a minute and a load a second it would be each time.
SERIES_VIEW = """
CREATE MATERIALIZED VIEW IF NOT EXISTS metric_series_from_in TO metric_series AS
SELECT name, series_id, toDate(m.received) AS day, any(m.type) AS type, any(m.unit) AS unit, any(m.description) AS description,
  any(m.temporality) AS temporality, any(m.is_monotonic) AS is_monotonic, any(m.service) AS service, any(m.resource) AS resource,
  any(m.attributes) AS attributes, any(m.bounds) AS bounds, max(m.received) AS received
FROM metrics_in AS m
WHERE (series_id, toDate(m.received)) NOT IN (SELECT series_id, day FROM metric_series WHERE day >= today() - 1)
GROUP BY name, series_id, day
"""

EXEMPLARS_VIEW = f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS metric_exemplars_from_in TO metric_exemplars AS
SELECT name, fromUnixTimestamp64Nano(toInt64(e.time), 'UTC') AS time, series_id, e.value AS value,
  toFixedString(e.trace_id, 16) AS trace_id, toFixedString(substring(e.span_id, 1, 8), 8) AS span_id,
  CAST(e.attributes, '{MAP}') AS attributes, received
FROM (SELECT name, series_id, received, arrayJoin(exemplars) AS e FROM metrics_in WHERE notEmpty(exemplars))
WHERE length(e.trace_id) = 16 AND e.time > 0 AND e.time < 4102444800000000000
"""

NAMES_VIEW = """
CREATE MATERIALIZED VIEW IF NOT EXISTS metric_names_from_in TO metric_names AS
SELECT name, service, anyLast(m.type) AS type, anyLast(m.unit) AS unit, anyLast(m.description) AS description,
  min(m.time) AS first_time, max(m.time) AS last_time, count() AS point_count, max(m.received) AS received
FROM metrics_in AS m GROUP BY name, service
"""

METRICS_MIGRATION: tuple[str, ...] = (
    METRICS_IN,
    METRIC_POINTS,
    METRIC_SERIES,
    METRIC_EXEMPLARS,
    METRIC_NAMES,
    POINTS_VIEW,
    SERIES_VIEW,
    EXEMPLARS_VIEW,
    NAMES_VIEW,
)
"""The step of the schema; the table `metrics` of version 1 stays as it is until its retention has emptied it."""

METRICS_RETENTION: dict[str, str] = dict.fromkeys(
    ("metric_points", "metric_series", "metric_exemplars", "metric_names"), "metrics"
)

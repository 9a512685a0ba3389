"""All tables and views, as a list of migrations. Version N is reached by running steps 1..N in order."""

from __future__ import annotations

from coldtrail.store.keys.sql import keys_from_logs, keys_from_spans
from coldtrail.store.schema.calls import CALL_SPANS_SELECT, CALLS_MIGRATION, CALLS_RETENTION
from coldtrail.store.schema.cold_starts import COLD_STARTS_MIGRATION, COLD_STARTS_RETENTION
from coldtrail.store.schema.deliveries import DELIVERIES
from coldtrail.store.schema.invocations import (
    INVOCATIONS,
    INVOCATIONS_FROM_LOGS,
    INVOCATIONS_FROM_SPANS,
    INVOCATIONS_OF_SPANS,
)
from coldtrail.store.schema.learned import LEARNED_MIGRATION
from coldtrail.store.schema.metrics import METRICS_MIGRATION, METRICS_RETENTION
from coldtrail.store.schema.minutes import LATER_MIGRATION, MINUTES_MIGRATION, MINUTES_RETENTION
from coldtrail.store.schema.outcomes import OUTCOMES
from coldtrail.store.schema.request_hashes import REQUEST_HASHES_MIGRATION
from coldtrail.store.schema.requests import REQUESTS_MIGRATION, REQUESTS_RETENTION
from coldtrail.store.schema.signals import EMITTERS, KEYS, LOGS, METRICS, SPANS
from coldtrail.store.schema.sli import SLI_MIGRATION
from coldtrail.store.schema.table import COMPACT, ENCODING
from coldtrail.store.schema.traces import RED, RED_VIEW, TRACES, TRACES_SELECT, TRACES_VIEW
from coldtrail.store.schema.trails import INFERRED, MEMBERS, TRAILS
from coldtrail.store.schema.usage import METRIC_UPDATES_MIGRATION, USAGE_MIGRATION, USAGE_RETENTION

VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version UInt32, applied DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY version"

_TABLES_OF_16 = (
    *("emitters", "spans", "traces", "red", "keys", "invocations", "trails", "trail_members", "inferred_edges", "deliveries"),
    *("outcomes", "logs", "metrics", "metric_points", "metric_series", "metric_exemplars", "metric_names", "calls", "named"),
    *("message_keys", "hops", "requests", "runs", "usage", "function_minutes", "entry_minutes", "summed_minutes"),
)
"""What a store of version 16 has: a step names nothing that a later one makes."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        SPANS,
        LOGS,
        METRICS,
        EMITTERS,
        KEYS,
        INVOCATIONS,
        RED,
        TRACES,
        TRAILS,
        MEMBERS,
        RED_VIEW,
        TRACES_VIEW,
        keys_from_spans(),
        keys_from_logs(),
        INVOCATIONS_FROM_SPANS,
        INVOCATIONS_FROM_LOGS,
    ),
    (
        INFERRED,
        f"ALTER TABLE spans MODIFY SETTING {COMPACT.removeprefix(', ')}",
    ),
    METRICS_MIGRATION,
    (*CALLS_MIGRATION, *REQUESTS_MIGRATION),
    (DELIVERIES,),
    USAGE_MIGRATION,
    COLD_STARTS_MIGRATION,
    LEARNED_MIGRATION,
    METRIC_UPDATES_MIGRATION,
    (
        f"ALTER TABLE traces_from_spans MODIFY QUERY {TRACES_SELECT}",
        f"ALTER TABLE invocations_from_spans MODIFY QUERY {INVOCATIONS_OF_SPANS}",
    ),
    SLI_MIGRATION,
    (OUTCOMES,),
    MINUTES_MIGRATION,
    REQUEST_HASHES_MIGRATION,
    (f"ALTER TABLE call_spans_from_spans MODIFY QUERY {CALL_SPANS_SELECT}",),
    LATER_MIGRATION,
    tuple(f"ALTER TABLE {table} MODIFY SETTING {ENCODING}" for table in _TABLES_OF_16),
)
"""Each inner tuple takes the schema from one version to the next.

A store that exists never runs a step again, so what changes goes into a new one at the end. `tests/data/store/` keeps what
version 1 wrote.
"""

RETENTION: dict[str, str] = {
    "spans": "spans",
    "traces": "spans",
    "red": "spans",
    "keys": "spans",
    "invocations": "spans",
    "trails": "spans",
    "trail_members": "spans",
    "inferred_edges": "spans",
    "deliveries": "spans",
    "outcomes": "spans",
    "logs": "logs",
    "metrics": "metrics",
    **METRICS_RETENTION,
    **CALLS_RETENTION,
    **REQUESTS_RETENTION,
    **COLD_STARTS_RETENTION,
    **USAGE_RETENTION,
    **MINUTES_RETENTION,
}
"""Which retention setting governs which table."""

"""The statements that load a segment: the engine decodes, flattens and inserts in one go.

Each takes its rows from ``{source}``: `file(segment, 'Protobuf', structure)` on the embedded engine, the
insert's own body on a server. ``{received}`` is the segment's creation time in Unix seconds, so that a
load repeated after a crash makes the same rows and the deduplication token drops them.
"""

from __future__ import annotations

from coldtrail.model.signals import Signal
from coldtrail.store.anyvalue import sql_text
from coldtrail.store.loading.metrics import LOAD_METRICS
from coldtrail.store.schema.table import MAP


def _value(attributes: str, key: str) -> str:
    return f"arrayFirst(pair -> pair.key = '{key}', {attributes}).value"


_SERVICE = (
    f"CAST(multiIf({sql_text('service_name')} != '', {sql_text('service_name')}, "
    f"{sql_text('faas_name')} != '', {sql_text('faas_name')}, 'unknown_service'), 'LowCardinality(String)')"
)

_GROUPS = f"""
  SELECT service, sipHash64(resource_hash, group.scope, group.schema_url) AS emitter_id, group
  FROM (
    SELECT {_SERVICE} AS service, resource_hash, arrayJoin(scope_groups) AS group
    FROM (
      SELECT {_value("r.resource.attributes", "service.name")} AS service_name,
        {_value("r.resource.attributes", "faas.name")} AS faas_name,
        sipHash64(r.resource, r.schema_url) AS resource_hash, r.scope_groups AS scope_groups
      FROM (SELECT arrayJoin(resource_groups) AS r FROM {{source}})
    )
  )
"""

EMITTERS = f"""
INSERT INTO emitters
SELECT DISTINCT sipHash64(sipHash64(r.resource, r.schema_url), group.scope, group.schema_url) AS emitter_id,
  CAST(r.resource.attributes, '{MAP}'), r.resource.dropped_attributes_count, r.schema_url,
  group.scope.name, group.scope.version, CAST(group.scope.attributes, '{MAP}'), group.scope.dropped_attributes_count,
  group.schema_url, toDateTime({{received}})
FROM (
  SELECT r, arrayJoin(r.scope_groups) AS group FROM (SELECT arrayJoin(resource_groups) AS r FROM {{source}})
)
"""

_SPANS = f"""
INSERT INTO spans
SELECT s.trace_id, s.span_id, s.parent_span_id, s.name, s.kind,
  fromUnixTimestamp64Nano(toInt64(s.start_time_unix_nano), 'UTC') AS start,
  toInt64(s.end_time_unix_nano) - toInt64(s.start_time_unix_nano) AS duration_ns,
  s.status.code, s.status.message, service, emitter_id, CAST(s.attributes, '{MAP}'), s.events, s.links, s.flags,
  if(s.trace_state = '' AND s.dropped_attributes_count + s.dropped_events_count + s.dropped_links_count = 0, '',
    toJSONString((s.trace_state, s.dropped_attributes_count, s.dropped_events_count, s.dropped_links_count))) AS rest,
  toDateTime({{received}}) AS received
FROM (SELECT service, emitter_id, arrayJoin(group.items) AS s FROM ({_GROUPS}))
"""

# A record of an execution's history belongs to its execution, and a line of an access log to the request that it tells
# of, as a line of a function belongs to its request.
_REQUEST = (
    f"multiIf(startsWith(l.event_name, 'stepfunctions.'), "
    f"{sql_text(_value('l.attributes', 'aws.step_functions.execution.arn'))}, "
    f"l.event_name = 'apigateway.access', {sql_text(_value('l.attributes', 'aws.api_gateway.request_id'))}, "
    f"{sql_text(_value('l.attributes', 'faas.invocation_id'))})"
)

# Who says neither when it was nor when it was observed leaves it to who receives it.
_TIME = (
    "multiIf(l.time_unix_nano != 0, l.time_unix_nano, l.observed_time_unix_nano != 0, l.observed_time_unix_nano, "
    "toUInt64({received}) * 1000000000)"
)

_LOGS = f"""
INSERT INTO logs
SELECT fromUnixTimestamp64Nano(toInt64({_TIME}), 'UTC') AS time,
  fromUnixTimestamp64Nano(toInt64(l.observed_time_unix_nano), 'UTC') AS observed_time,
  l.trace_id, l.span_id, {_REQUEST} AS request_id,
  l.severity_number, l.severity_text, l.event_name, {sql_text("l.body")} AS body,
  if(startsWith(l.body, '\\n') AND l.body != '\\n\\0', '', l.body) AS body_value, service, emitter_id, CAST(l.attributes, '{MAP}'),
  l.dropped_attributes_count, l.flags, toDateTime({{received}}) AS received
FROM (SELECT service, emitter_id, arrayJoin(group.items) AS l FROM ({_GROUPS}))
"""

LOAD: dict[Signal, tuple[tuple[str, str], ...]] = {
    "traces": (("emitters", EMITTERS), ("spans", _SPANS)),
    "logs": (("emitters", EMITTERS), ("logs", _LOGS)),
    "metrics": (("emitters", EMITTERS), ("metrics_in", LOAD_METRICS)),
}
"""Per signal, in order: the table and its statement. Emitters come first, so no row ever lacks its own."""

"""Figures of an API Gateway from its own spans (X-Ray's segments of a stage), or from its access log where it has none.

A gateway's segment is named `api/stage`, so an API is found by its name with any stage. Sources: AWS X-Ray Developer
Guide ("Amazon API Gateway active tracing support"), Amazon API Gateway Developer Guide ("API Gateway mapping template and access
logging variable reference": `integrationLatency`, `responseLatency` in milliseconds).
"""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_number, sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.figures.calls import CODE
from coldtrail.store.figures.steps import Figures, Steps, columns, in_range, step_of

ACCESS = "apigateway.access"
_WAYS = ("count", "client_error_share", "server_error_share", "latency_p95", "integration_p95")

_OF_API = f"""PREWHERE kind = 2 AND (service = {{name:String}} OR startsWith(service, concat({{name:String}}, '/')))
WHERE {in_range("start")}"""

_SPANS = f"""
SELECT {step_of("start")} AS step, count(), avg(code BETWEEN 400 AND 499), avg(code >= 500),
  quantileTDigest(0.95)(duration_ns / 1e6)
FROM (SELECT start, duration_ns, {CODE} AS code FROM spans {_OF_API}) GROUP BY step ORDER BY step
"""

_INTEGRATIONS = f"""
SELECT {step_of("start")} AS step, quantileTDigest(0.95)(duration_ns / 1e6) FROM spans
WHERE {in_range("start")} AND kind != 2
  AND (trace_id, parent_span_id) IN (SELECT trace_id, span_id FROM spans {_OF_API})
GROUP BY step ORDER BY step
"""


def _ms(field: str) -> str:
    raw = f"attributes['{field}']"
    return f"coalesce({sql_number(raw)}, toFloat64OrNull({sql_text(raw)}))"


_LINES = f"""
SELECT {step_of("time")} AS step, count(), avg(code BETWEEN 400 AND 499), avg(code >= 500),
  quantileTDigestIf(0.95)(latency_ms, isNotNull(latency_ms)),
  quantileTDigestIf(0.95)(integration_ms, isNotNull(integration_ms))
FROM (
  SELECT time, {CODE} AS code, {_ms("responseLatency")} AS latency_ms, {_ms("integrationLatency")} AS integration_ms
  FROM logs WHERE {in_range("time")} AND event_name = '{ACCESS}' AND service = {{name:String}})
GROUP BY step ORDER BY step
"""


def figures_of_api(engine: Engine, name: str, steps: Steps) -> Figures:
    """Return the figures of an API; reads the attributes of the range's spans of it, or of its access log."""
    parameters = steps.parameters(name=name)
    ways = tuple(f"api.{way}" for way in _WAYS)
    spans = columns(engine.rows(_SPANS, parameters), ways[:4])
    if not spans:
        return columns(engine.rows(_LINES, parameters), ways)
    return spans | columns(engine.rows(_INTEGRATIONS, parameters), ways[4:])


_ALL_REQUESTS = """
SELECT intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {since:Int64}, {step:Int64}) AS step,
  greatest(sumIf(u.count, operation != 'access'), sumIf(u.count, operation = 'access'))
FROM usage AS u
WHERE minute >= toStartOfMinute(fromUnixTimestamp64Nano({since:Int64})) AND minute < fromUnixTimestamp64Nano({until:Int64})
  AND kind = 'apigateway'
GROUP BY step ORDER BY step
"""


def requests_of_all_apis(engine: Engine, steps: Steps) -> Figures:
    """Return the requests to all gateways, of their segments or access logs, whichever tell of more; reads the roll-up of usage."""
    return columns(engine.rows(_ALL_REQUESTS, steps.parameters()), ("api.count",))

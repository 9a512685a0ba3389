"""AWS Lambda: a function, one sandbox per concurrent invocation.

Sources: AWS Lambda Developer Guide ("Lambda Telemetry API event schema reference"), OpenTelemetry semantic
conventions ("FaaS spans", "AWS Lambda"): `faas.invocation_id` is the request id. An SDK's client span has an
`aws.request_id` too, but that is the id of the API call it made, so it is no key of an invocation.
"""

from __future__ import annotations

from coldtrail.services.service import CONSUMER, SERVER, Service, log_key, span_key

LAMBDA = Service(
    id="lambda",
    name="AWS Lambda",
    carries="function",
    keys=(
        span_key("gives", "request_id", "faas.invocation_id", span_kinds=(SERVER, CONSUMER)),
        log_key("gives", "request_id", "faas.invocation_id", event_prefix="platform."),
        log_key("mentions", "xray_trace_id", "aws.xray.trace_id"),
        span_key("mentions", "correlation_id", "correlation_id"),
        log_key("mentions", "correlation_id", "correlation_id"),
    ),
)

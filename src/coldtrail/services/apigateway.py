"""Amazon API Gateway: REST, HTTP and WebSocket APIs in front of functions.

The gateway gives a request its id, tells it to the client (`x-amzn-requestid`, `apigw-requestid`), writes it to its
access log and hands it to the function. Powertools takes it as the correlation id of a function's log lines.
Sources: Amazon API Gateway Developer Guide ("API Gateway mapping template and access logging variable reference":
`$context.requestId`, `$context.extendedRequestId`, `$context.integration.requestId` of a function), AWS Lambda
Developer Guide ("Invoking a Lambda function using an API Gateway endpoint"), AWS X-Ray Developer Guide ("Segment
documents": `aws.api_gateway`), Powertools for AWS Lambda ("Built-in correlation ID expressions").
"""

from __future__ import annotations

from coldtrail.services.service import (
    SERVER,
    CloudWatch,
    Derived,
    Envelope,
    Metric,
    Quota,
    Service,
    log_key,
    mentions,
    span_key,
    takes,
)

NAMESPACE = "AWS/ApiGateway"
_REST = 'Amazon API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics"'
_LIMITS = 'Amazon API Gateway Developer Guide, "Amazon API Gateway quotas"'


def _of(rest: str, http: str, over: str = "") -> tuple[CloudWatch, ...]:
    """A metric of REST and WebSocket APIs, known by their name, and of HTTP APIs, by their id."""
    return (
        CloudWatch(NAMESPACE, rest, by="ApiName", over=over),
        CloudWatch(NAMESPACE, http, by="ApiId", over=over),
    )


METRICS = (
    Metric(
        id="requests",
        name="Requests",
        unit="count",
        stat="sum",
        high="more demand, a retrying client, or somebody probing",
        low="clients cannot reach it: DNS, certificate, a firewall, a release of theirs",
        trouble="the functions behind it scale with it",
        source=_REST,
        cloudwatch=_of("Count", "Count"),
        derived=Derived("api.count", "server spans and access-log lines of the API"),
    ),
    Metric(
        id="client_errors",
        name="4xx share",
        unit="share",
        stat="avg",
        high="a client release, an expired token, or throttling (429)",
        low="good",
        trouble="who asks is refused before any function runs",
        source=_REST,
        cloudwatch=_of("4XXError", "4xx", over="Count"),
        derived=Derived("api.client_error_share", "status codes of server spans and access-log lines"),
    ),
    Metric(
        id="server_errors",
        name="5xx share",
        unit="share",
        stat="avg",
        high="the function behind it fails, is throttled, or answers too late (504)",
        low="good",
        trouble="users see it",
        source=_REST,
        cloudwatch=_of("5XXError", "5xx", over="Count"),
        derived=Derived("api.server_error_share", "status codes of server spans and access-log lines"),
    ),
    Metric(
        id="latency",
        name="Latency, p95",
        unit="ms",
        stat="p95",
        high="the integration is slow, or the gateway is: compare the two",
        low="good, unless all are errors",
        trouble="what the client waits for, all told",
        source=_REST,
        cloudwatch=_of("Latency", "Latency"),
        derived=Derived("api.latency_p95", "durations of server spans, responseLatency of access-log lines"),
    ),
    Metric(
        id="integration_latency",
        name="Integration latency, p95",
        unit="ms",
        stat="p95",
        high="the function is slow, cold or waiting",
        low="good",
        trouble="at 29 seconds the client gets 504 while the function works on",
        source=_REST,
        cloudwatch=_of("IntegrationLatency", "IntegrationLatency"),
        derived=Derived(
            "api.integration_p95", "the calls below the gateway's own spans, integrationLatency of access logs"
        ),
    ),
)

QUOTAS = (
    Quota(
        id="apigateway.requests",
        name="Requests per second, all APIs",
        value=10_000,
        unit="count",
        soft=True,
        per="account and region",
        explained="A token bucket for all APIs of the region: so many a second, with a burst above; beyond it clients get 429.",
        source=_LIMITS,
        metric="requests",
        per_s=1,
    ),
    Quota(
        id="apigateway.integration_timeout",
        name="Time for the integration to answer",
        value=29_000,
        unit="ms",
        soft=True,
        per="resource",
        explained="29 seconds; longer only for regional and private REST APIs, against a lower request rate. HTTP APIs: 30.",
        source=_LIMITS,
        metric="integration_latency",
    ),
    Quota(
        id="apigateway.payload",
        name="Payload of a request",
        value=10_485_760,
        unit="bytes",
        soft=False,
        per="resource",
        explained="10 MB; a function behind it takes 6 MB.",
        source=_LIMITS,
    ),
)

API_GATEWAY = Service(
    id="apigateway",
    name="Amazon API Gateway",
    carries="api",
    keys=(
        span_key("gives", "request_id", "aws.xray.aws.api_gateway.request_id"),
        span_key("gives", "request_id", "aws.api_gateway.request_id", span_kinds=(SERVER,)),
        log_key("gives", "request_id", "aws.api_gateway.request_id"),
        log_key("mentions", "request_id", "aws.api_gateway.extended_request_id"),
        log_key("mentions", "request_id", "integrationRequestId"),
        log_key("mentions", "correlation_id", "aws.api_gateway.request_id"),
    ),
    envelopes=(
        Envelope(
            when=(("requestContext.requestId", ()), ("requestContext.stage", ())),
            keys=(
                takes("request_id", "requestContext.requestId"),
                mentions("request_id", "requestContext.extendedRequestId"),
            ),
            destination="requestContext.apiId",
            sent="requestContext.requestTimeEpoch",
        ),
        Envelope(
            when=(("requestContext.requestId", ()), ("requestContext.http.method", ())), sent="requestContext.timeEpoch"
        ),
    ),
    metrics=METRICS,
    quotas=QUOTAS,
)

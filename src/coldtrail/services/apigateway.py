"""Amazon API Gateway: REST, HTTP and WebSocket APIs in front of functions.

The gateway gives a request its id, tells it to the client (`x-amzn-requestid`, `apigw-requestid`), writes it to its
access log and hands it to the function. Powertools takes it as the correlation id of a function's log lines.
Sources: Amazon API Gateway Developer Guide ("API Gateway mapping template and access logging variable reference":
`$context.requestId`, `$context.extendedRequestId`, `$context.integration.requestId` of a function), AWS Lambda
Developer Guide ("Invoking a Lambda function using an API Gateway endpoint"), AWS X-Ray Developer Guide ("Segment
documents": `aws.api_gateway`), Powertools for AWS Lambda ("Built-in correlation ID expressions").
"""

from __future__ import annotations

from coldtrail.services.service import SERVER, Envelope, Service, log_key, mentions, span_key, takes

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
)

"""AWS Lambda: a function, one sandbox per concurrent invocation.

A client span that calls `Invoke` learns the request id of the invocation that it caused. An invocation that failed
for good is told to its destination or dead-letter queue with its request id. An SDK's client span of another service
has an `aws.request_id` too, but that is the id of the API call it made, so it is no key of an invocation.

Sources: AWS Lambda Developer Guide ("Lambda Telemetry API event schema reference", "Capturing records of Lambda
asynchronous invocations": the destination's record, the dead-letter queue's attributes, "Retaining discarded
batches"), OpenTelemetry semantic conventions ("FaaS spans", "AWS Lambda", "AWS SDK").
"""

from __future__ import annotations

from coldtrail.services.service import (
    CLIENT,
    CONSUMER,
    SERVER,
    Condition,
    Envelope,
    Service,
    log_key,
    mentions,
    span_key,
    takes,
)

INVOKES = Condition(("rpc.method",), ("Invoke", "Lambda/Invoke", "InvokeAsync"))

LAMBDA = Service(
    id="lambda",
    name="AWS Lambda",
    carries="function",
    keys=(
        span_key("gives", "request_id", "faas.invocation_id", span_kinds=(SERVER, CONSUMER)),
        span_key("mentions", "request_id", "aws.request_id", span_kinds=(CLIENT,), when=(INVOKES,)),
        log_key("gives", "request_id", "faas.invocation_id", event_prefix="platform."),
        log_key("mentions", "xray_trace_id", "aws.xray.trace_id"),
    ),
    envelopes=(
        Envelope(
            when=(("requestContext.requestId", ()), ("requestContext.functionArn", ())),
            keys=(takes("request_id", "requestContext.requestId"),),
            destination="requestContext.functionArn",
            sent="timestamp",
            receive_count="requestContext.approximateInvokeCount",
        ),
        Envelope(
            when=(("KinesisBatchInfo.streamArn", ()),),
            keys=(mentions("sequence_number", "KinesisBatchInfo.startSequenceNumber"),),
            destination="KinesisBatchInfo.streamArn",
            order_group="KinesisBatchInfo.shardId",
        ),
        Envelope(
            when=(("eventSource", ("aws:sqs",)), ("messageAttributes.RequestID.stringValue", ())),
            keys=(takes("request_id", "messageAttributes.RequestID.stringValue"),),
        ),
    ),
)

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
    CloudWatch,
    Condition,
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

INVOKES = Condition(("rpc.method",), ("Invoke", "Lambda/Invoke", "InvokeAsync"))

NAMESPACE = "AWS/Lambda"
INSIGHTS = "LambdaInsights"
_TYPES = 'AWS Lambda Developer Guide, "Types of metrics for Lambda functions"'
_INSIGHTS = 'Amazon CloudWatch User Guide, "Metrics collected by Lambda Insights"'
_LIMITS = 'AWS Lambda Developer Guide, "Lambda quotas"'
_TURN_ON = "Turn on Lambda Insights for the function, or send its log group: REPORT lines tell it too."


def _of(metric: str) -> tuple[CloudWatch, ...]:
    return (CloudWatch(NAMESPACE, metric, by="FunctionName"),)


METRICS = (
    Metric(
        id="invocations",
        name="Invocations",
        unit="count",
        stat="sum",
        high="more work than usual: retries, a loop, or success",
        low="the event source has stopped, or the caller fails before it",
        trouble="a broken trigger shows as silence here, never as an error",
        source=_TYPES,
        cloudwatch=_of("Invocations"),
        derived=Derived("function.count", "invocations known from REPORT lines and spans"),
    ),
    Metric(
        id="errors",
        name="Errors",
        unit="count",
        stat="sum",
        high="the code raises, times out or runs out of memory",
        low="good",
        trouble="asynchronous callers retry twice, streams retry until the records expire",
        source=_TYPES,
        cloudwatch=_of("Errors"),
        derived=Derived("function.errors", "invocations that ended in an error, a time-out or out of memory"),
    ),
    Metric(
        id="throttles",
        name="Throttles",
        unit="count",
        stat="sum",
        high="no concurrency left: the function's reserved part, or the account's",
        low="good",
        trouble="synchronous callers get 429; events wait and age",
        source=_TYPES,
        cloudwatch=_of("Throttles"),
        derived=Derived(
            "function.throttles", "calls of Invoke in spans that were refused with TooManyRequestsException"
        ),
    ),
    Metric(
        id="concurrent_executions",
        name="Concurrent executions",
        unit="count",
        stat="max",
        high="near the function's reserved or the account's concurrency",
        low="quiet",
        trouble="at the limit further invocations are throttled",
        source=_TYPES,
        cloudwatch=_of("ConcurrentExecutions"),
        derived=Derived("function.concurrency", "most invocations that overlap, by their start and duration"),
    ),
    Metric(
        id="duration",
        name="Duration, p95",
        unit="ms",
        stat="p95",
        high="slow dependencies, too little memory (CPU grows with it), larger input",
        low="work is skipped, if it falls at once",
        trouble="time-outs, cost, and concurrency used up by waiting",
        source=_TYPES,
        cloudwatch=_of("Duration"),
        derived=Derived("function.duration_p95", "durations of REPORT lines, of spans where there are none"),
    ),
    Metric(
        id="memory_used",
        name="Memory used",
        unit="MB",
        stat="max",
        high="close to the size: out of memory comes next",
        low="the size may be lowered, unless the CPU that comes with it is needed",
        trouble="an invocation that runs out of memory is killed without a stack trace",
        source=_INSIGHTS,
        cloudwatch=(CloudWatch(INSIGHTS, "used_memory_max", by="function_name"),),
        derived=Derived("function.memory_used", "Max Memory Used of REPORT lines"),
        brings=_TURN_ON,
    ),
    Metric(
        id="memory_size",
        name="Memory size",
        unit="MB",
        stat="max",
        high="paid for, used or not",
        low="little CPU as well",
        trouble="what memory used is held against",
        source=_INSIGHTS,
        cloudwatch=(CloudWatch(INSIGHTS, "total_memory", by="function_name"),),
        derived=Derived("function.memory_size", "Memory Size of REPORT lines"),
        brings=_TURN_ON,
    ),
    Metric(
        id="init_duration",
        name="Init duration, p95",
        unit="ms",
        stat="p95",
        high="a large package, work at import, a slow extension",
        low="good",
        trouble="whoever hits a cold start waits so long on top",
        source=_INSIGHTS,
        cloudwatch=(CloudWatch(INSIGHTS, "init_duration", by="function_name"),),
        derived=Derived("function.init_p95", "Init Duration of REPORT lines"),
        brings=_TURN_ON,
    ),
    Metric(
        id="async_event_age",
        name="Age of asynchronous events",
        unit="ms",
        stat="max",
        high="events queue up: throttling, or retries after errors",
        low="good",
        trouble="an event is dropped after six hours, or when its retries are used up",
        source=_TYPES,
        cloudwatch=_of("AsyncEventAge"),
        derived=Derived(
            "function.event_wait_max", "longest from an event's sending to its taking, of events of buses and buckets"
        ),
    ),
    Metric(
        id="async_events_dropped",
        name="Asynchronous events dropped",
        unit="count",
        stat="sum",
        high="work is lost unless a dead-letter queue or a destination keeps it",
        low="good",
        trouble="retries used up, or older than the event's maximum age",
        source=_TYPES,
        cloudwatch=_of("AsyncEventsDropped"),
    ),
    Metric(
        id="dead_letter_errors",
        name="Dead-letter errors",
        unit="count",
        stat="sum",
        high="what failed could not be kept either",
        low="good",
        trouble="a missing permission, a deleted queue, or an event too large for it",
        source=_TYPES,
        cloudwatch=_of("DeadLetterErrors"),
    ),
    Metric(
        id="iterator_age",
        name="Iterator age",
        unit="ms",
        stat="max",
        high="the function falls behind its stream: a poison record, too few shards, slow code",
        low="good",
        trouble="records expire unread once it passes the stream's retention",
        source=_TYPES,
        cloudwatch=_of("IteratorAge"),
        derived=Derived(
            "function.stream_wait_max", "longest from a record's writing to its taking, by sequence numbers"
        ),
    ),
    Metric(
        id="account_concurrent_executions",
        name="Concurrent executions, all functions",
        unit="count",
        stat="max",
        high="one busy function takes the concurrency of all others",
        low="quiet",
        trouble="at the account's limit every function is throttled, however little it does",
        source=_TYPES,
        cloudwatch=(CloudWatch(NAMESPACE, "ConcurrentExecutions"),),
        derived=Derived("account.concurrency", "most invocations of any function that overlap"),
        scope="account",
    ),
    Metric(
        id="account_invocations",
        name="Invocations, all functions",
        unit="count",
        stat="sum",
        high="a loop between functions shows here first",
        low="an entry to the whole system is closed",
        trouble="what the bill follows",
        source=_TYPES,
        cloudwatch=(CloudWatch(NAMESPACE, "Invocations"),),
        derived=Derived("account.count", "invocations of all functions known from REPORT lines and spans"),
        scope="account",
    ),
    Metric(
        id="account_errors",
        name="Errors, all functions",
        unit="count",
        stat="sum",
        high="a shared dependency or a deployment",
        low="good",
        trouble="where many functions fail together, look below them",
        source=_TYPES,
        cloudwatch=(CloudWatch(NAMESPACE, "Errors"),),
        derived=Derived("account.errors", "failed invocations of all functions"),
        scope="account",
    ),
    Metric(
        id="account_throttles",
        name="Throttles, all functions",
        unit="count",
        stat="sum",
        high="the account's concurrency is used up",
        low="good",
        trouble="raise the quota, or reserve concurrency for what matters",
        source=_TYPES,
        cloudwatch=(CloudWatch(NAMESPACE, "Throttles"),),
        derived=Derived("account.throttles", "refused calls of Invoke in spans"),
        scope="account",
    ),
)

QUOTAS = (
    Quota(
        id="lambda.concurrent_executions",
        name="Concurrent executions",
        value=1_000,
        unit="count",
        soft=True,
        per="account and region",
        explained="One sandbox serves one request at a time: concurrency is requests per second times seconds each.",
        source=_LIMITS,
        metric="account_concurrent_executions",
    ),
    Quota(
        id="lambda.memory",
        name="Memory of a function",
        value=0,
        unit="MB",
        soft=True,
        per="resource",
        explained="The size set on the function, up to 10,240 MB; CPU grows with it, a full vCPU at 1,769 MB.",
        source=_LIMITS,
        metric="memory_used",
        limit_metric="memory_size",
    ),
    Quota(
        id="lambda.duration",
        name="Duration of an invocation",
        value=900_000,
        unit="ms",
        soft=False,
        per="resource",
        explained="15 minutes at most, less where the function's own time-out says so: put that in the settings.",
        source=_LIMITS,
        metric="duration",
    ),
    Quota(
        id="lambda.async_event_age",
        name="Age of an asynchronous event",
        value=21_600_000,
        unit="ms",
        soft=False,
        per="resource",
        explained="Lambda keeps an event for six hours at most, then drops it.",
        source='AWS Lambda Developer Guide, "Configuring error handling settings for asynchronous invocations"',
        metric="async_event_age",
    ),
    Quota(
        id="lambda.payload",
        name="Payload of a synchronous invocation",
        value=6_291_456,
        unit="bytes",
        soft=False,
        per="resource",
        explained="6 MB for the request and 6 MB for the answer; 1 MB for an asynchronous event.",
        source=_LIMITS,
    ),
)

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
            dead_letter_cause=("requestContext.condition",),
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
    metrics=METRICS,
    quotas=QUOTAS,
)

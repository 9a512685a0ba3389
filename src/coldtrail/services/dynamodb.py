"""Amazon DynamoDB: a table, and the stream of its changes.

The call that writes an item does not learn the id of the change; who wrote is known by a correlation id in the item
or by time. Sources: Amazon DynamoDB Developer Guide ("Change data capture for DynamoDB Streams"), DynamoDB Streams
API reference ("Record": `eventID` is unique), AWS Lambda Developer Guide ("Using Lambda with Amazon DynamoDB").
"""

from __future__ import annotations

from coldtrail.services.service import (
    CloudWatch,
    Derived,
    Envelope,
    Metric,
    Quota,
    Service,
    log_key,
    mentions,
    sent_and_received,
    takes,
)

NAMESPACE = "AWS/DynamoDB"
_TABLE = 'Amazon DynamoDB Developer Guide, "DynamoDB Metrics and dimensions"'
_LIMITS = 'Amazon DynamoDB Developer Guide, "Quotas in Amazon DynamoDB"'
_ASK = "Calls that ask for ReturnConsumedCapacity tell it in their spans; else the namespace AWS/DynamoDB of a metric stream."


def _of(metric: str, *also: str) -> tuple[CloudWatch, ...]:
    return (CloudWatch(NAMESPACE, metric, by="TableName", also=also),)


METRICS = (
    Metric(
        id="consumed_read",
        name="Consumed read capacity",
        unit="units",
        stat="sum",
        high="more reads, larger items, or a scan",
        low="nobody reads",
        trouble="near what is provisioned, reads are throttled",
        source=_TABLE,
        cloudwatch=_of("ConsumedReadCapacityUnits"),
        derived=Derived("calls.read_units", "the consumed capacity that spans of reads tell"),
        brings=_ASK,
    ),
    Metric(
        id="consumed_write",
        name="Consumed write capacity",
        unit="units",
        stat="sum",
        high="more writes, larger items, indexes that are written along",
        low="nobody writes",
        trouble="near what is provisioned, writes are throttled",
        source=_TABLE,
        cloudwatch=_of("ConsumedWriteCapacityUnits"),
        derived=Derived("calls.write_units", "the consumed capacity that spans of writes tell"),
        brings=_ASK,
    ),
    Metric(
        id="provisioned_read",
        name="Provisioned read capacity",
        unit="units",
        stat="avg",
        high="paid for, read or not",
        low="no room for a peak until scaling follows, minutes later",
        trouble="units per second; an on-demand table has none",
        source=_TABLE,
        cloudwatch=_of("ProvisionedReadCapacityUnits"),
    ),
    Metric(
        id="provisioned_write",
        name="Provisioned write capacity",
        unit="units",
        stat="avg",
        high="paid for, written or not",
        low="no room for a peak until scaling follows, minutes later",
        trouble="units per second; an on-demand table has none",
        source=_TABLE,
        cloudwatch=_of("ProvisionedWriteCapacityUnits"),
    ),
    Metric(
        id="throttled_requests",
        name="Throttled requests",
        unit="count",
        stat="sum",
        high="beyond the table's capacity, or one hot partition (3,000 reads, 1,000 writes a second)",
        low="good",
        trouble="SDKs retry silently: latency grows first, errors come later",
        source=_TABLE,
        cloudwatch=_of("ThrottledRequests", "Operation"),
        derived=Derived("failures.throttled", "calls in spans that were refused by a limit"),
    ),
    Metric(
        id="user_errors",
        name="User errors, all tables",
        unit="count",
        stat="sum",
        high="requests that are wrong (400): a missing key, a wrong type, no such table",
        low="good",
        trouble="a release; no retry will mend it. Failed conditions and throttling are not among them",
        source=_TABLE,
        cloudwatch=(CloudWatch(NAMESPACE, "UserErrors"),),
        derived=Derived(
            "failures.client_errors",
            "calls to this table in spans that failed with 400, without throttling and conditions",
        ),
    ),
    Metric(
        id="system_errors",
        name="System errors",
        unit="count",
        stat="sum",
        high="DynamoDB answers 500: see the AWS Health Dashboard",
        low="good",
        trouble="safe to retry; writes may have happened",
        source=_TABLE,
        cloudwatch=_of("SystemErrors", "Operation"),
        derived=Derived("failures.server_errors", "calls in spans that failed with 5xx"),
    ),
    Metric(
        id="latency",
        name="Latency, p95",
        unit="ms",
        stat="p95",
        high="large items, scans, or the caller's own network",
        low="good",
        trouble="server side only in CloudWatch; spans add network and the SDK's retries",
        source=_TABLE,
        cloudwatch=_of("SuccessfulRequestLatency", "Operation"),
        derived=Derived("calls.p95", "durations of the calls in spans, network and retries in them"),
    ),
)

QUOTAS = (
    Quota(
        id="dynamodb.provisioned_read",
        name="Provisioned read capacity",
        value=0,
        unit="units",
        soft=True,
        per="resource",
        explained="One unit reads 4 KB a second with strong consistency, 8 KB without; what is left over is kept for five minutes.",
        source=_LIMITS,
        metric="consumed_read",
        per_s=1,
        limit_metric="provisioned_read",
    ),
    Quota(
        id="dynamodb.provisioned_write",
        name="Provisioned write capacity",
        value=0,
        unit="units",
        soft=True,
        per="resource",
        explained="One unit writes 1 KB a second; every index is written as well.",
        source=_LIMITS,
        metric="consumed_write",
        per_s=1,
        limit_metric="provisioned_write",
    ),
    Quota(
        id="dynamodb.table_read",
        name="Read throughput of a table",
        value=40_000,
        unit="units",
        soft=True,
        per="resource",
        explained="Read units a second, on demand or provisioned; a single partition gives 3,000.",
        source=_LIMITS,
        metric="consumed_read",
        per_s=1,
    ),
    Quota(
        id="dynamodb.table_write",
        name="Write throughput of a table",
        value=40_000,
        unit="units",
        soft=True,
        per="resource",
        explained="Write units a second, on demand or provisioned; a single partition takes 1,000.",
        source=_LIMITS,
        metric="consumed_write",
        per_s=1,
    ),
)

DYNAMODB = Service(
    id="dynamodb",
    name="Amazon DynamoDB",
    carries="table",
    keys=(
        *sent_and_received("event_id", "aws.dynamodb.stream.event_id"),
        log_key("takes", "event_id", "stream_event_id"),
        log_key("takes", "event_id", "eventID"),
    ),
    envelopes=(
        Envelope(
            when=(("eventSource", ("aws:dynamodb",)),),
            keys=(takes("event_id", "eventID"),),
            destination="eventSourceARN",
            sent="dynamodb.ApproximateCreationDateTime",
        ),
        Envelope(
            when=(("DDBStreamBatchInfo.streamArn", ()),),
            keys=(mentions("sequence_number", "DDBStreamBatchInfo.startSequenceNumber"),),
            destination="DDBStreamBatchInfo.streamArn",
        ),
    ),
    metrics=METRICS,
    quotas=QUOTAS,
)

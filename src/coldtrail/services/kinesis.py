"""Amazon Kinesis Data Streams: an ordered log of records per shard.

Sources: Amazon Kinesis Data Streams Developer Guide ("Terminology": a sequence number is unique within its
shard), Kinesis API reference ("PutRecord", "PutRecordsResultEntry"), AWS Lambda Developer Guide ("Using Lambda
with Kinesis": the event).
"""

from __future__ import annotations

from coldtrail.services.service import (
    CloudWatch,
    Condition,
    Derived,
    Envelope,
    Metric,
    Quota,
    Service,
    log_key,
    logged_response,
    sent_and_received,
    takes,
)

NAMESPACE = "AWS/Kinesis"
_MONITORING = 'Amazon Kinesis Data Streams Developer Guide, "Monitor the Amazon Kinesis Data Streams service with Amazon CloudWatch"'
_LIMITS = 'Amazon Kinesis Data Streams Developer Guide, "Quotas and limits"'


def _of(*metrics: str) -> tuple[CloudWatch, ...]:
    return tuple(CloudWatch(NAMESPACE, metric, by="StreamName") for metric in metrics)


METRICS = (
    Metric(
        id="iterator_age",
        name="Iterator age",
        unit="ms",
        stat="max",
        high="a consumer falls behind: a poison record, slow code, too few shards",
        low="good",
        trouble="past the retention records are lost unread",
        source=_MONITORING,
        cloudwatch=_of("GetRecords.IteratorAgeMilliseconds"),
        derived=Derived(
            "messages.wait_max", "longest from a record's writing to its first taking, by sequence numbers"
        ),
    ),
    Metric(
        id="incoming_bytes",
        name="Incoming bytes",
        unit="bytes",
        stat="sum",
        high="near 1 MB a second and shard",
        low="producers have stopped",
        trouble="a hot partition key fills one shard long before the stream is full",
        source=_MONITORING,
        cloudwatch=_of("IncomingBytes"),
    ),
    Metric(
        id="incoming_records",
        name="Incoming records",
        unit="count",
        stat="sum",
        high="near 1,000 a second and shard",
        low="producers have stopped",
        trouble="compare with outgoing: the difference is what waits",
        source=_MONITORING,
        cloudwatch=_of("IncomingRecords"),
        derived=Derived("messages.sent", "records that a span or line wrote, by sequence numbers"),
    ),
    Metric(
        id="outgoing_bytes",
        name="Outgoing bytes",
        unit="bytes",
        stat="sum",
        high="near 2 MB a second and shard: consumers share it",
        low="nobody reads",
        trouble="more consumers than the shards' reading can serve",
        source=_MONITORING,
        cloudwatch=_of("GetRecords.Bytes"),
    ),
    Metric(
        id="outgoing_records",
        name="Outgoing records",
        unit="count",
        stat="sum",
        high="more consumers, or a batch that is read again and again",
        low="nobody reads",
        trouble="a batch that fails is read again until it succeeds or expires",
        source=_MONITORING,
        cloudwatch=_of("GetRecords.Records"),
        derived=Derived("messages.received", "deliveries: each attempt at each record"),
    ),
    Metric(
        id="write_throttled",
        name="Writes beyond the throughput",
        unit="count",
        stat="sum",
        high="a shard is full: more shards, or a better spread partition key",
        low="good",
        trouble="records of PutRecords are refused one by one, within an answer that is 200",
        source=_MONITORING,
        cloudwatch=_of("WriteProvisionedThroughputExceeded"),
        derived=Derived("failures.throttled", "calls in spans that were refused by a limit"),
    ),
    Metric(
        id="read_throttled",
        name="Reads beyond the throughput",
        unit="count",
        stat="sum",
        high="too many consumers poll a shard: five reads a second each",
        low="good",
        trouble="iterator age grows; enhanced fan-out gives each consumer its own reading",
        source=_MONITORING,
        cloudwatch=_of("ReadProvisionedThroughputExceeded"),
    ),
)

QUOTAS = (
    Quota(
        id="kinesis.incoming_bytes",
        name="Bytes written per second",
        value=1_048_576,
        unit="bytes",
        soft=True,
        per="resource",
        explained="1 MiB a second for each shard: for a stream of four, put 4194304 in the settings.",
        source=_LIMITS,
        metric="incoming_bytes",
        per_s=1,
    ),
    Quota(
        id="kinesis.incoming_records",
        name="Records written per second",
        value=1_000,
        unit="count",
        soft=True,
        per="resource",
        explained="1,000 a second for each shard: for a stream of four, put 4000 in the settings.",
        source=_LIMITS,
        metric="incoming_records",
        per_s=1,
    ),
    Quota(
        id="kinesis.outgoing_bytes",
        name="Bytes read per second",
        value=2_097_152,
        unit="bytes",
        soft=True,
        per="resource",
        explained="2 MiB a second for each shard, shared by consumers without enhanced fan-out.",
        source=_LIMITS,
        metric="outgoing_bytes",
        per_s=1,
    ),
    Quota(
        id="kinesis.retention",
        name="Age of a record",
        value=86_400_000,
        unit="ms",
        soft=True,
        per="resource",
        explained="Records are lost after the stream's retention: one day, unless set (up to 365).",
        source=_LIMITS,
        metric="iterator_age",
    ),
)

KINESIS = Service(
    id="kinesis",
    name="Amazon Kinesis Data Streams",
    carries="stream",
    keys=(
        *sent_and_received("sequence_number", "aws.kinesis.sequence_number", "aws.xray.aws.sequence_number"),
        *sent_and_received(
            "sequence_number",
            "messaging.message.id",
            when=(Condition(("messaging.system",), ("aws_kinesis", "aws.kinesis")),),
        ),
        log_key("gives", "sequence_number", "put_sequence_number"),
        log_key("gives", "sequence_number", "put_sequence_numbers"),
        *logged_response("sequence_number", "SequenceNumber", "Records"),
        log_key("takes", "sequence_number", "sequence_number"),
        log_key("takes", "sequence_number", "sequenceNumber"),
        log_key("takes", "sequence_number", "kinesis.sequenceNumber"),
        log_key("takes", "sequence_number", "record.kinesis.sequenceNumber"),
    ),
    envelopes=(
        Envelope(
            when=(("eventSource", ("aws:kinesis",)),),
            keys=(takes("sequence_number", "kinesis.sequenceNumber"),),
            payload=("kinesis.data",),
            base64=True,
            destination="eventSourceARN",
            sent="kinesis.approximateArrivalTimestamp",
            order_group="eventID",
        ),
    ),
    metrics=METRICS,
    quotas=QUOTAS,
)

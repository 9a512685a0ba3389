"""Amazon Data Firehose: delivers records in batches, and may have a function transform them on the way.

Sources: Amazon Data Firehose Developer Guide ("Transform source data": `recordId`, `kinesisRecordMetadata`),
Firehose API reference ("PutRecord", "PutRecordBatchResponseEntry").
"""

from __future__ import annotations

from coldtrail.services.service import (
    CloudWatch,
    Envelope,
    Metric,
    Quota,
    Service,
    log_key,
    logged_response,
    sent_and_received,
    takes,
)

NAMESPACE = "AWS/Firehose"
_MONITORING = 'Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose Using CloudWatch Metrics"'
_LIMITS = 'Amazon Data Firehose Developer Guide, "Amazon Data Firehose Quota"'
_DESTINATIONS = ("S3", "HttpEndpoint", "Redshift", "AmazonOpenSearchService", "Splunk")


def _of(*metrics: str, times: float = 1.0) -> tuple[CloudWatch, ...]:
    return tuple(CloudWatch(NAMESPACE, metric, by="DeliveryStreamName", times=times) for metric in metrics)


METRICS = (
    Metric(
        id="incoming_bytes",
        name="Incoming bytes",
        unit="bytes",
        stat="sum",
        high="near the delivery stream's limit",
        low="producers have stopped",
        trouble="what passes the limit is refused",
        source=_MONITORING,
        cloudwatch=_of("IncomingBytes"),
    ),
    Metric(
        id="incoming_records",
        name="Incoming records",
        unit="count",
        stat="sum",
        high="more records, or smaller ones: each is billed as 5 KB",
        low="producers have stopped",
        trouble="small records cost as much as large ones",
        source=_MONITORING,
        cloudwatch=_of("IncomingRecords"),
    ),
    Metric(
        id="freshness",
        name="Data freshness",
        unit="ms",
        stat="max",
        high="the destination refuses or is slow",
        low="good",
        trouble="age of the oldest record not delivered; after 24 hours it is lost",
        source=_MONITORING,
        cloudwatch=_of(*(f"DeliveryTo{name}.DataFreshness" for name in _DESTINATIONS), times=1000.0),
    ),
    Metric(
        id="delivery_success",
        name="Delivery success",
        unit="share",
        stat="avg",
        high="good",
        low="permissions, a full or missing destination, a transformation that fails",
        trouble="what fails goes to the error prefix of the bucket, if there is one",
        source=_MONITORING,
        cloudwatch=_of(*(f"DeliveryTo{name}.Success" for name in _DESTINATIONS)),
    ),
    Metric(
        id="throttled_records",
        name="Throttled records",
        unit="count",
        stat="sum",
        high="beyond the delivery stream's limit",
        low="good",
        trouble="producers must send them again, or they are lost",
        source=_MONITORING,
        cloudwatch=_of("ThrottledRecords"),
    ),
)

QUOTAS = (
    Quota(
        id="firehose.incoming_bytes",
        name="Bytes per second, direct PUT",
        value=1_048_576,
        unit="bytes",
        soft=True,
        per="resource",
        explained="1 MiB a second in most regions (5 MiB in the largest); a stream as source has no such limit.",
        source=_LIMITS,
        metric="incoming_bytes",
        per_s=1,
    ),
    Quota(
        id="firehose.incoming_records",
        name="Records per second, direct PUT",
        value=100_000,
        unit="count",
        soft=True,
        per="resource",
        explained="100,000 a second in most regions (500,000 in the largest); it scales together with bytes and requests.",
        source=_LIMITS,
        metric="incoming_records",
        per_s=1,
    ),
    Quota(
        id="firehose.retention",
        name="Age of a record not delivered",
        value=86_400_000,
        unit="ms",
        soft=False,
        per="resource",
        explained="Firehose keeps what it cannot deliver for 24 hours, with direct PUT as source.",
        source=_LIMITS,
        metric="freshness",
    ),
)

FIREHOSE = Service(
    id="firehose",
    name="Amazon Data Firehose",
    carries="stream",
    keys=(
        *sent_and_received("message_id", "aws.firehose.record_id"),
        *logged_response("message_id", "RecordId", "RequestResponses"),
        log_key("takes", "message_id", "recordId"),
    ),
    envelopes=(
        Envelope(
            when=(("recordId", ()), ("approximateArrivalTimestamp", ())),
            keys=(takes("message_id", "recordId"), takes("sequence_number", "kinesisRecordMetadata.sequenceNumber")),
            payload=("data",),
            base64=True,
            sent="approximateArrivalTimestamp",
        ),
    ),
    metrics=METRICS,
    quotas=QUOTAS,
)

"""Amazon Kinesis Data Streams: an ordered log of records per shard.

Sources: Amazon Kinesis Data Streams Developer Guide ("Terminology": a sequence number is unique within its
shard), Kinesis API reference ("PutRecord").
"""

from __future__ import annotations

from coldtrail.services.service import CLIENT, CONSUMER, PRODUCER, SERVER, Service, log_key, span_key

KINESIS = Service(
    id="kinesis",
    name="Amazon Kinesis Data Streams",
    carries="stream",
    keys=(
        span_key("gives", "sequence_number", "aws.kinesis.sequence_number", span_kinds=(CLIENT, PRODUCER)),
        span_key("takes", "sequence_number", "aws.kinesis.sequence_number", span_kinds=(CONSUMER, SERVER)),
        log_key("gives", "sequence_number", "put_sequence_number"),
        log_key("takes", "sequence_number", "sequence_number"),
        log_key("takes", "sequence_number", "sequenceNumber"),
    ),
)

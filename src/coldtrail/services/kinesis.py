"""Amazon Kinesis Data Streams: an ordered log of records per shard.

Sources: Amazon Kinesis Data Streams Developer Guide ("Terminology": a sequence number is unique within its
shard), Kinesis API reference ("PutRecord", "PutRecordsResultEntry"), AWS Lambda Developer Guide ("Using Lambda
with Kinesis": the event).
"""

from __future__ import annotations

from coldtrail.services.service import Condition, Envelope, Service, log_key, logged_response, sent_and_received, takes

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
)

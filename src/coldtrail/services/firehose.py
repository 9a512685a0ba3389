"""Amazon Data Firehose: delivers records in batches, and may have a function transform them on the way.

Sources: Amazon Data Firehose Developer Guide ("Transform source data": `recordId`, `kinesisRecordMetadata`),
Firehose API reference ("PutRecord", "PutRecordBatchResponseEntry").
"""

from __future__ import annotations

from coldtrail.services.service import Envelope, Service, log_key, logged_response, sent_and_received, takes

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
)

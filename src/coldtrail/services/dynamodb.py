"""Amazon DynamoDB: a table, and the stream of its changes.

The call that writes an item does not learn the id of the change; who wrote is known by a correlation id in the item
or by time. Sources: Amazon DynamoDB Developer Guide ("Change data capture for DynamoDB Streams"), DynamoDB Streams
API reference ("Record": `eventID` is unique), AWS Lambda Developer Guide ("Using Lambda with Amazon DynamoDB").
"""

from __future__ import annotations

from coldtrail.services.service import Envelope, Service, log_key, mentions, sent_and_received, takes

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
)

"""Amazon SQS: a queue that keeps a message until a consumer deletes it.

Sources: Amazon SQS Developer Guide ("Message metadata"), OpenTelemetry semantic conventions ("AWS SQS",
"Messaging spans").
"""

from __future__ import annotations

from coldtrail.services.service import CLIENT, CONSUMER, PRODUCER, SERVER, Service, log_key, span_key

SQS = Service(
    id="sqs",
    name="Amazon SQS",
    carries="queue",
    keys=(
        span_key("gives", "message_id", "messaging.message.id", span_kinds=(PRODUCER, CLIENT)),
        span_key("takes", "message_id", "messaging.message.id", span_kinds=(CONSUMER, SERVER)),
        span_key("gives", "message_id", "messaging.message_id", span_kinds=(PRODUCER, CLIENT)),
        span_key("takes", "message_id", "messaging.message_id", span_kinds=(CONSUMER, SERVER)),
        log_key("takes", "message_id", "message_id"),
        log_key("takes", "message_id", "messageId"),
        log_key("gives", "message_id", "sent_message_id"),
    ),
)

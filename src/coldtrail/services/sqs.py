"""Amazon SQS: a queue that keeps a message until a consumer deletes it.

A message that moves to its dead-letter queue by `maxReceiveCount` keeps its id; one that a redrive task moves
back gets a new one (Amazon SQS Developer Guide, "Using dead-letter queues", "Configuring a dead-letter queue
redrive").

Sources: Amazon SQS Developer Guide ("Message metadata"), SQS API reference ("ReceiveMessage",
"SendMessageBatchResultEntry"), AWS Lambda Developer Guide ("Using Lambda with Amazon SQS": the event),
OpenTelemetry semantic conventions ("AWS SQS", "Messaging spans"), AWS X-Ray SDK (`message_id` of an SQS call).
"""

from __future__ import annotations

from coldtrail.services.service import Condition, Envelope, Service, log_key, logged_response, sent_and_received, takes

SQS = Service(
    id="sqs",
    name="Amazon SQS",
    carries="queue",
    keys=(
        *sent_and_received(
            "message_id",
            "messaging.message.id",
            "messaging.message_id",
            "aws.xray.aws.message_id",
            when=(
                Condition(
                    ("messaging.system",),
                    ("aws_kinesis", "aws.kinesis", "aws_eventbridge", "aws.eventbridge"),
                    negated=True,
                ),
            ),
        ),
        log_key("takes", "message_id", "message_id"),
        log_key("takes", "message_id", "messageId"),
        log_key("takes", "message_id", "record.messageId"),
        log_key("gives", "message_id", "sent_message_id"),
        log_key("gives", "message_id", "sentMessageId"),
        log_key("gives", "message_id", "sent_message_ids"),
        *logged_response("message_id", "MessageId", "Successful"),
    ),
    envelopes=(
        Envelope(
            when=(("eventSource", ("aws:sqs",)),),
            keys=(takes("message_id", "messageId"),),
            payload=("body",),
            destination="eventSourceARN",
            sent="attributes.SentTimestamp",
            receive_count="attributes.ApproximateReceiveCount",
            order_group="attributes.MessageGroupId",
            dead_letter_source="attributes.DeadLetterQueueSourceArn",
        ),
    ),
)

"""Amazon SNS: a topic that copies a message to every subscription.

The message id is the same for all of them. A queue's message holds the notification as its body, unless raw
delivery is on. Sources: Amazon SNS Developer Guide ("HTTP/HTTPS notification JSON format", "Fanout to Amazon
SQS queues"), AWS Lambda Developer Guide ("Invoking Lambda functions with Amazon SNS notifications"),
OpenTelemetry semantic conventions ("AWS SNS"), Amazon SNS Developer Guide
("Amazon SNS message delivery status"); spans carry `messaging.message.id`, whose rule is in `sqs`.
"""

from __future__ import annotations

from coldtrail.services.service import Envelope, Service, log_key, takes

SNS = Service(
    id="sns",
    name="Amazon SNS",
    carries="topic",
    keys=(
        log_key("takes", "message_id", "Sns.MessageId"),
        log_key("takes", "message_id", "sns_message_id"),
        log_key("gives", "message_id", "published_message_id"),
        log_key("mentions", "message_id", "notification.messageId"),
    ),
    envelopes=(
        Envelope(
            when=(("EventSource", ("aws:sns",)),),
            keys=(takes("message_id", "Sns.MessageId"),),
            payload=("Sns.Message",),
            destination="Sns.TopicArn",
            sent="Sns.Timestamp",
        ),
        Envelope(
            when=(("Type", ("Notification",)), ("TopicArn", ())),
            keys=(takes("message_id", "MessageId"),),
            payload=("Message",),
            destination="TopicArn",
            sent="Timestamp",
        ),
    ),
)

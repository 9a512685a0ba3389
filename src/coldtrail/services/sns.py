"""Amazon SNS: a topic that copies a message to every subscription.

The message id is the same for all of them. A queue's message holds the notification as its body, unless raw
delivery is on. Sources: Amazon SNS Developer Guide ("HTTP/HTTPS notification JSON format", "Fanout to Amazon
SQS queues"), AWS Lambda Developer Guide ("Invoking Lambda functions with Amazon SNS notifications"),
OpenTelemetry semantic conventions ("AWS SNS"), Amazon SNS Developer Guide
("Amazon SNS message delivery status"); spans carry `messaging.message.id`, whose rule is in `sqs`.
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
    sent_and_received,
    span_key,
    takes,
)

_ATTRIBUTES = ("sns_message_id", "sns.message_id", "aws.sns.message_id", "aws.sns.message.id", "Sns.MessageId")
"""What a span of a function calls the notification that it took out of a queue's message, or published."""

NAMESPACE = "AWS/SNS"
_MONITORING = 'Amazon SNS Developer Guide, "Monitoring Amazon SNS topics using CloudWatch"'
_LIMITS = 'AWS General Reference, "Amazon Simple Notification Service endpoints and quotas"'


def _of(metric: str) -> tuple[CloudWatch, ...]:
    return (CloudWatch(NAMESPACE, metric, by="TopicName"),)


METRICS = (
    Metric(
        id="published",
        name="Messages published",
        unit="count",
        stat="sum",
        high="more work, or a publisher that repeats itself",
        low="the publisher has stopped",
        trouble="every subscription gets a copy",
        source=_MONITORING,
        cloudwatch=_of("NumberOfMessagesPublished"),
        derived=Derived("messages.sent", "messages that a span or line gave"),
    ),
    Metric(
        id="delivered",
        name="Notifications delivered",
        unit="count",
        stat="sum",
        high="more messages or more subscriptions",
        low="a filter policy that matches nothing, or failing endpoints",
        trouble="published times subscriptions, less what filters keep out",
        source=_MONITORING,
        cloudwatch=_of("NumberOfNotificationsDelivered"),
        derived=Derived("messages.received", "messages seen taken, each taker counted"),
    ),
    Metric(
        id="failed",
        name="Notifications failed",
        unit="count",
        stat="sum",
        high="an endpoint refuses, or a permission is missing",
        low="good",
        trouble="lost once the retries are used up, unless the subscription has a dead-letter queue",
        source=_MONITORING,
        cloudwatch=_of("NumberOfNotificationsFailed"),
    ),
    Metric(
        id="dead_letters",
        name="Sent to dead-letter queues",
        unit="count",
        stat="sum",
        high="subscriptions that could not be delivered to",
        low="good",
        trouble="each message names its endpoint and the error",
        source=_MONITORING,
        cloudwatch=_of("NumberOfNotificationsRedrivenToDlq"),
    ),
)

QUOTAS = (
    Quota(
        id="sns.published",
        name="Messages published per second",
        value=300,
        unit="count",
        soft=True,
        per="account and region",
        explained="300 a second in small regions, 9,000 and 30,000 in the largest; a FIFO topic 300, or 3,000 in batches.",
        source=_LIMITS,
        metric="published",
        per_s=1,
    ),
)

SNS = Service(
    id="sns",
    name="Amazon SNS",
    carries="topic",
    keys=(
        *sent_and_received("message_id", *_ATTRIBUTES),
        *(span_key("takes", "message_id", attribute, span_kinds=(0, 1)) for attribute in _ATTRIBUTES),
        span_key("gives", "message_id", "published_message_id"),
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
    metrics=METRICS,
    quotas=QUOTAS,
)

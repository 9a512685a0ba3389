"""Amazon SQS: a queue that keeps a message until a consumer deletes it.

A message that moves to its dead-letter queue by `maxReceiveCount` keeps its id; one that a redrive task moves
back gets a new one (Amazon SQS Developer Guide, "Using dead-letter queues", "Configuring a dead-letter queue
redrive").

Sources: Amazon SQS Developer Guide ("Message metadata"), SQS API reference ("ReceiveMessage",
"SendMessageBatchResultEntry"), AWS Lambda Developer Guide ("Using Lambda with Amazon SQS": the event),
OpenTelemetry semantic conventions ("AWS SQS", "Messaging spans"), AWS X-Ray SDK (`message_id` of an SQS call).
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

NAMESPACE = "AWS/SQS"
_AVAILABLE = 'Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"'
_LIMITS = 'Amazon SQS Developer Guide, "Amazon SQS message quotas"'
DEAD_LETTER_ENDINGS = (
    "-dlq",
    "_dlq",
    "-DLQ",
    "DLQ",
    "-dead-letter",
    "-deadletter",
    "-dead-letters",
    "-dead-letter-queue",
)
"""How people name the dead-letter queue of a queue: its name and one of these. A ".fifo" stays last."""


def dead_letters_of(queue: str) -> str:
    """Return the queue whose dead letters this one keeps, by its name: `orders` of `orders-dlq`; "" of any other."""
    plain = queue.removesuffix(".fifo")
    of = min((plain.removesuffix(one) for one in DEAD_LETTER_ENDINGS), key=len)
    return of + queue[len(plain) :] if of and of != plain else ""


def _of(metric: str, times: float = 1.0) -> tuple[CloudWatch, ...]:
    return (CloudWatch(NAMESPACE, metric, by="QueueName", times=times),)


METRICS = (
    Metric(
        id="oldest_message_age",
        name="Age of the oldest message",
        unit="ms",
        stat="max",
        high="consumers fall behind, or one message fails again and again",
        low="good",
        trouble="past the retention period messages are deleted, whether anybody read them or not",
        source=_AVAILABLE,
        cloudwatch=_of("ApproximateAgeOfOldestMessage", 1000.0),
        derived=Derived("messages.age_max", "oldest message that was sent and not yet taken, by message ids"),
    ),
    Metric(
        id="visible",
        name="Messages visible",
        unit="count",
        stat="max",
        high="more is sent than taken",
        low="good",
        trouble="a backlog takes as long to drain as consumers are faster than senders",
        source=_AVAILABLE,
        cloudwatch=_of("ApproximateNumberOfMessagesVisible"),
        derived=Derived("messages.waiting", "messages sent and not yet taken, by message ids"),
    ),
    Metric(
        id="in_flight",
        name="Messages in flight",
        unit="count",
        stat="max",
        high="consumers hold messages: slow, or they do not delete what they did",
        low="nobody takes",
        trouble="at 120,000 the queue hands out nothing more",
        source=_AVAILABLE,
        cloudwatch=_of("ApproximateNumberOfMessagesNotVisible"),
        derived=Derived("messages.in_flight", "messages taken and not yet finished with, by the attempts' invocations"),
    ),
    Metric(
        id="sent",
        name="Messages sent",
        unit="count",
        stat="sum",
        high="more work, or a sender that repeats itself",
        low="the sender has stopped",
        trouble="compare with deleted: the difference is what waits",
        source=_AVAILABLE,
        cloudwatch=_of("NumberOfMessagesSent"),
        derived=Derived("messages.sent", "messages that a span or line gave"),
    ),
    Metric(
        id="received",
        name="Messages received",
        unit="count",
        stat="sum",
        high="much above deleted: the same messages come again",
        low="nobody takes",
        trouble="each reception counts towards maxReceiveCount, then the dead-letter queue",
        source=_AVAILABLE,
        cloudwatch=_of("NumberOfMessagesReceived"),
        derived=Derived("messages.received", "deliveries: each attempt at each message"),
    ),
    Metric(
        id="deleted",
        name="Messages deleted",
        unit="count",
        stat="sum",
        high="work is done",
        low="consumers fail, or forget to delete",
        trouble="received without deleted is work in vain",
        source=_AVAILABLE,
        cloudwatch=_of("NumberOfMessagesDeleted"),
        derived=Derived("messages.done", "messages whose last attempt did not fail"),
    ),
    Metric(
        id="dead_letters",
        name="Messages in its dead-letter queue",
        unit="count",
        stat="max",
        high="messages that nobody could process, until they expire there",
        low="good",
        trouble="look at the reason before you redrive them",
        source=_AVAILABLE,
        cloudwatch=(
            CloudWatch(NAMESPACE, "ApproximateNumberOfMessagesVisible", by="QueueName", endings=DEAD_LETTER_ENDINGS),
        ),
        brings=(
            "The namespace AWS/SQS of a metric stream, with a dead-letter queue that is named after the queue (orders, "
            "orders-dlq), or out of which a message of the queue was seen taken."
        ),
    ),
)

QUOTAS = (
    Quota(
        id="sqs.in_flight",
        name="Messages in flight",
        value=120_000,
        unit="count",
        soft=True,
        per="resource",
        explained="Taken and not yet deleted, of one queue; above it a queue refuses or hands out nothing.",
        source=_LIMITS,
        metric="in_flight",
    ),
    Quota(
        id="sqs.retention",
        name="Age of a message",
        value=345_600_000,
        unit="ms",
        soft=True,
        per="resource",
        explained="What is older than the queue's retention is deleted unread: four days, unless set (one minute to 14 days).",
        source=_LIMITS,
        metric="oldest_message_age",
    ),
    Quota(
        id="sqs.message_size",
        name="Size of a message",
        value=1_048_576,
        unit="bytes",
        soft=False,
        per="resource",
        explained="1 MiB with its attributes, and 1 MiB for a batch of ten.",
        source=_LIMITS,
    ),
)

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
            # Of a rule's or a topic's, and of a function's dead-letter queue (EventBridge User Guide, "Using dead-letter
            # queues"; AWS Lambda Developer Guide, "Adding a dead-letter queue").
            dead_letter_cause=(
                "messageAttributes.ERROR_MESSAGE.stringValue",
                "messageAttributes.ErrorMessage.stringValue",
                "messageAttributes.ERROR_CODE.stringValue",
            ),
        ),
    ),
    metrics=METRICS,
    quotas=QUOTAS,
)

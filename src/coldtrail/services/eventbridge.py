"""Amazon EventBridge: a bus that routes events to targets by rules, on a schedule, or again from an archive.

A replayed event keeps its id and has `replay-name`; an event in a rule's dead-letter queue is the body of an SQS
message. A schedule of EventBridge Scheduler hands over what its input says; its context attributes name the
execution. Sources: Amazon EventBridge User Guide ("Event structure": `id` is unique per event, "Replaying archived
events", "Using dead-letter queues"), EventBridge API reference ("PutEventsResultEntry"), EventBridge Scheduler
User Guide ("Adding context attributes").
"""

from __future__ import annotations

from coldtrail.services.service import (
    UUID,
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

NAMESPACE = "AWS/Events"
_MONITORING = 'Amazon EventBridge User Guide, "Monitoring Amazon EventBridge"'
_LIMITS = 'Amazon EventBridge User Guide, "Amazon EventBridge quotas"'


def _of(*metrics: str) -> tuple[CloudWatch, ...]:
    """By bus; the metrics of the default bus name only the rule."""
    of_buses = tuple(CloudWatch(NAMESPACE, metric, by="EventBusName", also=("RuleName",)) for metric in metrics)
    return (*of_buses, *(CloudWatch(NAMESPACE, metric, also=("RuleName",), only="default") for metric in metrics))


METRICS = (
    Metric(
        id="triggered_rules",
        name="Triggered rules",
        unit="count",
        stat="sum",
        high="more events, or a rule that matches more than it was meant to",
        low="a pattern no longer matches what is sent, or nothing is sent",
        trouble="a rule whose pattern is wrong fails silently: events match nothing",
        source=_MONITORING,
        cloudwatch=_of("TriggeredRules", "MatchedEvents"),
        derived=Derived("messages.received", "events seen taken by a target, each taker counted"),
    ),
    Metric(
        id="invocations",
        name="Target invocations",
        unit="count",
        stat="sum",
        high="more events",
        low="rules match nothing, or targets are throttled",
        trouble="compare with triggered rules and their targets",
        source=_MONITORING,
        cloudwatch=_of("Invocations", "InvocationAttempts"),
        derived=Derived("messages.received", "events seen taken by a target, each taker counted"),
    ),
    Metric(
        id="failed_invocations",
        name="Failed invocations",
        unit="count",
        stat="sum",
        high="permissions, a deleted target, or retries used up after a day",
        low="good",
        trouble="the event is lost unless the rule has a dead-letter queue",
        source=_MONITORING,
        cloudwatch=_of("FailedInvocations"),
    ),
    Metric(
        id="dead_letter_invocations",
        name="Sent to dead-letter queues",
        unit="count",
        stat="sum",
        high="targets that could not be invoked",
        low="good",
        trouble="the message's attributes name the rule, the target and the error",
        source=_MONITORING,
        cloudwatch=_of("InvocationsSentToDlq", "DeadLetterInvocations"),
    ),
    Metric(
        id="ingestion_to_invocation",
        name="Ingestion to invocation",
        unit="ms",
        stat="max",
        high="the bus holds events back: its invocation quota, or retries at a target",
        low="good",
        trouble="a delay that no function shows: look at the bus, not at the code",
        source=_MONITORING,
        cloudwatch=_of(
            "IngestionToInvocationSuccessLatency",
            "IngestionToInvocationCompleteLatency",
            "IngestionToInvocationStartLatency",
        ),
        derived=Derived("messages.wait_max", "longest from an event's sending to its first taking, by event ids"),
    ),
)

QUOTAS = (
    Quota(
        id="eventbridge.invocations",
        name="Target invocations per second",
        value=1_100,
        unit="count",
        soft=True,
        per="account and region",
        explained="Beyond it events are delivered late, not refused: 1,100 a second in small regions, 18,750 in the largest.",
        source=_LIMITS,
        metric="invocations",
        per_s=1,
    ),
    Quota(
        id="eventbridge.event_age",
        name="Age of an event that is retried",
        value=86_400_000,
        unit="ms",
        soft=False,
        per="resource",
        explained="A target is tried for 24 hours and 185 times, then the event is dropped or goes to the dead-letter queue.",
        source='Amazon EventBridge User Guide, "How EventBridge retries delivering events"',
        metric="ingestion_to_invocation",
    ),
    Quota(
        id="eventbridge.event_size",
        name="Size of a PutEvents entry",
        value=1_048_576,
        unit="bytes",
        soft=False,
        per="resource",
        explained="1 MB for the whole request, of at most ten events.",
        source=_LIMITS,
    ),
)

EVENTBRIDGE = Service(
    id="eventbridge",
    name="Amazon EventBridge",
    carries="bus",
    keys=(
        *sent_and_received("event_id", "aws.eventbridge.event_id", "aws.eventbridge.event.id"),
        *sent_and_received(
            "event_id",
            "messaging.message.id",
            when=(Condition(("messaging.system",), ("aws_eventbridge", "aws.eventbridge")),),
        ),
        log_key("takes", "event_id", "event_id"),
        log_key("gives", "event_id", "sent_event_id"),
        log_key("gives", "event_id", "put_event_id"),
        log_key("gives", "event_id", "sent_event_ids"),
        *logged_response("event_id", "EventId", "Entries"),
    ),
    envelopes=(
        Envelope(
            when=(("detail-type", ()), ("source", ()), ("id", ())),
            keys=(takes("event_id", "id", shape=UUID),),
            destination="source",
            sent="time",
            replay_name="replay-name",
        ),
        Envelope(
            when=(("schedule-arn", ()), ("execution-id", ())),
            keys=(takes("event_id", "execution-id"),),
            destination="schedule-arn",
            sent="scheduled-time",
            receive_count="attempt-number",
        ),
    ),
    metrics=METRICS,
    quotas=QUOTAS,
)

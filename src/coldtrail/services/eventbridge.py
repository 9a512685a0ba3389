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
    Condition,
    Envelope,
    Service,
    log_key,
    logged_response,
    sent_and_received,
    takes,
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
)

"""Amazon EventBridge: a bus that routes events to targets by rules.

Source: Amazon EventBridge User Guide ("Event structure": `id` is unique per event).
"""

from __future__ import annotations

from coldtrail.services.service import CLIENT, CONSUMER, PRODUCER, SERVER, Service, log_key, span_key

EVENTBRIDGE = Service(
    id="eventbridge",
    name="Amazon EventBridge",
    carries="bus",
    keys=(
        span_key("gives", "event_id", "aws.eventbridge.event_id", span_kinds=(CLIENT, PRODUCER)),
        span_key("takes", "event_id", "aws.eventbridge.event_id", span_kinds=(CONSUMER, SERVER)),
        log_key("takes", "event_id", "event_id"),
    ),
)

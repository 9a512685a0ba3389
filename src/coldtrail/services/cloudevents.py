"""CloudEvents: events on any bus, with an id that is unique for their source.

Sources: CloudEvents specification 1.0 ("id"), its "Distributed Tracing extension" (`traceparent`), OpenTelemetry
semantic conventions ("CloudEvents": `cloudevents.event_id` of spans that create or process an event).
"""

from __future__ import annotations

from coldtrail.services.service import Service, log_key, sent_and_received

CLOUD_EVENTS = Service(
    id="cloudevents",
    name="CloudEvents",
    carries="bus",
    keys=(
        *sent_and_received("event_id", "cloudevents.event_id"),
        log_key("mentions", "event_id", "cloudevents.event_id"),
    ),
)

"""Batches of the Lambda Telemetry API, as an extension forwards them.

Source: AWS Lambda Developer Guide, "Lambda Telemetry API event schema reference": a JSON array of
`{"time": RFC 3339, "type", "record"}`. `platform.*` events are the same documents as Lambda's JSON system logs,
`function` and `extension` records are lines of text or JSON objects; so each becomes a log event of the function. The
figures of `platform.report` become metrics besides.
"""

from __future__ import annotations

import msgspec

from coldtrail.model.exports import Malformed, Translation
from coldtrail.receivers.bounds import check_json
from coldtrail.receivers.cloudwatch_logs import LAMBDA_GROUP, LogEvent, Subscription
from coldtrail.receivers.cloudwatch_logs import translate as translate_log_events
from coldtrail.receivers.lambda_reports import metrics_of_reports
from coldtrail.receivers.telemetry_event import TelemetryEvent

UNKNOWN_FUNCTION = "unknown_function"


def translate(body: bytes, function: str = "") -> Translation:
    """Translate one batch. ``function``: whose it is, where the sender says so; else `platform.initStart` does.

    Raises:
        Malformed: not a JSON array of events with time and type.
        TooLarge: it holds more than there is memory for.
    """
    check_json(body)
    try:
        events = msgspec.json.decode(body, type=list[TelemetryEvent])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not a batch of Telemetry API events: {error}") from None
    started = next((event.record for event in events if event.type == "platform.initStart"), None)
    known = started if isinstance(started, dict) else {}
    name = function or str(known.get("functionName") or UNKNOWN_FUNCTION)
    version = str(known.get("functionVersion") or "")
    document = Subscription(
        log_group=LAMBDA_GROUP + name,
        log_stream=f"[{version}]" if version else "",
        log_events=[_log_event(event) for event in events],
    )
    logs = translate_log_events(document)
    reports = metrics_of_reports([event for event in events if event.type == "platform.report"], document)
    return Translation(logs.exports + reports, logs.rejected_items, logs.reasons)


def _log_event(event: TelemetryEvent) -> LogEvent:
    return LogEvent(timestamp=event.time_ms, message=_message(event))


def _message(event: TelemetryEvent) -> str:
    if event.type in ("function", "extension"):
        return event.record if isinstance(event.record, str) else msgspec.json.encode(event.record).decode()
    return msgspec.json.encode(event).decode()

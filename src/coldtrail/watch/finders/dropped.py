"""Events that are gone: sent to a bus, a topic or a function asynchronously, and never delivered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from msgspec import structs

from coldtrail.model.findings import Sighting
from coldtrail.services.service import CloudWatch
from coldtrail.store.engine import Engine
from coldtrail.store.figures.cloudwatch import AT_THE_END_NS, name_of
from coldtrail.store.metrics.charts import series_of
from coldtrail.store.troubles.messages import Course
from coldtrail.watch.finders.aging import LEAST_BEFORE, PASSED_ON, TAKEN_SHARE

MINUTE_NS = 60 * 10**9
STEP_NS = 10 * 10**9
"""CloudWatch tells by the minute, some streams by less: what is seen again must not seem to be later than it was."""

LEAST_LOST, LOST_SHARE = 5, 0.5
GONE_NS = 120 * 10**9
"""Where nothing newer is delivered either, an event may still come, but not after so long."""

DROPS = (
    CloudWatch("AWS/Lambda", "AsyncEventsDropped", by="FunctionName"),
    CloudWatch("AWS/Lambda", "DeadLetterErrors", by="FunctionName"),
    CloudWatch("AWS/Lambda", "DestinationDeliveryFailures", by="FunctionName"),
    CloudWatch("AWS/Events", "InvocationsFailedToBeSentToDlq", by="RuleName"),
    CloudWatch("AWS/SNS", "NumberOfNotificationsFailedToRedriveToDlq", by="TopicName"),
    CloudWatch("AWS/Scheduler", "InvocationDroppedCount", by="ScheduleGroup"),
)
"""Metrics of which each unit is an event that is lost. Sources: AWS Lambda Developer Guide, "Types of metrics for Lambda
functions"; Amazon EventBridge User Guide, "Monitoring Amazon EventBridge"; Amazon SNS Developer Guide, "Monitoring Amazon
SNS topics using CloudWatch"; EventBridge Scheduler User Guide, "Monitoring Amazon EventBridge Scheduler"."""

THROTTLES = CloudWatch("AWS/Lambda", "Throttles", by="FunctionName")

_ADVICE = (
    "Give the function or the rule a dead-letter queue or an on-failure destination, so that what cannot be "
    "delivered is kept; see its maximum age of events and its throttles."
)


def counted_drops(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every resource of which CloudWatch counted events that were dropped, or invocations that were throttled."""
    names = {name_of(one): one for one in (*DROPS, THROTTLES)}
    rows = engine.rows(
        "SELECT DISTINCT name FROM metric_names WHERE name IN {names:Array(String)}", {"names": list(names)}
    )
    for (name,) in rows:
        published = names[name]
        chart = series_of(
            engine, name, since_ns + AT_THE_END_NS, until_ns + AT_THE_END_NS, STEP_NS, "sum", (published.by,)
        )
        for line in chart.series:
            scope = line.labels.get(published.by, "")
            for points in _by_minute(line.points) if scope else ():
                yield _counted(published, scope, points)


def _by_minute(points: list[tuple[int, float]]) -> Iterator[list[tuple[int, float]]]:
    """The points of each minute that count something."""
    counting = (one for one in points if one[1] >= 1)
    for _, minute in groupby(counting, key=lambda one: one[0] // MINUTE_NS):
        yield list(minute)


def _counted(published: CloudWatch, scope: str, points: list[tuple[int, float]]) -> Sighting:
    times, count = (points[0][0], points[-1][0] + STEP_NS), int(sum(value for _, value in points))
    if published is not THROTTLES:
        return _sighting(
            scope, published.metric, times, count, f"{count} events of {scope} are lost ({published.metric})"
        )
    return structs.replace(
        _sighting(scope, published.metric, times, count, f"{scope} is throttled: {count} within a minute"),
        kind="throttle",
        severity="medium",
        advice=(
            "Raise the reserved concurrency or the account's, or let fewer come at once; who calls it directly is"
            " answered 429."
        ),
    )


def undelivered(courses: dict[tuple[str, str], list[Course]], now_ns: int) -> Iterator[Sighting]:
    """Every bus and topic whose events nobody takes any more, though they were taken before."""
    for (kind, name), minutes in courses.items():
        taken_ns = max(one.taken_ns for one in minutes)
        for place, one in enumerate(minutes) if kind in PASSED_ON else ():
            before = [other for other in minutes[:place] if other.taken >= other.count * TAKEN_SHARE]
            # A bus that lags behind delivers in order: what waits there is not lost.
            gone = one.latest_ns < taken_ns or one.oldest_ns < now_ns - GONE_NS
            lost = one.late >= max(LEAST_LOST, one.count * LOST_SHARE)
            if gone and lost and sum(other.taken for other in before) >= LEAST_BEFORE:
                yield _sighting(
                    name,
                    "untaken",
                    (one.oldest_ns, one.latest_ns),
                    one.late,
                    f"Events of {name} reach nobody: {one.late} within a minute",
                    one.units,
                )


def _sighting(
    scope: str, detail: str, times: tuple[int, int], count: int, title: str, units: tuple[str, ...] = ()
) -> Sighting:
    return Sighting(
        kind="dropped",
        scope=scope,
        detail=detail,
        minute_s=times[0] // MINUTE_NS * 60,
        count=count,
        first_ns=times[0],
        last_ns=times[1],
        title=title,
        severity="high",
        advice=_ADVICE,
        evidence={"event_count": count, "told_by": detail},
        units=units,
    )

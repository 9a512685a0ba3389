"""CloudWatch's own metrics, as a metric stream brought them, for what the services say is to be watched.

CloudWatch publishes one metric under several sets of dimensions (a function's, and again by version), each a total of its
own. So the series with the fewest dimensions beside the resource's are read, and only they. Source: Amazon CloudWatch
User Guide, "Translations with OpenTelemetry 1.0.0 format" (`amazonaws.com/AWS/Lambda/Invocations`, `Dimensions`).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs

from coldtrail.services.service import CloudWatch, Metric
from coldtrail.store.engine import Engine
from coldtrail.store.figures.steps import Steps
from coldtrail.store.metrics.charts import STATS, chart_of_series
from coldtrail.store.metrics.series import Series, dictionary_of

PREFIX = "amazonaws.com/"
PLACE = ("cloud.account.id", "cloud.region")
AT_THE_END_NS = 1
"""A point has the time at which its period ended, and tells of the step that ended then, not of the one that began."""

_NO_DIMENSIONS = ("Namespace", "MetricName", "namespace", "metric_name")


class Received(Struct):
    """What CloudWatch said of one resource, by step. ``stat``: the statistic that it is, where the one asked for was not sent."""

    stat: str
    values: dict[int, float]
    published: CloudWatch


def name_of(published: CloudWatch, metric: str = "") -> str:
    """Return the name under which a metric is stored."""
    return f"{PREFIX}{published.namespace}/{metric or published.metric}"


def known_names(engine: Engine, metrics: Iterable[Metric]) -> frozenset[str]:
    """Return which of CloudWatch's metrics were ever received; reads a few rows of the list of names."""
    published = [one for metric in metrics for one in metric.cloudwatch]
    names = sorted({name_of(one, name) for one in published for name in (one.metric, one.over) if name})
    rows = engine.rows("SELECT DISTINCT name FROM metric_names WHERE name IN {names:Array(String)}", {"names": names})
    return frozenset(str(row[0]) for row in rows)


def received(engine: Engine, metric: Metric, resource: str, steps: Steps, known: frozenset[str]) -> Received | None:
    """Return what CloudWatch said of a metric of one resource, None where it said nothing in the range."""
    for published in metric.cloudwatch:
        if published.only in ("", resource) and name_of(published) in known:
            reader = _Reader(engine, published, steps)
            label = reader.label_of(resource)
            if (label or not published.by) and (found := reader.read(metric.stat, label)):
                return found
    return None


def received_by_resource(
    engine: Engine, metric: Metric, steps: Steps, known: frozenset[str], *, by_place: bool = False
) -> dict[str, dict[int, float]]:
    """Return what CloudWatch said of a metric of every resource, by name and step; of more than 100 those of the greatest values.

    With ``by_place`` all resources of an account and region together, named `account/region`, "" where neither is told.
    """
    found: dict[str, dict[int, float]] = {}
    for published in metric.cloudwatch:
        if not published.only and name_of(published) in known:
            by = PLACE if by_place or not published.by else (published.by,)
            for labels, values in _Reader(engine, published, steps).lines(metric.stat, by):
                found.setdefault("/".join(_plain(labels[name]) for name in by if labels[name]), values)
    return found


class _Reader:
    """Reads one metric as CloudWatch publishes it."""

    def __init__(self, engine: Engine, published: CloudWatch, steps: Steps) -> None:
        self._engine = engine
        self._published = published
        self._steps = steps
        self._series = dictionary_of(engine).series(engine, name_of(published), steps.since_ns)

    def label_of(self, resource: str) -> str:
        """The label that the resource's series have: its name, with an ending of it, or an ARN that ends in it."""
        by, endings = self._published.by, self._published.endings
        told = {one.label(by) for one in self._series} if by else set()
        if not endings:
            return next((one for one in sorted(told) if one == resource or one.endswith(f":{resource}")), "")
        plain, fifo = resource.removesuffix(".fifo"), resource[len(resource.removesuffix(".fifo")) :]
        seen = _gave_up_to(self._engine, resource, self._steps.until_ns)
        return next((name for name in (*seen, *(f"{plain}{one}{fifo}" for one in endings)) if name in told), "")

    def read(self, stat: str, label: str) -> Received | None:
        """Return the figures of one resource; a percentile that was not streamed is replaced by the average."""
        if self._published.over:
            return self._share(label)
        for chosen in (stat, "avg") if stat == "p95" else (stat,):
            values: dict[int, float] = {}
            for _, line in self.lines(chosen, (), label):
                # A percentile of several operations: the slowest stands for them.
                values |= {step: max(value, values.get(step, value)) for step, value in line.items()}
            if values:
                return Received(chosen, values, self._published)
        return None

    def _share(self, label: str) -> Received | None:
        some = dict(self._sums(self._published.metric, label))
        all_ = dict(self._sums(self._published.over, label))
        values = {step: some[step] / all_[step] for step in some if all_.get(step)}
        return Received("avg", values, self._published) if values else None

    def _sums(self, metric: str, label: str) -> dict[int, float]:
        published = structs.replace(self._published, metric=metric, over="")
        lines = _Reader(self._engine, published, self._steps).lines("sum", (), label)
        return lines[0][1] if lines else {}

    def lines(self, stat: str, by: tuple[str, ...], label: str = "") -> list[tuple[dict[str, str], dict[int, float]]]:
        """Return labels and figures by step of the series of the fewest dimensions, a line for each combination of ``by``."""
        published, steps = self._published, self._steps
        mine = [one for one in self._series if not label or one.label(published.by) == label]
        chosen = _fewest(mine, published)
        if chosen is None:
            return []
        filters = [(name, "") for name in sorted(_all_dimensions(mine) - chosen)]
        if label:
            filters.append((published.by, label))
        chart = chart_of_series(
            self._engine,
            [one for one in self._series if all(one.label(name) == value for name, value in filters)],
            name_of(published),
            steps.since_ns + AT_THE_END_NS,
            steps.until_ns + AT_THE_END_NS,
            steps.step_ns,
            stat if stat in STATS else None,  # type: ignore[arg-type]
            by or (tuple(sorted(chosen)) if stat == "p95" else ()),
        )
        times = 1.0 if stat == "count" else published.times
        return [(line.labels, {steps.of(at): value * times for at, value in line.points}) for line in chart.series]


def _gave_up_to(engine: Engine, queue: str, until_ns: int) -> list[str]:
    """Return the queues out of which messages of a queue were taken that it had given up, the last one first.

    Its redrive policy is in no telemetry; where its messages went is. Reads a week of two columns.
    """
    rows = engine.rows(
        """SELECT name FROM deliveries WHERE dead_letter_of = {queue:String}
          AND at >= fromUnixTimestamp64Nano({until:Int64}) - INTERVAL 7 DAY AND at < fromUnixTimestamp64Nano({until:Int64})
        GROUP BY name ORDER BY max(at) DESC LIMIT 5""",
        {"queue": queue, "until": until_ns},
    )
    return [str(row[0]) for row in rows]


def _dimensions(series: Series) -> frozenset[str]:
    """A resource's attributes have dotted names, CloudWatch's dimensions have not."""
    return frozenset(name for name in series.labels if "." not in name).difference(_NO_DIMENSIONS)


def _all_dimensions(series: Iterable[Series]) -> frozenset[str]:
    return frozenset[str]().union(*map(_dimensions, series))


def _fewest(series: Iterable[Series], published: CloudWatch) -> frozenset[str] | None:
    """The smallest set of dimensions that the metric may have, None where no series has such a one."""
    needed = set(published.also) if published.only else {published.by} - {""}
    allowed = needed | set(published.also)
    fitting = {one for one in map(_dimensions, series) if needed <= one <= allowed}
    return min(fitting, key=lambda one: (len(one), sorted(one)), default=None)


def _plain(label: str) -> str:
    """A resource's name, of an ARN its last part."""
    return label.rsplit(":", 1)[-1] if label.startswith("arn:") else label

"""CloudWatch's own metrics, as a metric stream brought them, for what the services say is to be watched.

CloudWatch publishes one metric under several sets of dimensions (a function's, and again by version), each a total of its
own. So the series with the fewest dimensions beside the resource's are read, and only they. Source: Amazon CloudWatch
User Guide, "Translations with OpenTelemetry 1.0.0 format" (`amazonaws.com/AWS/Lambda/Invocations`, `Dimensions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from coldtrail.services.service import CloudWatch, Metric
from coldtrail.store.engine import Engine
from coldtrail.store.figures.steps import Steps
from coldtrail.store.metrics.charts import STATS, chart_of_series
from coldtrail.store.metrics.series import Series, dictionary_of, grouped
from coldtrail.store.metrics.summaries import Summaries, read_summaries

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
    query = "SELECT DISTINCT name FROM metric_names WHERE name IN {names:Array(String)}"
    rows = engine.rows(query, {"names": sorted(_names(metrics))})
    return frozenset(str(row[0]) for row in rows)


def received(engine: Engine, metrics: Sequence[Metric], resource: str, steps: Steps) -> dict[str, Received]:
    """Return what CloudWatch said of metrics of one resource, by their ids; what it did not tell in the range is left out.

    Reads the series of all of them in one question, and in another their points.
    """
    series = dictionary_of(engine).by_name(engine, _names(metrics), steps.since_ns)
    told = [
        (metric, one)
        for metric in metrics
        for one in metric.cloudwatch
        if one.only in ("", resource) and name_of(one) in series
    ]
    dead = _gave_up_to(engine, resource, steps.until_ns) if any(one.endings for _, one in told) else []
    asked = []
    for metric, one in told:
        reader = _Reader(engine, one, steps, series)
        label = reader.label_of(resource, dead)
        if label or not one.by:
            asked.append((metric, reader, label))
    together = _together(engine, [(reader, label) for _, reader, label in asked], steps)
    found: dict[str, Received] = {}
    for metric, reader, label in asked:
        if metric.id not in found and (figures := reader.read(metric.stat, label, together)):
            found[metric.id] = figures
    return found


def _names(metrics: Iterable[Metric]) -> set[str]:
    """The names under which metrics are stored."""
    published = [one for metric in metrics for one in metric.cloudwatch]
    return {name_of(one, name) for one in published for name in (one.metric, one.over) if name}


def _together(engine: Engine, asked: Iterable[tuple[_Reader, str]], steps: Steps) -> Summaries:
    """The points of all summaries that will be asked for; what is no summary is read when it is its turn."""
    series = {one.series_id: one for reader, label in asked for one in reader.series_of(label) if one.kind == "summary"}
    return read_summaries(
        engine,
        list(series.values()),
        steps.since_ns + AT_THE_END_NS,
        steps.until_ns + AT_THE_END_NS,
        steps.step_ns,
        ("max", "p95"),
    )


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
            series = dictionary_of(engine).by_name(engine, [name_of(published)], steps.since_ns)
            for labels, values in _Reader(engine, published, steps, series).lines(metric.stat, by):
                found.setdefault("/".join(_plain(labels[name]) for name in by if labels[name]), values)
    return found


class _Reader:
    """Reads one metric as CloudWatch publishes it, of the series that are known by metric."""

    def __init__(
        self, engine: Engine, published: CloudWatch, steps: Steps, series: Mapping[str, Sequence[Series]]
    ) -> None:
        self.published = published
        self._engine = engine
        self._steps = steps
        self._known = series
        self._series = series.get(name_of(published), ())

    def label_of(self, resource: str, gave_up_to: Sequence[str]) -> str:
        """The label that the resource's series have: its name, with an ending of it, or an ARN that ends in it."""
        by, endings = self.published.by, self.published.endings
        told = {one.label(by) for one in self._series} if by else set()
        if not endings:
            return next((one for one in sorted(told) if one == resource or one.endswith(f":{resource}")), "")
        plain, fifo = resource.removesuffix(".fifo"), resource[len(resource.removesuffix(".fifo")) :]
        return next((name for name in (*gave_up_to, *(f"{plain}{one}{fifo}" for one in endings)) if name in told), "")

    def read(self, stat: str, label: str, together: Summaries) -> Received | None:
        """Return the figures of one resource; a percentile that was not streamed is replaced by the average."""
        if self.published.over:
            return self._share(label, together)
        for chosen in (stat, "avg") if stat == "p95" else (stat,):
            values: dict[int, float] = {}
            for _, line in self.lines(chosen, (), label, together):
                # A percentile of several operations: the slowest stands for them.
                values |= {step: max(value, values.get(step, value)) for step, value in line.items()}
            if values:
                return Received(chosen, values, self.published)
        return None

    def _share(self, label: str, together: Summaries) -> Received | None:
        some, all_ = ((one.lines("sum", (), label, together) or [({}, {})])[0][1] for one in self._parts())
        values = {step: some[step] / all_[step] for step in some if all_.get(step)}
        return Received("avg", values, self.published) if values else None

    def _parts(self) -> list[_Reader]:
        """This, or of a share the two that it is of."""
        published = self.published
        metrics = (published.metric, published.over) if published.over else ()
        alone = [structs.replace(published, metric=one, over="") for one in metrics]
        return [_Reader(self._engine, one, self._steps, self._known) for one in alone] or [self]

    def series_of(self, label: str) -> list[Series]:
        """Return what is read for one resource."""
        return [series for part in self._parts() for series in part._chosen(label)[0]]

    def lines(
        self, stat: str, by: tuple[str, ...], label: str = "", together: Summaries | None = None
    ) -> list[tuple[dict[str, str], dict[int, float]]]:
        """Return labels and figures by step of the series of the fewest dimensions, a line for each combination of ``by``."""
        series, dimensions = self._chosen(label)
        by = by or (tuple(sorted(dimensions)) if stat == "p95" else ())
        times = 1.0 if stat == "count" else self.published.times
        if not series:
            return []
        if together is not None and together.has(series):
            labels, groups = grouped(series, by)
            mine = [[one for one, at in zip(series, groups, strict=True) if at == line] for line in range(len(labels))]
            lines = [(told, together.figures(some, stat)) for told, some in zip(labels, mine, strict=True)]
        else:
            lines = self._charted(series, stat, by)
        return [(told, {step: value * times for step, value in values.items()}) for told, values in lines]

    def _charted(
        self, series: list[Series], stat: str, by: tuple[str, ...]
    ) -> list[tuple[dict[str, str], dict[int, float]]]:
        steps = self._steps
        chart = chart_of_series(
            self._engine,
            series,
            name_of(self.published),
            steps.since_ns + AT_THE_END_NS,
            steps.until_ns + AT_THE_END_NS,
            steps.step_ns,
            stat if stat in STATS else None,  # type: ignore[arg-type]
            by,
        )
        return [(line.labels, {steps.of(at): value for at, value in line.points}) for line in chart.series]

    def _chosen(self, label: str) -> tuple[list[Series], frozenset[str]]:
        """The series with the label (any, "") of the fewest dimensions, and which these are."""
        mine = [one for one in self._series if not label or one.label(self.published.by) == label]
        chosen = _fewest(mine, self.published)
        if chosen is None:
            return [], frozenset()
        others = _all_dimensions(mine) - chosen
        return [one for one in mine if not any(one.label(name) for name in others)], chosen


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

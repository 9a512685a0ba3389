"""Which series a selector of PromQL means, and their samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import re2

from coldtrail.server.prometheus import red as prometheus_red
from coldtrail.server.prometheus.names import Exposed, exposed, labels_of
from coldtrail.server.promql.evaluate import Matcher
from coldtrail.server.promql.functions import QUIET
from coldtrail.server.promql.values import NAME, BadQuery, Labels, Line
from coldtrail.store.engine import Engine
from coldtrail.store.metrics import lines as metrics_lines
from coldtrail.store.metrics.lines import TooMuch, Track
from coldtrail.store.metrics.listed import families
from coldtrail.store.metrics.series import Series, dictionary_of
from coldtrail.store.red import Grouping

MOST_SERIES = 20_000
Test = Callable[[str], bool]


def test_of(sign: str, value: str) -> Test:
    """Return what a matcher asks of a label's value.

    Raises:
        BadQuery: the pattern is no regular expression.
    """
    if sign in ("=", "!="):
        return lambda one: (one == value) == (sign == "=")
    try:
        pattern = re2.compile(rf"(?s:{value})", QUIET)
    except re2.error as error:
        raise BadQuery(f"invalid regular expression {value[:100]!r}: {error}") from None
    return lambda one: (pattern.fullmatch(one) is not None) == (sign == "=~")


class Selection:
    """Answers selectors from one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def names(self, since_ms: int) -> list[Exposed]:
        """Return every name that there is, our own first."""
        own = [Exposed(name, name, "red", kind, told, "ms") for name, (kind, told) in prometheus_red.NAMES.items()]
        return own + [one for family in families(self._engine, since_ms * 10**6) for one in exposed(family)]

    def lines(self, matchers: Sequence[Matcher], since_ms: int, until_ms: int) -> list[Line]:
        """Return the series that match, with samples from a Unix millisecond up to another; the evaluator's `Select`.

        Raises:
            BadQuery: too much is asked for, or a pattern is none.
        """
        by_name, by_label = _split(matchers)
        found: list[Line] = []
        for name in self.names(since_ms):
            if all(test(name.name) for test in by_name):
                found += self._of(name, by_label, since_ms, until_ms)
                if len(found) > MOST_SERIES:
                    raise BadQuery(f"more than {MOST_SERIES} series match: name the metric, or more labels")
        return found

    def labels(self, matchers: Sequence[Matcher], since_ms: int, until_ms: int) -> Iterator[Labels]:
        """Yield the labels of the series that match; buckets and quantiles as one, without reading points.

        Raises:
            BadQuery: a pattern is none.
        """
        by_name, by_label = _split(matchers)
        for name in self.names(since_ms):
            if not all(test(name.name) for test in by_name):
                continue
            if name.part == "red":
                short_ms = max(since_ms, until_ms - 24 * 3_600_000)
                found: Iterable[Labels] = (one.labels for one in self._red(name, by_label, short_ms, until_ms))
            else:
                found = ({NAME: name.name, **labels_of(one)} for one in self._series(name, by_label, since_ms))
            yield from found

    def _of(self, name: Exposed, tests: dict[str, list[Test]], since_ms: int, until_ms: int) -> Iterator[Line]:
        if name.part == "red":
            yield from self._red(name, tests, since_ms, until_ms)
            return
        series = self._series(name, tests, since_ms)
        if not series:
            return
        # Later than the beginning, up to and with the end.
        since_ns, until_ns = since_ms * 10**6 + 1, until_ms * 10**6 + 1
        try:
            metrics_lines.check_size(self._engine, name.metric, since_ns, until_ns)
        except TooMuch as error:
            raise BadQuery(str(error)) from None
        for track in self._tracks(name.part, series, since_ns, until_ns):
            labels = {NAME: name.name, **labels_of(track.series), **track.more}
            if _fits(labels, tests, only=track.more):
                # Up to the millisecond that they were in: a sample must not be older for being told finer.
                times = -(-track.times_ns // 10**6)
                yield Line(labels, np.minimum(times, until_ms), track.values, track.total, track.before)

    def _tracks(self, part: str, series: list[Series], since_ns: int, until_ns: int) -> Iterator[Track]:
        if part == "value":
            return metrics_lines.numbers(self._engine, series, since_ns, until_ns)
        if part == "bucket":
            return metrics_lines.buckets(self._engine, series, since_ns, until_ns)
        if part == "quantile":
            return metrics_lines.quantiles(self._engine, series, since_ns, until_ns)
        return metrics_lines.counts(self._engine, series, since_ns, until_ns, of=part)

    def _series(self, name: Exposed, tests: dict[str, list[Test]], since_ms: int) -> list[Series]:
        found = dictionary_of(self._engine).series(self._engine, name.metric, since_ms * 10**6)
        asked = {label: some for label, some in tests.items() if label not in ("le", "quantile")}
        chosen = [one for one in found if _fits(labels_of(one), asked)] if asked else found
        if len(chosen) > MOST_SERIES:
            raise BadQuery(
                f"{name.name} has {len(chosen)} such series, at most {MOST_SERIES} can be read: name more labels"
            )
        return chosen

    def _red(self, name: Exposed, tests: dict[str, list[Test]], since_ms: int, until_ms: int) -> Iterator[Line]:
        for grouping in prometheus_red.GROUPINGS:
            if all(test(grouping) for test in tests.get("group", ())):
                some = self._red_lines(name.name, grouping, since_ms, until_ms)
                yield from (one for one in some if _fits(one.labels, tests))

    def _red_lines(self, name: str, grouping: Grouping, since_ms: int, until_ms: int) -> Iterable[Line]:
        return prometheus_red.lines(self._engine, name, grouping, since_ms, until_ms)


def _split(matchers: Sequence[Matcher]) -> tuple[list[Test], dict[str, list[Test]]]:
    by_name: list[Test] = []
    by_label: dict[str, list[Test]] = {}
    for label, sign, value in matchers:
        (by_name if label == NAME else by_label.setdefault(label, [])).append(test_of(sign, value))
    return by_name, by_label


def _fits(labels: Labels, tests: dict[str, list[Test]], only: Labels | None = None) -> bool:
    return all(
        test(labels.get(label, ""))
        for label, some in tests.items()
        if only is None or label in only or label in ("le", "quantile")
        for test in some
    )

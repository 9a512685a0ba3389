"""What an alert sees at a moment: each kind of check asks the roll-ups, PromQL or the state, and gives samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from coldtrail.model.alerting import Part, Sample
from coldtrail.model.alerts import (
    Absence,
    Alert,
    Bounded,
    BurnRate,
    Capability,
    Check,
    Component,
    FindingCheck,
    Forecast,
    OutcomeCheck,
    Threshold,
)
from coldtrail.model.durations import duration_ns
from coldtrail.model.objectives import Burn
from coldtrail.server.alerts.figures import Figures
from coldtrail.server.alerts.findings_seen import FindingsSeen
from coldtrail.server.alerts.remembering import Remembering
from coldtrail.server.alerts.samples import bounded, burn_sample, number, outcome_sample, shown
from coldtrail.server.promql.evaluate import Evaluator, parse
from coldtrail.server.promql.values import BadQuery, Labels, Vector
from coldtrail.state.findings import Findings
from coldtrail.store.engine import Engine
from coldtrail.store.outcomes.counts import OutcomeCount, outcome_counts
from coldtrail.watch.trend import foreseen

FORESEES_FROM = 30
"""Points of a course that a forecast is made of."""

MINUTE_NS = 60 * 10**9
Burning = Callable[[int], "list[Burn]"]
"""The objectives that burn at a moment."""


class CannotLook(ValueError):
    """A check cannot be made; the message says why."""


class Looks:
    """Looks at one moment, or at each of a row of moments, of one round."""

    def __init__(
        self,
        engine: Engine,
        findings: Findings,
        at_ns: Sequence[int],
        reach_ns: int,
        *,
        up_since_ns: int = 0,
        burning: Burning = lambda now_ns: [],
    ) -> None:
        self._at_ns = list(at_ns)
        # What is looked at afterwards was taken in, whenever we began.
        self._up_since_ns = up_since_ns if len(self._at_ns) == 1 else 0
        self._seen = FindingsSeen(findings, self._at_ns)
        self._figures = Figures(engine, at_ns[0] - reach_ns, at_ns[-1])
        self._selection = Remembering(engine, at_ns[-1] // 10**6)
        self._burning = burning
        self.engine = engine
        self.findings = findings
        self._since_s = (at_ns[0] - reach_ns) // 10**9
        self._outcomes: list[OutcomeCount] | None = None

    def samples(self, check: Check) -> list[list[Sample]]:
        """Return what a check measures at each moment.

        Raises:
            CannotLook: it asks for what there is not.
            EngineError: the store did not answer.
        """
        try:
            return self._samples(check)
        except BadQuery as error:
            raise CannotLook(str(error)) from None

    def _samples(self, check: Check) -> list[list[Sample]]:
        if isinstance(check, Forecast):
            return [self._forecast(check, at) for at in self._at_ns]
        if isinstance(check, Threshold):
            return self._threshold(check)
        if isinstance(check, Absence):
            return self._absence(check)
        if isinstance(check, FindingCheck):
            return [self._seen.samples(check, at) for at in self._at_ns]
        if isinstance(check, Capability):
            return [self._capability(check, at) for at in self._at_ns]
        if isinstance(check, BurnRate):
            return [self._burns(check, self._burning(at)) for at in self._at_ns]
        return [self._became(check, at) for at in self._at_ns]

    def _threshold(self, check: Threshold) -> list[list[Sample]]:
        if check.promql:
            vector = self._evaluated(check.promql, self._at_ns)
            return [
                [
                    bounded(check, shown(labels), labels, float(values[step]))
                    for labels, values, present in zip(vector.labels, vector.values, vector.present, strict=True)
                    if present[step] and not math.isnan(values[step])
                ]
                for step in range(len(self._at_ns))
            ]
        return [self._figured(check, at) for at in self._at_ns]

    def _figured(self, check: Bounded, at_ns: int) -> list[Sample]:
        found = []
        for name in self._figures.names(check.of, check.scope):
            value = self._figure(check, name, at_ns)
            if value is not None:
                found.append(bounded(check, name, {check.of: name}, value))
        return found

    def _figure(self, check: Bounded, name: str, at_ns: int) -> float | None:
        window = self._figures.window(check.of, name, duration_ns(check.over), at_ns)
        # Of few requests a share or a duration says nothing; that there are few may be what is asked.
        if window.count < check.least and check.figure not in ("count", "rate", "error_count"):
            return None
        return window.figure(check.figure or "count")

    def _forecast(self, check: Forecast, at_ns: int) -> list[Sample]:
        back_ns, ahead_s = duration_ns(check.look_back), duration_ns(check.within) / 1e9
        times_ns = [at_ns - back_ns * part // (FORESEES_FROM - 1) for part in range(FORESEES_FROM - 1, -1, -1)]
        times_s = np.array(times_ns) / 1e9
        found = []
        for name, labels, values in self._courses(check, times_ns):
            ahead = foreseen(times_s, values, ahead_s)
            now = values[np.isfinite(values)][-1:] if values is not None else []
            if ahead is None or not len(now):
                continue
            worst = max(float(now[0]), ahead) if check.above is not None else min(float(now[0]), ahead)
            found.append(bounded(check, name, labels, worst, f"{number(float(now[0]))} now, in {check.within} "))
        return found

    def _courses(self, check: Forecast, times_ns: list[int]) -> list[tuple[str, Labels, Any]]:
        if check.promql:
            vector = self._evaluated(check.promql, times_ns)
            return [
                (shown(labels), labels, np.where(present, values, np.nan))
                for labels, values, present in zip(vector.labels, vector.values, vector.present, strict=True)
            ]
        return [
            (name, {check.of: name}, np.array([_or_nan(self._figure(check, name, at)) for at in times_ns]))
            for name in self._figures.names(check.of, check.scope)
        ]

    def _absence(self, check: Absence) -> list[list[Sample]]:
        within_ns = duration_ns(check.within)
        if check.promql:
            times = [(at - within_ns, at - within_ns // 2, at) for at in self._at_ns]
            seen = [bool(self._evaluated(check.promql, list(three)).present.any()) for three in times]
        else:
            seen = [self._figures.window(check.of, check.scope, within_ns, at).count > 0 for at in self._at_ns]
        name = check.scope or check.promql
        return [[self._absent(check, name, one, at)] for one, at in zip(seen, self._at_ns, strict=True)]

    def _absent(self, check: Absence, name: str, seen: bool, at_ns: int) -> Sample:
        # Who was not up for as long cannot tell whether nothing came, or nobody was there to take it.
        known = at_ns - self._up_since_ns >= duration_ns(check.within)
        why = f"{name[:200]} was seen" if seen else f"nothing of {name[:200]} for {check.within}"
        part = Part(name[:512], 1.0 if seen else 0.0, why, check.scope)
        return Sample(part, not seen and known, seen, 0.0, {check.of: check.scope} if check.scope else {})

    def _capability(self, check: Capability, at_ns: int) -> list[Sample]:
        parts = [part for one in check.components if (part := self._component(check, one, at_ns))]
        wrong = [part for part in parts if part.why]
        total = len(check.components)
        breached = len(wrong) > check.unhealthy_above
        if not wrong:
            part = Part("health", 0.0, f"all {total} components are healthy")
            return [Sample(part, False, True, 0.0)]
        return [
            Sample(Part(one.name, float(len(wrong)), one.why, one.scope, one.finding_id), breached, not breached, at)
            for at, one in zip(range(len(wrong), 0, -1), wrong, strict=True)
        ]

    def _component(self, check: Capability, one: Component, at_ns: int) -> Part | None:
        """Return a component's part; ``why`` is "" where it is healthy."""
        window = self._figures.window(one.of, one.scope, duration_ns(check.over), at_ns)
        if window.count >= max(check.least, 1):
            share, p95_ms = window.figure("error_share") or 0.0, window.figure("p95_ms") or 0.0
            if one.error_share is not None and share > one.error_share:
                why = f"{one.scope}: {share:.1%} of {window.count} fail, more than {one.error_share:.1%}"
                return Part(one.scope, share, why, one.scope)
            if one.p95_ms is not None and p95_ms > one.p95_ms:
                why = f"{one.scope}: p95 {number(p95_ms)} ms is over {number(one.p95_ms)} ms"
                return Part(one.scope, p95_ms, why, one.scope)
        if check.findings:
            severe = FindingCheck(severities=("high",), scopes=(one.scope,))
            for sample in self._seen.samples(severe, at_ns):
                return Part(one.scope, None, f"{one.scope}: {sample.part.why}", one.scope, sample.part.finding_id)
        return Part(one.scope, None, "", one.scope) if window.count else None

    def _became(self, check: OutcomeCheck, at_ns: int) -> list[Sample]:
        """One sample a workflow of which anything became known."""
        if self._outcomes is None:
            self._outcomes = outcome_counts(self.engine, self._since_s, self._at_ns[-1] // 10**9)
        since_ns = (at_ns - duration_ns(check.over)) // MINUTE_NS * MINUTE_NS
        by_workflow: dict[str, list[OutcomeCount]] = {}
        for one in self._outcomes:
            if since_ns <= one.minute_s * 10**9 < at_ns and check.workflow in (None, one.workflow):
                by_workflow.setdefault(one.workflow, []).append(one)
        return [outcome_sample(check, name, counts) for name, counts in by_workflow.items()]

    def _burns(self, check: BurnRate, burning: list[Burn]) -> list[Sample]:
        asked = [
            one for one in burning if check.objective in (None, one.objective) and one.severity in check.severities
        ]
        return [burn_sample(one) for one in asked]

    def _evaluated(self, promql: str, at_ns: Sequence[int]) -> Vector:
        at = np.array([one // 10**6 for one in at_ns], dtype=np.int64)
        value = Evaluator(self._selection.lines, at, int(at[0]), int(at[-1])).value(parse(promql))
        if isinstance(value, str):
            raise CannotLook("the expression is a text, not a number")
        return value if isinstance(value, Vector) else Vector([{}], value[None, :], np.ones((1, len(at)), dtype=bool))


def reach_of(alerts: Sequence[Alert]) -> int:
    """Return how far back, in nanoseconds, the figures that alerts look at begin."""
    return max((_reach(one.check) for one in alerts), default=0) + 120 * 10**9


def _reach(check: Check) -> int:
    if isinstance(check, Forecast):
        return duration_ns(check.look_back) + duration_ns(check.over)
    if isinstance(check, Threshold | Capability):
        return duration_ns(check.over)
    if isinstance(check, OutcomeCheck):
        return duration_ns(check.over)
    return duration_ns(check.within) if isinstance(check, Absence) else 0


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value

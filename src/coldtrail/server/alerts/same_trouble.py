"""One trouble, one alert: a failure that is noticed, and a workflow that does not end as it should because of it.

They are the same where most of the trails that show the finding came out wrong. Whichever of the two was told first speaks
for both; the outcome does where neither was told yet, because it says what became of the user's action.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from coldtrail.model.alerting import AlertState, Observation
from coldtrail.model.alerts import Alert, FindingCheck, OutcomeCheck
from coldtrail.model.findings import Finding
from coldtrail.model.routes import Route
from coldtrail.state.alerting import Key
from coldtrail.state.findings import Findings
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.outcomes.kept import outcomes_of
from coldtrail.watch.alerting import ladder_of

LEAST_SHARE = 0.5
"""Of the trails that show a finding, at least so many came out wrong where the workflow's trouble is its own."""

MOST_FINDINGS = 20
"""Of one round: each may cost the walk of five trails. What is not looked at is told by itself."""

TrailsOf = Callable[[list[str]], dict[str, list[str]]]
"""The trail ids of traces and requests."""

Became = dict[str, list[str]]
"""What trails became, a status a trail, by workflow."""


class Defined(Protocol):
    """What is defined about alerts."""

    alerts: dict[str, Alert]
    routes: dict[str, Route]


class Sources(Protocol):
    """Where findings and outcomes are kept."""

    engine: Engine
    findings: Findings


class SameTrouble:
    """What alerts tell of each other in one round; ``states`` is kept up while they are decided one after the other."""

    def __init__(self, sources: Sources, trails_of: TrailsOf, known: Defined) -> None:
        self._sources = sources
        self._trails_of = trails_of
        self._known = known
        self.states: dict[Key, AlertState] = {}
        self._findings: dict[str, Finding | None] = {}
        self._became: dict[str, Became] = {}

    def muting(self, name: str, group: str, seen: Observation | None) -> str:
        """Return which alert tells of the same trouble to the same people, "" where none does or this one was told before."""
        mine, alert = self.states.get((name, group), AlertState()), self._known.alerts[name]
        if mine.told or seen is None or not seen.breached or not seen.parts:
            return ""
        try:
            other = self._other(alert, seen)
        except EngineError:
            other = ""
        return f"part of {other}" if other else ""

    def _other(self, alert: Alert, seen: Observation) -> str:
        routes = {rung.route for rung in ladder_of(alert, self._known.routes)}
        if isinstance(alert.check, OutcomeCheck):
            return self._finding_told({part.name for part in seen.parts}, alert.check, routes)
        if isinstance(alert.check, FindingCheck):
            return self._outcome_told([part.finding_id for part in seen.parts], routes)
        return ""

    def _finding_told(self, workflows: set[str], check: OutcomeCheck, routes: set[str]) -> str:
        """Return the alert that told of findings which are behind all of some workflows."""
        for (other, _), state in self.states.items():
            alert = self._known.alerts.get(other)
            told = state.phase == "firing" and bool(state.told) and routes <= set(state.told)
            if told and alert and isinstance(alert.check, FindingCheck) and state.seen:
                workflows = workflows.difference(*(self._behind(one.finding_id, check) for one in state.seen.parts))
                if not workflows:
                    return other
        return ""

    def _outcome_told(self, finding_ids: list[str], routes: set[str]) -> str:
        """Return the alert that speaks for a workflow which some findings are all behind."""
        for (other, _), state in self.states.items():
            alert = self._known.alerts.get(other)
            if not alert or not isinstance(check := alert.check, OutcomeCheck):
                continue
            told = {rung.route for rung in ladder_of(alert, self._known.routes)}
            if routes <= told and all(self._explained(one, check, state) for one in finding_ids):
                return other
        return ""

    def _explained(self, finding_id: str, check: OutcomeCheck, state: AlertState) -> bool:
        spoke = state.phase == "recovered" and bool(state.told)
        if not spoke and (state.phase != "firing" or state.muted):
            return False
        finding = self._finding(finding_id)
        # What was not seen again is over with what it was a part of.
        if not finding or (spoke and finding.last_ns > state.since_ns):
            return False
        named = {part.name for part in state.seen.parts} if state.seen else set[str]()
        return bool(self._behind(finding_id, check) & (named | set(state.told_parts)))

    def _behind(self, finding_id: str, check: OutcomeCheck) -> set[str]:
        """The workflows of which most trails that show a finding came out as a check asks for."""
        return {
            workflow
            for workflow, statuses in self._what_became(finding_id).items()
            if sum(one in check.outcomes for one in statuses) >= LEAST_SHARE * len(statuses)
        }

    def _what_became(self, finding_id: str) -> Became:
        """What is decided of the trails that show a finding; costs a walk each of those that are new."""
        if finding_id not in self._became and len(self._became) >= MOST_FINDINGS:
            return {}
        if finding_id not in self._became:
            finding, found = self._finding(finding_id), Became()
            trails = self._trails_of(finding.units) if finding else {}
            told = outcomes_of(self._sources.engine, {one for many in trails.values() for one in many})
            for one in (one for many in told.values() for one in many if one.status != "open"):
                found.setdefault(one.workflow, []).append(one.status)
            self._became[finding_id] = found
        return self._became[finding_id]

    def _finding(self, finding_id: str) -> Finding | None:
        if finding_id not in self._findings:
            self._findings[finding_id] = self._sources.findings.of([finding_id]).get(finding_id)
        return self._findings[finding_id]

"""Everything that an investigation is shown with, read at once; what cannot be read is told, and the rest is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from coldtrail.analysis.contrast import Contrast, contrast
from coldtrail.analysis.first_failures import Affected
from coldtrail.analysis.investigation_report import Facts
from coldtrail.analysis.rollouts import Rollout, rollouts
from coldtrail.model.findings import Finding
from coldtrail.model.investigations import Ground
from coldtrail.server.api.service import Service
from coldtrail.server.investigations.affected import affected
from coldtrail.state.findings import Wanted
from coldtrail.store.contrast.attributes import Contrasted, contrasted
from coldtrail.store.contrast.units import Course, Scope, course, scope_of
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.functions.versions import versions

DEPLOYED_BEFORE_NS = 6 * 3_600 * 10**9
MOST_FINDINGS = 20
POINTS = 60

Answer = TypeVar("Answer")


def facts_of(service: Service, ground: Ground) -> Facts:
    """Return what there is about a ground now."""
    failing: list[str] = []

    def ask(what: str, question: Callable[[], Answer], instead: Answer) -> Answer:
        try:
            return question()
        except EngineError as error:
            failing.append(f"{what}: {str(error)[:300]}")
            return instead

    since_ns = ground.since_ns - DEPLOYED_BEFORE_NS
    seen: list[Rollout] = []
    return Facts(
        courses=ask(
            "the scope", lambda: [(one.name, course_of(service, one, ground)) for one in scopes_of(service, ground)], []
        ),
        affected=ask("the affected trails", lambda: affected(service, ground), Affected([], [])),
        findings=findings_of(service, ground),
        deployments=service.deployments.listed(max(0, since_ns), ground.until_ns, limit=MOST_FINDINGS),
        rollouts=ask(
            "the deployments",
            lambda: rollouts(versions(service.engine), since_ns // 10**9, ground.until_ns // 10**9)[:MOST_FINDINGS],
            seen,
        ),
        contrasts=ask("the suspects", lambda: contrasts_of(service, ground), []),
        failing=failing,
    )


def scopes_of(service: Service, ground: Ground) -> list[Scope]:
    """Return the scopes of a ground as what they are; its workflow is the first of them."""
    named = [scope_of(service.engine, name, ground.since_ns, ground.until_ns) for name in ground.scopes]
    return [Scope(ground.workflow, "workflow"), *named] if ground.workflow else named


def course_of(service: Service, scope: Scope, ground: Ground) -> Course:
    """Return a scope's figures before and after the moment of a ground."""
    step_ns = max(10**9, (ground.until_ns - ground.since_ns) // POINTS)
    return course(service.engine, scope, ground.since_ns, ground.at_ns, ground.until_ns, step_ns)


def findings_of(service: Service, ground: Ground) -> list[Finding]:
    """Return findings about the scopes of a ground that were seen within its range, the most severe first."""
    about = [
        service.findings.listed(Wanted(scope=one, since_ns=ground.since_ns), MOST_FINDINGS) for one in ground.scopes
    ]
    found = {one.fingerprint: one for many in about for one in many if one.first_ns < ground.until_ns}
    rank = {"high": 0, "medium": 1, "low": 2}
    return sorted(found.values(), key=lambda one: (rank[one.severity], -one.last_ns))[:MOST_FINDINGS]


def contrasts_of(service: Service, ground: Ground) -> list[tuple[str, Contrasted, Contrast]]:
    """Return the contrast of the workflow of a ground, else of each of its scopes."""
    names = (ground.workflow,) if ground.bad == "outcome" else ground.scopes
    return [(name, *contrast_of(service, name, ground)) for name in names]


def contrast_of(service: Service, name: str, ground: Ground) -> tuple[Contrasted, Contrast]:
    """Return one contrast, and what it rests on."""
    groups = contrasted(service.engine, name, ground.since_ns, ground.until_ns, ground.bad, ground.slow_ms)
    return groups, contrast(groups.counted, groups.bad_looked_at, groups.other_looked_at)

"""What was measured, as samples that an alert decides by: the value, whether it is wrong, and why in words. Pure."""

from __future__ import annotations

from coldtrail.model.alerting import Part, Sample
from coldtrail.model.alerts import Bounded, OutcomeCheck
from coldtrail.model.findings import Finding
from coldtrail.model.objectives import Burn
from coldtrail.server.promql.values import NAME, Labels
from coldtrail.store.outcomes.counts import OutcomeCount


def shown(labels: Labels) -> str:
    """Return a series' labels as one reads them."""
    told = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != NAME)
    name = labels.get(NAME, "")
    return (f"{name} {told}".strip() or "value")[:512]


def number(value: float) -> str:
    """Return a number as one reads it."""
    return f"{value:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"


def bounded(check: Bounded, name: str, labels: Labels, value: float, before: str = "") -> Sample:
    """Return a value against its bound; ``before``: what is said of it first."""
    above = check.above is not None
    breached, cleared = check.breached(value), check.cleared(value)
    word = ("over" if above else "under") if breached else "within"
    what = check.figure or "value"
    why = f"{name}: {what} {before}{number(value)}, {word} {number(check.bound)}"
    scope = next(
        (labels[one] for one in ("function", "service", "service_name", "route", "faas_name") if one in labels), ""
    )
    excess = value - check.bound if above else check.bound - value
    return Sample(Part(name, value, why, check.scope or scope), breached, cleared, excess, dict(labels))


def finding_sample(one: Finding) -> Sample:
    """Return an open finding, which is always wrong; the more severe it is the worse."""
    part = Part(
        one.title[:512],
        float(one.count),
        f"{one.title[:300]}, seen {'once' if one.count == 1 else f'{one.count} times'}",
        one.scope,
        one.fingerprint,
    )
    rank = {"high": 2.0, "medium": 1.0}.get(one.severity, 0.0)
    labels = {"finding": one.fingerprint, "kind": one.kind, "scope": one.scope, "severity": one.severity}
    return Sample(part, True, False, rank, labels)


def burn_sample(one: Burn) -> Sample:
    """Return an objective that burns, by its fastest windows."""
    fastest = one.values[0]
    rates = f"{number(fastest.long_burn)}x over {fastest.window.long}, {number(fastest.short_burn)}x over {fastest.window.short}"
    why = f"{one.title or one.objective}: the budget burns {rates}; {one.budget_left:.0%} of it is left"
    scope = getattr(one.sli, "scope", "")
    part = Part(one.objective, fastest.long_burn, why, scope)
    return Sample(part, True, False, fastest.long_burn, {"objective": one.objective, "severity": one.severity})


def outcome_sample(check: OutcomeCheck, workflow: str, counts: list[OutcomeCount]) -> Sample:
    """Return what trails of a workflow became, with the most frequent of what is wrong as the example."""
    wrong = [one for one in counts if one.status in check.outcomes]
    count, total = sum(one.count for one in wrong), sum(one.count for one in counts)
    value = count / total if check.measure == "share" else float(count)
    worst = max(wrong, key=lambda one: one.count, default=None)
    where = f', most at "{worst.step}": {worst.words[:200]}' if worst and worst.step else ""
    became = [one for one in check.outcomes if any(each.status == one for each in wrong)] or check.outcomes
    why = f"{workflow}: {count} of {total} trails {' or '.join(became).replace('_', ' ')}{where}"
    part = Part(workflow, value, why, worst.service if worst else "", trail_id=worst.trail_id if worst else "")
    clear = check.above if check.clear is None else check.clear
    return Sample(part, value > check.above, value <= clear, value - check.above, {"workflow": workflow})

"""Whether a change reduced a system's cost, increased it, or only moved it from one component to another.

The rule, in USD per thousand trails, so that more traffic alone is no change (`verdict`):

- *slack* is ``tolerance`` (2 % unless told otherwise) of the dearer of the two totals;
- a component fell or rose where it changed at all; `fell` and `rose` are the sums of the falls and of the rises;
- **moved**: both `fell` and `rose` are above the slack, and the total changed by no more than the slack or by no more
  than a quarter of the greater of the two: at least three quarters of what one component lost another gained;
- else **reduced** where the total fell by more than the slack, **increased** where it rose by more;
- else **unchanged**.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct

Verdict = Literal["reduced", "moved", "increased", "unchanged", "unknown"]
Component = tuple[str, str, str]

TOLERANCE = Decimal("0.02")
NET_SHARE = Decimal("0.25")
THOUSAND = 1_000
ZERO = Decimal(0)


class Change(Struct, frozen=True):
    """One component before and after, in USD per thousand trails."""

    component: Component
    before_usd: Decimal
    after_usd: Decimal

    @property
    def usd(self) -> Decimal:
        """The change; negative where it fell."""
        return self.after_usd - self.before_usd


class Comparison(Struct, frozen=True):
    """Two ranges, by component, in USD per thousand trails, the greatest change first. ``unknown``: one has no trails."""

    verdict: Verdict
    before_usd: Decimal
    after_usd: Decimal
    fell_usd: Decimal
    rose_usd: Decimal
    slack_usd: Decimal
    changes: list[Change]


def compare(
    before: Mapping[Component, Decimal],
    after: Mapping[Component, Decimal],
    trails_before: int,
    trails_after: int,
    tolerance: Decimal = TOLERANCE,
) -> Comparison:
    """Compare what components cost in USD over two ranges with so many trails each."""
    if not trails_before or not trails_after:
        return Comparison("unknown", ZERO, ZERO, ZERO, ZERO, ZERO, [])
    changes = [
        Change(
            one,
            before.get(one, ZERO) * THOUSAND / trails_before,
            after.get(one, ZERO) * THOUSAND / trails_after,
        )
        for one in sorted({*before, *after})
        if before.get(one) or after.get(one)
    ]
    changes.sort(key=lambda one: (-abs(one.usd), one.component))
    fell = -sum((one.usd for one in changes if one.usd < 0), ZERO)
    rose = sum((one.usd for one in changes if one.usd > 0), ZERO)
    was, is_ = (sum((getattr(one, name) for one in changes), ZERO) for name in ("before_usd", "after_usd"))
    slack = tolerance * max(was, is_)
    return Comparison(verdict(fell, rose, slack), was, is_, fell, rose, slack, changes)


def verdict(fell: Decimal, rose: Decimal, slack: Decimal) -> Verdict:
    """Apply the rule of this module."""
    net = rose - fell
    if min(fell, rose) > slack and abs(net) <= max(slack, NET_SHARE * max(fell, rose)):
        return "moved"
    if net < -slack:
        return "reduced"
    return "increased" if net > slack else "unchanged"


def words(found: Comparison, tolerance: Decimal = TOLERANCE) -> str:
    """Say the verdict in a sentence or two."""
    if found.verdict == "unknown":
        return "One of the two ranges has no trails, so there is nothing to compare per thousand of them."
    figures = f"{usd(found.before_usd)} before, {usd(found.after_usd)} after, per thousand trails"
    if found.verdict == "unchanged":
        return f"The cost did not change by more than {tolerance * 100:.0f} %: {figures}."
    down = next((one for one in found.changes if one.usd < 0), None)
    up = next((one for one in found.changes if one.usd > 0), None)
    parts = [f"{_named(one)} {'fell' if one.usd < 0 else 'rose'} by {usd(abs(one.usd))}" for one in (down, up) if one]
    head = {
        "moved": "The cost only moved",
        "reduced": "The cost was reduced",
        "increased": "The cost increased",
    }[found.verdict]
    return f"{head}: {figures}. Most of it: {', '.join(parts)}." if parts else f"{head}: {figures}."


def _named(change: Change) -> str:
    _, resource, what = change.component
    return f"{what} of {resource}" if resource else what


def usd(amount: Decimal) -> str:
    """Return dollars for people: cents where there are any, else two significant digits."""
    if amount == 0 or abs(amount) >= 1:
        return f"${amount:,.2f}"
    digits = max(2, 1 - amount.adjusted())
    return f"${amount:.{digits}f}"

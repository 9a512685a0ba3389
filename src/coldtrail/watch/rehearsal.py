"""A rehearsal: when an alert would have fired, been told and been over, by what was measured in the past. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from coldtrail.model.alerting import AlertState, Event, Sample
from coldtrail.model.alerts import Alert
from coldtrail.watch.alerting import Rules, grouped, step, unseen

MOST_GROUPS = 200


class Moment(Struct, frozen=True):
    """What was measured at one moment, of all groups the worst: a value of None where nothing was."""

    time_ns: int
    value: float | None
    breached: bool
    firing_count: int


class Rehearsal(Struct, frozen=True):
    """The moments, and what would have happened, in order, each with its group."""

    moments: tuple[Moment, ...]
    events: tuple[tuple[str, Event], ...]


def rehearse(alert: Alert, rules: Rules, times_ns: Sequence[int], samples: Sequence[Sequence[Sample]]) -> Rehearsal:
    """Return what an alert would have done; silences and other alerts are left out, and nobody acknowledges."""
    states: dict[str, AlertState] = {}
    moments, told = [], []
    for at_ns, measured in zip(times_ns, samples, strict=True):
        seen = dict(list(grouped(alert, measured).items())[:MOST_GROUPS])
        for group in dict.fromkeys((*states, *seen)):
            before = states.get(group, AlertState())
            states[group], events = step(rules, before, seen.get(group, unseen(alert)), at_ns)
            told += [(group, event) for event in events]
        worst = max(measured, key=lambda one: (one.breached, one.excess), default=None)
        firing = sum(state.phase == "firing" for state in states.values())
        moments.append(
            Moment(at_ns, worst.part.value if worst else None, any(one.breached for one in measured), firing)
        )
    return Rehearsal(tuple(moments), tuple(told))

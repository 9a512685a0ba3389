"""The findings that alerts look at: those that are open now, or those of a row of past moments."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from coldtrail.model.alerting import Sample
from coldtrail.model.alerts import FindingCheck
from coldtrail.model.durations import duration_ns
from coldtrail.model.findings import Finding
from coldtrail.server.alerts.samples import finding_sample
from coldtrail.state.findings import Findings, Wanted
from coldtrail.watch.findings import awake

MOST_FINDINGS = 500


class FindingsSeen:
    """The findings of one look at a moment, or at each of a row of moments; read when they are first asked for."""

    def __init__(self, findings: Findings, at_ns: Sequence[int]) -> None:
        self._findings = findings
        self._at_ns = at_ns
        self._open: list[Finding] | None = None
        self._minutes: dict[str, list[int]] = {}

    def samples(self, check: FindingCheck, at_ns: int) -> list[Sample]:
        """Return those that a check asks for; those that follow from another of them are left to that one."""
        since_ns = at_ns - duration_ns(check.seen_within)
        fits = [one for one in self.current() if _fits(check, one) and self._was_seen(one, since_ns, at_ns)]
        known = {one.fingerprint for one in fits}
        return [finding_sample(one) for one in fits if one.follows not in known]

    def current(self) -> list[Finding]:
        """Findings that are open; of a row of past moments all that there are, whatever was decided about them since."""
        if self._open is None:
            past = len(self._at_ns) > 1
            kept = self._findings.listed(Wanted() if past else Wanted(states=("open", "muted")), MOST_FINDINGS)
            self._open = [one for one in kept if past or awake(one, self._at_ns[-1]).state == "open"]
            if past:
                names = [one.fingerprint for one in kept]
                first_s, last_s = self._at_ns[0] // 10**9 - 31 * 86_400, self._at_ns[-1] // 10**9
                for name, minute_s in sorted(self._findings.counted(names, first_s, last_s)):
                    self._minutes.setdefault(name, []).append(minute_s)
        return self._open

    def _was_seen(self, one: Finding, since_ns: int, at_ns: int) -> bool:
        if len(self._at_ns) == 1:
            return one.last_ns >= since_ns and one.first_ns <= at_ns
        minutes = self._minutes.get(one.fingerprint, [])
        # A minute is over before it is told of.
        next_ = bisect_left(minutes, since_ns // 10**9 - 60)
        return next_ < len(minutes) and minutes[next_] + 60 <= at_ns // 10**9


def _fits(check: FindingCheck, one: Finding) -> bool:
    return (
        (not check.kinds or one.kind in check.kinds)
        and (not check.severities or one.severity in check.severities)
        and (not check.scopes or one.scope in check.scopes)
    )

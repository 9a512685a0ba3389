"""Why a function started cold, decided from the history of its instances. Pure.

An instance serves one invocation at a time, is kept for a while when idle, and is replaced when the function's code or
settings change (AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle", "Understanding
Lambda function scaling"). How long an idle one is kept is not documented; `IDLE_S` is the shortest that is commonly seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Cause = Literal["provisioned", "failed_init", "first_traffic", "deployment", "scale_out", "idle_timeout", "unknown"]

IDLE_S = 300.0
FAILED_WITHIN_S = 60.0
MOST_BEFORE = 2_000
"""So many runs before a cold start are looked at for who was busy and who idle."""

RULES: dict[Cause, str] = {
    "provisioned": "its instance was made ready ahead, as provisioned concurrency: no request waited for it",
    "failed_init": f"an initialisation of the function failed in the {FAILED_WITHIN_S:.0f} s before, or its own instance had run before",
    "first_traffic": "nothing ran before it in the history that is kept",
    "deployment": "its version had not run before while another had, or of two and more instances that had just been in use "
    "none was used again though the function ran on",
    "scale_out": "every instance known to be alive was busy when it was asked for",
    "idle_timeout": f"nothing was running, and the last run had ended {IDLE_S / 60:.0f} minutes before or longer",
    "unknown": "none of the other rules holds: an instance was idle and yet another was started, or instances are not told apart",
}
"""The rule by which each cause is decided, in the order in which they are asked."""


class Run(Struct, frozen=True):
    """One invocation. ``start_ns``: when its handler began; the instance was asked for ``ready_ms`` earlier.

    ``instance``: "" where it is not told. ``ready_ms``: how long initialising or restoring took, None where it was warm or
    nothing tells. ``how``: the initialization type, "" where it is not told.
    """

    start_ns: int
    end_ns: int
    instance: str
    cold: bool
    ready_ms: float | None = None
    how: str = ""
    version: str = ""
    request_id: str = ""
    trace_id: str = ""

    @property
    def asked_ns(self) -> int:
        """When the instance was asked for."""
        return self.start_ns - int((self.ready_ms or 0) * 1e6)


class Decided(Struct, frozen=True):
    """A cold start and its cause."""

    run: Run
    cause: Cause


def decide(runs: Sequence[Run], failed_inits_ns: Sequence[int] = (), *, whole: bool = True) -> list[Decided]:
    """Return the cold starts of one function with their causes, in order of time.

    ``whole``: ``runs`` are all that is kept; where they are only the newest, the first of them proves nothing.
    """
    ordered = sorted(runs, key=lambda run: (run.start_ns, run.request_id))
    starts_of: dict[str, list[int]] = {}
    first_of: dict[str, int] = {}
    for place, run in enumerate(ordered):
        starts_of.setdefault(run.instance, []).append(run.start_ns)
        first_of.setdefault(run.version, place)
    failed = sorted(failed_inits_ns)
    found = []
    for place, run in enumerate(ordered):
        if run.cold:
            plain = _plain_cause(place, run, starts_of, first_of, failed, whole)
            found.append(Decided(run, plain or _by_instances(place, run, ordered, starts_of)))
    return found


def _plain_cause(
    place: int, run: Run, starts_of: dict[str, list[int]], first_of: dict[str, int], failed: list[int], whole: bool
) -> Cause | None:
    if run.how == "provisioned-concurrency":
        return "provisioned"
    if any(0 <= run.asked_ns - at <= FAILED_WITHIN_S * 1e9 for at in failed):
        return "failed_init"
    if run.instance and starts_of[run.instance][0] < run.start_ns:
        return "failed_init"
    if not place:
        return "first_traffic" if whole else "unknown"
    others = [first for version, first in first_of.items() if version not in ("", run.version)]
    if run.version and first_of[run.version] == place and others and min(others) < place:
        return "deployment"
    return None


def _by_instances(place: int, run: Run, ordered: list[Run], starts_of: dict[str, list[int]]) -> Cause:
    asked_ns = run.asked_ns
    before = ordered[max(0, place - MOST_BEFORE) : place]
    in_flight = [one for one in before if one.start_ns <= asked_ns < one.end_ns]
    recent = {one.instance for one in before if one.end_ns > asked_ns - IDLE_S * 1e9 and one.instance} - {run.instance}
    used_again = {name for name in recent if starts_of[name][-1] >= asked_ns}
    if len(recent) >= 2 and not used_again and len(ordered) - place - 1 >= 2 * len(recent):
        return "deployment"
    busy = {one.instance for one in in_flight}
    if in_flight and not (used_again - busy):
        return "scale_out"
    if not in_flight and asked_ns - max(one.end_ns for one in before) >= IDLE_S * 1e9:
        return "idle_timeout"
    return "unknown"

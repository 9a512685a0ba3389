"""When a backlog will be empty at the present rate. Pure.

Source: Little, "A Proof for the Queuing Formula L = lambda W" (1961), as far as: what waits shrinks by what is taken less
what comes.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Verdict = Literal["empty", "draining", "never", "unknown"]

LEAST_SHRINKING = 0.01
"""Of the rate at which is taken: less than a hundredth of it is no shrinking that one could count on."""


class Drain(Struct, frozen=True):
    """``empty_in_s``: None unless it is draining (0 where it is empty). ``why``: a sentence."""

    verdict: Verdict
    empty_in_s: float | None
    why: str


def drain(backlog: float | None, in_per_s: float | None, out_per_s: float | None) -> Drain:
    """Return when ``backlog`` messages will be gone; None for what nobody knows."""
    if backlog is None:
        return Drain("unknown", None, "how many messages wait is not told")
    if backlog <= 0:
        return Drain("empty", 0.0, "nothing waits")
    if in_per_s is None or out_per_s is None:
        return Drain("unknown", None, "the rates at which messages come and go are not told")
    if out_per_s <= 0:
        return Drain("never", None, "nothing is taken")
    shrinking_per_s = out_per_s - in_per_s
    if shrinking_per_s <= LEAST_SHRINKING * out_per_s:
        grows = shrinking_per_s < -LEAST_SHRINKING * out_per_s
        return Drain("never", None, "more messages come than are taken" if grows else "as many come as are taken")
    return Drain("draining", backlog / shrinking_per_s, f"{shrinking_per_s:.3g} more are taken a second than come")

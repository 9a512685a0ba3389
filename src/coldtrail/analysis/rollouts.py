"""Versions that telemetry names, as deployments that nobody announced."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct

from coldtrail.store.functions.versions import Version

ONE_ROLLOUT_S = 15 * 60
"""The same version of several services within so long is one deployment."""


class Rollout(Struct):
    """A version that came after another. ``first_s``: when it was first received, Unix seconds; ``previous``: one's before."""

    first_s: int
    attribute: str
    version: str
    previous: str
    services: list[str]


def rollouts(known: Iterable[Version], since_s: int, until_s: int) -> list[Rollout]:
    """Return the changes of version within a range, newest first; the first version of a service is no change."""
    by_name: dict[tuple[str, str], list[Version]] = {}
    for one in known:
        by_name.setdefault((one.service, one.attribute), []).append(one)
    changes: list[tuple[Version, Version]] = []
    for many in by_name.values():
        changes += pairwise(sorted(many, key=lambda one: (one.first_s, one.version)))
    found: list[Rollout] = []
    open_: dict[tuple[str, str], Rollout] = {}
    for old, new in sorted(changes, key=lambda pair: (pair[1].first_s, pair[1].service)):
        if not since_s <= new.first_s < until_s:
            continue
        current = open_.get((new.attribute, new.version))
        if current and new.first_s - current.first_s < ONE_ROLLOUT_S:
            current.services.append(new.service)
            continue
        current = Rollout(new.first_s, new.attribute, new.version, old.version, [new.service])
        open_[new.attribute, new.version] = current
        found.append(current)
    return found[::-1]

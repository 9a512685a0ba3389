"""Functions that use nearly all of their memory: the next larger input kills them."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.failures import nearly_full
from coldtrail.watch.finders.told import sighting

SHARE = 0.9


def nearly_out_of_memory(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every function that succeeded with more than nine tenths of its memory in use."""
    for group in nearly_full(engine, since_ns, until_ns, SHARE):
        used_mb, size_mb = group.figures
        yield sighting(
            group,
            kind="near_out_of_memory",
            detail=f"{size_mb:.0f} MB",
            title=f"{group.scope} uses {used_mb:.0f} of its {size_mb:.0f} MB",
            severity="low",
            advice=(
                "Give it more memory before an input that is a little larger ends it; more memory also brings more CPU."
            ),
            memory_used_mb=used_mb,
            memory_size_mb=size_mb,
        )

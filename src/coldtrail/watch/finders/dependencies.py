"""Calls that fail: what a function depends on answers with errors, or holds it back."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.failures import failed_calls
from coldtrail.watch.finders.told import sighting
from coldtrail.watch.normalise import normalise


def failing_dependencies(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every dependency whose calls failed, by caller and error; refusals by a limit apart."""
    for group in failed_calls(engine, since_ns, until_ns):
        called, error_type, message = group.texts
        throttled = group.figures[0] > 0
        told = error_type or normalise(message) or "errors"
        yield sighting(
            group,
            kind="throttle" if throttled else "dependency",
            scope=called,
            detail=f"{group.scope}: {error_type or normalise(message)}",
            title=f"{called} holds {group.scope} back: {told}"
            if throttled
            else f"{called} fails {group.scope}: {told}",
            severity="medium",
            advice="Raise the limit or spread the load, and back off with jitter."
            if throttled
            else "See whether the callers that fail are one version, one instance or all, and what the dependency says of itself.",
            caller=group.scope,
            type=error_type,
            message=message[:1000],
        )

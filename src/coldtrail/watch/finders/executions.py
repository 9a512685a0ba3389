"""State machines whose executions fail, time out or are aborted."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.failures import failed_executions
from coldtrail.watch.finders.told import sighting
from coldtrail.watch.normalise import normalise

_HOW = {"ExecutionFailed": "fails", "ExecutionTimedOut": "times out", "ExecutionAborted": "is aborted"}


def failing_executions(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every state machine that did not succeed, by how and by error."""
    for group in failed_executions(engine, since_ns, until_ns):
        how, error, cause = group.texts
        yield sighting(
            group,
            kind="execution",
            detail=f"{how}: {error}",
            title=f"{group.scope} {_HOW.get(how, how)}" + (f": {error}" if error else ""),
            severity="medium",
            advice="The trail shows which state failed first, its attempts and what each of them waited for.",
            error=error,
            cause=normalise(cause),
        )

"""Lines at error level in functions that "succeed": nobody is told of them by metrics of errors."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles import failures as troubles
from coldtrail.watch.finders.told import sighting
from coldtrail.watch.normalise import normalise


def error_lines(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every text logged at error level by an invocation that did not fail."""
    for group in troubles.error_lines(engine, since_ns, until_ns):
        text = normalise(group.texts[0])
        yield sighting(
            group,
            kind="error_line",
            detail=text,
            title=f"{group.scope} logs an error and succeeds: {text}",
            severity="medium",
            advice="Either the work was not done and the function should fail, or the line is no error.",
            line=group.texts[0][:1000],
        )

"""What signals carry, read once each: the walk asks for it to go on, the nodes to be made."""

from __future__ import annotations

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Key
from coldtrail.services import Carries, carried_by
from coldtrail.services.propagation import TraceContext


class Carried:
    """The keys and trace contexts of the signals of one walk; holds on to every signal that it was asked for."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Carries, Span | Log]] = {}

    def by(self, signal: Span | Log) -> Carries:
        """Return all that a signal carries, by the rules in force."""
        known = self._known.get(id(signal))
        if known is None:
            known = self._known[id(signal)] = (carried_by(signal), signal)
        return known[0]

    def keys(self, signal: Span | Log) -> tuple[Key, ...]:
        """Return the keys that a signal carries."""
        return self.by(signal).keys

    def contexts(self, signal: Span | Log) -> tuple[TraceContext, ...]:
        """Return the trace contexts that a signal was handed in headers or in an event."""
        return self.by(signal).contexts

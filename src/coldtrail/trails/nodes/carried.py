"""What signals carry, read once each: the walk asks for it to go on, the nodes to be made."""

from __future__ import annotations

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Key
from coldtrail.services import contexts_of_log, contexts_of_span, keys_of_log, keys_of_span
from coldtrail.services.propagation import TraceContext


class Carried:
    """The keys and trace contexts of the signals of one walk; holds on to every signal that it was asked for."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[Span | Log, tuple[Key, ...]]] = {}
        self._contexts: dict[int, tuple[Span | Log, tuple[TraceContext, ...]]] = {}

    def keys(self, signal: Span | Log) -> tuple[Key, ...]:
        """Return the keys that a signal carries, by the rules in force."""
        known = self._keys.get(id(signal))
        if known is None:
            keys = keys_of_log(signal) if isinstance(signal, Log) else keys_of_span(signal)
            known = self._keys[id(signal)] = (signal, keys)
        return known[1]

    def contexts(self, signal: Span | Log) -> tuple[TraceContext, ...]:
        """Return the trace contexts that a signal was handed in headers or in an event."""
        known = self._contexts.get(id(signal))
        if known is None:
            contexts = contexts_of_log(signal) if isinstance(signal, Log) else contexts_of_span(signal)
            known = self._contexts[id(signal)] = (signal, contexts)
        return known[1]

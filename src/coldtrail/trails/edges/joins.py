"""The edges found so far: what a stronger evidence has joined, a weaker one does not join again."""

from __future__ import annotations

from coldtrail.model.trails import Edge, EdgeKind, Evidence, Wait


class Joins:
    """The edges found so far, and which nodes have a cause."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Edge] = {}
        self.caused: set[str] = set()
        self.causes: dict[str, list[str]] = {}

    def add(
        self,
        cause: str,
        effect: str,
        kind: EdgeKind,
        evidence: Evidence,
        confidence: float = 1.0,
        waits: tuple[Wait, ...] = (),
    ) -> None:
        """Add an edge, unless the two are joined already in either direction."""
        pair = (cause, effect)
        if cause == effect or pair in self.found or (effect, cause) in self.found:
            return
        self.found[pair] = Edge(cause, effect, kind, evidence, confidence, waits)
        self.caused.add(effect)
        self.causes.setdefault(effect, []).append(cause)

    def edges(self) -> list[Edge]:
        """All edges, in an order that does not depend on how they were found."""
        return [self.found[pair] for pair in sorted(self.found)]

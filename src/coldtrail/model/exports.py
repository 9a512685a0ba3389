"""What a receiver hands over: OTLP export requests as bytes, and what it had to refuse."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.signals import Signal


class Export(Struct, frozen=True):
    """One serialised OTLP ``Export{Traces,Logs,Metrics}ServiceRequest``.

    ``items`` counts its spans, log records or metric data points.
    """

    signal: Signal
    body: bytes
    items: int


class Translation(Struct, frozen=True):
    """What became of one delivery: the exports to keep, and how many items were refused and why."""

    exports: tuple[Export, ...] = ()
    rejected_items: int = 0
    reasons: tuple[str, ...] = ()


class Malformed(ValueError):
    """The input as a whole breaks its protocol; the message names the field and what was expected."""


class TooLarge(ValueError):
    """The input is larger than its bound, before or after decompression; the message names the bound."""

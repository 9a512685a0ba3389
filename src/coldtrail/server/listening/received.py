"""What each protocol brought since start, and what was refused and why."""

from __future__ import annotations

import time
from typing import Any

from msgspec import Struct, field

from coldtrail.model.signals import Signal
from coldtrail.model.times import rfc3339

PROTOCOLS = (
    "otlp/http",
    "otlp/grpc",
    "xray/udp",
    "xray/http",
    "firehose",
    "cloudwatch-logs",
    "lambda-telemetry",
    "cloudevents",
    "remote-write",
)


class Counter(Struct):
    """One protocol's counts. ``last_reason`` is the newest refusal, cut to a line."""

    accepted_items: int = 0
    refused_items: int = 0
    refused_requests: int = 0
    last_received_ns: int = 0
    last_reason: str = ""


class Received(Struct):
    """The counts of all protocols and signals."""

    protocols: dict[str, Counter] = field(default_factory=lambda: {name: Counter() for name in PROTOCOLS})
    signals: dict[Signal, int] = field(default_factory=lambda: {"traces": 0, "logs": 0, "metrics": 0})

    def accepted(self, protocol: str, signal: Signal, items: int) -> None:
        """Count items that are on disk."""
        counter = self.protocols[protocol]
        counter.accepted_items += items
        counter.last_received_ns = time.time_ns()
        self.signals[signal] += items

    def refused(self, protocol: str, reason: str, *, items: int = 0) -> None:
        """Count refused items of a request, or the whole request where ``items`` is 0."""
        counter = self.protocols[protocol]
        counter.refused_items += items
        counter.refused_requests += not items
        counter.last_reason = reason[:500]

    def as_json(self) -> dict[str, Any]:
        """Return the answer of `GET /api/v1/received`."""
        return {
            "protocols": [
                {
                    "protocol": name,
                    "accepted_items": counter.accepted_items,
                    "refused_items": counter.refused_items,
                    "refused_requests": counter.refused_requests,
                    "last_received": rfc3339(counter.last_received_ns) if counter.last_received_ns else None,
                    "last_reason": counter.last_reason or None,
                }
                for name, counter in self.protocols.items()
            ],
            "spans": self.signals["traces"],
            "logs": self.signals["logs"],
            "metrics": self.signals["metrics"],
        }

"""One event of the Lambda Telemetry API.

Source: AWS Lambda Developer Guide, "Lambda Telemetry API event schema reference".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct


class TelemetryEvent(Struct):
    """One event; ``record`` is an object, or a line of text."""

    time: datetime
    type: str
    record: Any = None

    @property
    def time_ms(self) -> int:
        """Unix milliseconds."""
        time = self.time if self.time.tzinfo else self.time.replace(tzinfo=UTC)
        return int(time.timestamp() * 1000)

"""CloudWatch metric streams in the JSON format, as Firehose delivers them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MINUTE_MS = 60_000


def point(namespace: str, metric: str, dimensions: Mapping[str, str], timestamp_ms: int, values: list[float], **percentiles: float) -> dict[str, Any]:
    """One data point: what ``values`` were measured in the minute that began then.

    Source: Amazon CloudWatch User Guide, "CloudWatch metric stream output in JSON format".
    """
    statistics = {"max": max(values), "min": min(values), "sum": sum(values), "count": float(len(values))}
    return {
        "metric_stream_name": "everything",
        "account_id": "123456789012",
        "region": "eu-central-1",
        "namespace": namespace,
        "metric_name": metric,
        "dimensions": dict(dimensions),
        "timestamp": timestamp_ms,
        "value": statistics | percentiles,
        "unit": "Count",
    }


def record(*points: dict[str, Any]) -> bytes:
    """One record of a delivery: a point a line."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in points)

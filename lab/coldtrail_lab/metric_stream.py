"""A CloudWatch metric stream of everything that the lab's resources count, delivered by Firehose every minute.

Source: Amazon CloudWatch User Guide, "CloudWatch metric stream output in JSON format": a record holds JSON objects, one
a line, each one data point with count, sum, max and min; the timestamp is in Unix milliseconds.
"""

from __future__ import annotations

import json
import threading
import time

from coldtrail_lab.firehose import Firehose
from coldtrail_lab.log_delivery import ACCOUNT, REGION
from coldtrail_lab.meters import Meters, Metric, Statistics

NAME = "coldtrail"
MOST_POINTS = 500
"""Data points in one record."""


class MetricStream:
    """Hands over what ``meters`` counted, every ``every_s`` seconds; on the whole minute where that is a minute."""

    def __init__(self, meters: Meters, firehose: Firehose, every_s: float) -> None:
        self._meters = meters
        self._firehose = firehose
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metric-stream", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hand the last period over and end."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        stopped = False
        while not stopped:
            began_s = time.time()
            stopped = self._stop.wait(self._every_s - began_s % self._every_s)
            self._hand_over(int(began_s // self._every_s * self._every_s * 1e3))

    def _hand_over(self, timestamp_ms: int) -> None:
        lines = [_point(metric, found, timestamp_ms) for metric, found in self._meters.take().items()]
        records = [
            ("\n".join(lines[at : at + MOST_POINTS]) + "\n").encode() for at in range(0, len(lines), MOST_POINTS)
        ]
        if records:
            self._firehose.send(records)


def _point(metric: Metric, found: Statistics, timestamp_ms: int) -> str:
    document = {
        "metric_stream_name": NAME,
        "account_id": ACCOUNT,
        "region": REGION,
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": dict(metric.dimensions),
        "timestamp": timestamp_ms,
        "value": {"max": found.max, "min": found.min, "sum": found.sum, "count": found.count},
        "unit": metric.unit,
    }
    return json.dumps(document)

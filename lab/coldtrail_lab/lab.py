"""The lab: all stories running, as one context manager."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self

from coldtrail_lab.aws import Aws
from coldtrail_lab.aws_road import AwsRoad
from coldtrail_lab.control import control_server
from coldtrail_lab.deployments import Announcer
from coldtrail_lab.faults import Faults
from coldtrail_lab.firehose import Firehose
from coldtrail_lab.log_delivery import LogDelivery
from coldtrail_lab.meters import Meters
from coldtrail_lab.metric_stream import MetricStream
from coldtrail_lab.pollers import wait_for
from coldtrail_lab.stage import Stage
from coldtrail_lab.state_meters import sample_queues, sample_tables
from coldtrail_lab.stories.activity_history.story import ActivityHistory
from coldtrail_lab.stories.costs_moved.story import CostsMoved
from coldtrail_lab.stories.invoice_close.story import InvoiceClose
from coldtrail_lab.stories.mirage.story import Mirage
from coldtrail_lab.stories.onboarding.story import Onboarding
from coldtrail_lab.truth import Truth
from coldtrail_lab.xray_service import XrayService

STORIES = ("activity-history", "invoice-close", "onboarding", "mirage", "costs-moved")
THREE = STORIES[:3]
"""What runs where no stories are named."""
SHARES = {"activity-history": 6, "invoice-close": 2, "onboarding": 2, "mirage": 2, "costs-moved": 2}
"""How often each story is called, in proportion."""


class Lab:
    """Runs stories against a coldtrail at ``otlp_http`` (URL) and ``xray`` (host:port).

    ``contexts``: function name to how much context it keeps (`context.LEVELS`), "" for all others. ``metrics_s``: how often
    the metric stream delivers, 0 for never; ``schedule_s``: how often schedules fire. ``api``: the URL that is told of
    deployments, "" for none. ``chosen``: whether story 2 has its invoice that the ledger never takes.
    """

    def __init__(
        self,
        *,
        otlp_http: str,
        xray: str,
        faults: dict[str, float] | None = None,
        truth: Path | None = None,
        access_key: str = "",
        contexts: dict[str, str] | None = None,
        stories: Sequence[str] = THREE,
        seed: int = 7,
        metrics_s: float = 0,
        schedule_s: float = 60,
        api: str = "",
        chosen: bool = True,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.faults = Faults(faults)
        self.truth = Truth(truth)
        say("starting AWS (moto)")
        self.aws = Aws()
        self.meters = Meters()
        self.firehose = Firehose(f"{otlp_http}/aws/firehose", access_key)
        self.logs = LogDelivery(self.aws.client("logs"), self.firehose)
        self.xray = XrayService(xray)
        self.road = AwsRoad(self.aws.port, self.faults, self.truth, self.meters)
        self.stage = Stage(
            self.aws,
            self.road,
            self.logs,
            self.xray,
            otlp_http,
            self.truth,
            self.faults,
            contexts or {},
            self.meters,
            seed,
            schedule_s,
            announce=Announcer(api, access_key),
            chosen=chosen,
        )
        say(f"creating functions, streams, topics, queues and tables of {', '.join(stories)}")
        self.story = ActivityHistory(self.stage)
        self.invoices = InvoiceClose(self.stage) if "invoice-close" in stories else None
        self.onboarding = Onboarding(self.stage) if "onboarding" in stories else None
        self.mirage = Mirage(self.stage) if "mirage" in stories else None
        self.quotes = CostsMoved(self.stage) if "costs-moved" in stories else None
        built = (self.story, self.invoices, self.onboarding, self.mirage, self.quotes)
        self.stories = {name: story for name, story in zip(STORIES, built, strict=True) if story is not None}
        self.meters.watched += [partial(sample, self.aws, self.meters) for sample in (sample_queues, sample_tables)]
        self._metric_stream = MetricStream(self.meters, self.firehose, metrics_s) if metrics_s else None
        self.faults.changed = self._fault_changed
        for name in faults or {}:
            self._fault_changed(name)
        self._control = control_server(self.faults, self.deploy)
        self.control_url = f"http://127.0.0.1:{self._control.server_address[1]}"

    def __enter__(self) -> Self:
        """Already running."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop everything; no process is left."""
        for story in self.stories.values():
            story.close()
        self.firehose.close()
        if self._metric_stream:
            self._metric_stream.close()
        self.logs.close()
        self._control.shutdown()
        self._control.server_close()
        self.road.close()
        self.aws.close()
        self.xray.close()
        self.truth.close()

    def _fault_changed(self, name: str) -> None:
        for story in self.stories.values():
            story.fault_changed(name)

    def deploy(self) -> bool:
        """Roll the next version of the quotes out; False where it runs already.

        Raises:
            KeyError: the story does not run.
        """
        if self.quotes is None:
            raise KeyError("the story costs-moved does not run, and it alone has another version")
        return self.quotes.deploy()

    def post_activity(self, user: str, activity: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """POST one activity."""
        return self.story.post_activity(user, activity)

    def get_history(self, user: str) -> tuple[int, dict[str, Any]]:
        """GET one history."""
        return self.story.get_history(user)

    def drain(self, timeout_s: float = 60.0) -> bool:
        """Wait until everything accepted is processed and every log line delivered; False when it is not in time."""
        deadline = time.monotonic() + timeout_s
        return all(wait_for(story.idle, deadline) for story in self.stories.values()) and self.logs.drain(deadline)

    def run_traffic(self, seed: int, rate_per_s: float, stop: threading.Event, say: Callable[[str], None]) -> int:
        """Send the seeded traffic of all stories at a rate until ``stop``; return how many calls were made."""
        dice = random.Random(seed)
        calls = {name: story.traffic(seed) for name, story in self.stories.items()}
        weights = [SHARES[name] for name in calls]
        made, began = 0, time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            while not stop.is_set():
                name = dice.choices(list(calls), weights)[0]
                pool.submit(next(calls[name]))
                made += 1
                if made % 100 == 0:
                    say(f"{made} calls sent")
                for story in self.stories.values():
                    for function in story.functions:
                        function.expire()
                stop.wait(max(0.0, began + made / rate_per_s - time.monotonic()))
        return made

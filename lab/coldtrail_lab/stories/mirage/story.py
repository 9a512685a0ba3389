"""Builds the mirage of its parts, and its traffic.

Every function is fast and none ever fails, but orders take long now and then: the time passes on the bus. A schedule
asks all shops to count their stock at the same moment, and orders that come meanwhile wait behind those events. The
fault `busy-bus` lets more shops count.
"""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from coldtrail_lab.api_gateway import ApiGateway
from coldtrail_lab.bus import Bus, QueueingLaw, Schedule
from coldtrail_lab.stage import Stage

FUNCTIONS = Path(__file__).parent / "functions"
BUS, SCHEDULE = "orders", "stock-recount"
RULES = {
    "order-placed": ("shop.orders", "Order placed", ("orders-reserve", "orders-receipt")),
    "goods-reserved": ("shop.stock", "Goods reserved", ("orders-ship",)),
    "stock-count-due": ("shop.schedule", "Stock count due", ("stock-count",)),
}
FEW_SHOPS, MANY_SHOPS = 5, 120


class Mirage:
    """The running story: API, bus with three rules, schedule, six functions."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        function = partial(stage.function, BUS=BUS)
        self.place = function("orders-place", FUNCTIONS / "place", tracing=True)
        self.reserve = function("orders-reserve", FUNCTIONS / "reserve")
        self.receipt = function("orders-receipt", FUNCTIONS / "receipt")
        self.ship = function("orders-ship", FUNCTIONS / "ship")
        self.recount = function("stock-recount", FUNCTIONS / "recount")
        self.count = function("stock-count", FUNCTIONS / "count")
        self.functions = [self.place, self.reserve, self.receipt, self.ship, self.recount, self.count]
        self._create()
        named = {one.name: one for one in self.functions}
        events = stage.aws.client("events")
        self.bus = Bus(BUS, events, named, QueueingLaw(stage.seed), stage.truth, stage.meters)
        stage.road.on_event = self.bus.put
        self.bus.drops = partial(stage.faults.hits, "dropped-events")
        self.schedule = Schedule(SCHEDULE, stage.schedule_s, self.recount, self.bus, self._count_due)
        self.schedule.dead = lambda: stage.faults.share("dead-schedule") > 0
        self.api = ApiGateway("orders-api", {("POST", "/order"): self.place}, stage)

    def _create(self) -> None:
        events = self.stage.aws.client("events")
        arns = {function.name: function.arn for function in self.functions}
        events.create_event_bus(Name=BUS)
        for rule, (source, detail_type, targets) in RULES.items():
            pattern = json.dumps({"source": [source], "detail-type": [detail_type]})
            events.put_rule(Name=rule, EventBusName=BUS, EventPattern=pattern)
            listed = [{"Id": name, "Arn": arns[name]} for name in targets]
            events.put_targets(Rule=rule, EventBusName=BUS, Targets=listed)
        context = {
            "schedule-arn": "<aws.scheduler.schedule-arn>",
            "scheduled-time": "<aws.scheduler.scheduled-time>",
            "execution-id": "<aws.scheduler.execution-id>",
            "attempt-number": "<aws.scheduler.attempt-number>",
        }
        role = "arn:aws:iam::123456789012:role/lab"
        self.stage.aws.client("scheduler").create_schedule(
            Name=SCHEDULE,
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": self.recount.arn, "RoleArn": role, "Input": json.dumps(context)},
        )

    def _count_due(self) -> dict[str, Any]:
        share = self.stage.faults.share("busy-bus")
        return {"shops": FEW_SHOPS + round(share * (MANY_SHOPS - FEW_SHOPS))}

    def place_order(self, order_id: str, user: str) -> tuple[int, dict[str, Any]]:
        """POST one order; return status and answer."""
        headers = {"X-User-Id": user, "Content-Type": "application/json"}
        body = json.dumps({"id": order_id, "user_id": user}).encode()
        request = urllib.request.Request(self.api.url + "/order", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, {}

    def traffic(self, seed: int) -> Iterator[Callable[[], Any]]:
        """Yield calls for ever, the same for the same seed."""
        dice = random.Random(seed)
        number = 0
        while True:
            number += 1
            order, user = f"order-{seed}-{number:06d}", f"user-{dice.randrange(10_000):04d}"
            yield partial(self.place_order, order, user)

    def idle(self) -> bool:
        """Whether the bus has delivered everything."""
        return self.bus.idle()

    def fault_changed(self, name: str) -> None:
        """The schedule asks for the share each time."""

    def close(self) -> None:
        """Stop everything."""
        self.schedule.close()
        self.bus.close()
        self.api.close()
        for function in self.functions:
            function.close()

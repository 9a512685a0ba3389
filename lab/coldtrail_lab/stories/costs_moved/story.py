"""Builds "costs moved" of its parts, its traffic, and its deployment.

Version 1 of `quotes-price` starts cold for most calls and works every price out. Version 2 has provisioned concurrency
and a table of rates with provisioned capacity: its bill falls, theirs come in its place. At the demo's rate, about one
call in four seconds, what is saved and what is added are alike (`services/prices.py` of coldtrail, us-east-1: 1.7 cents
an hour of duration before; 1.5 of provisioned concurrency and 0.4 of table capacity after).
"""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from coldtrail_lab.api_gateway import ApiGateway
from coldtrail_lab.pollers import SqsPoller
from coldtrail_lab.stage import Stage

FUNCTIONS = Path(__file__).parent / "functions"
APPLICATION, TABLE, RATES, QUEUE = "quotes", "quotes", "quote-rates", "offers"
ALIAS = "live"
IDLE_S = 8.0
"""So short that a call now and then finds no sandbox that is warm."""
PROVISIONED = 1
READ_UNITS, WRITE_UNITS = 5, 5
PRODUCTS = ("bicycle", "boat", "drone", "kayak", "scooter", "tent")


class CostsMoved:
    """The running story: API, two functions, two tables, a queue."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sqs = stage.aws.client("sqs")
        self._create()
        self.queue_url = str(self.sqs.create_queue(QueueName=QUEUE)["QueueUrl"])
        self.price = stage.function(
            "quotes-price",
            FUNCTIONS / "price",
            json_logs=True,
            memory_mb=1_024,
            version="1",
            alias=ALIAS,
            idle_s=IDLE_S,
            TABLE=TABLE,
            QUEUE_URL=self.queue_url,
        )
        self.offer = stage.function("quotes-offer", FUNCTIONS / "offer")
        self.functions = [self.price, self.offer]
        self.api = ApiGateway("quotes-api", {("POST", "/quote"): self.price}, stage)
        self.poller = SqsPoller(self.sqs, self.queue_url, self.offer, stage.truth)
        self.poller.start()
        self.accepted = 0
        self._deploying = threading.Lock()

    def _create(self) -> None:
        dynamodb = self.stage.aws.client("dynamodb")
        for name, key in ((TABLE, "quote_id"), (RATES, "product")):
            dynamodb.create_table(
                TableName=name,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def deploy(self) -> bool:
        """Roll version 2 out and announce it; False where it runs already."""
        with self._deploying:
            if self.price.version == "2":
                return False
            self.stage.aws.client("dynamodb").update_table(
                TableName=RATES,
                BillingMode="PROVISIONED",
                ProvisionedThroughput={"ReadCapacityUnits": READ_UNITS, "WriteCapacityUnits": WRITE_UNITS},
            )
            self.price.deploy("2", provisioned=PROVISIONED, RATES_TABLE=RATES)
            commit = f"{random.Random(self.stage.seed).getrandbits(160):040x}"
            capacity = {"read_capacity": READ_UNITS, "write_capacity": WRITE_UNITS}
            configuration = {
                "functions": {self.price.name: {"provisioned_concurrency": PROVISIONED}},
                "tables": {RATES: capacity},
            }
            services = [self.price.name]
            self.stage.announce(APPLICATION, "2", commit, time.time_ns(), services, configuration)
            return True

    def ask(self, quote_id: str, product: str) -> tuple[int, dict[str, Any]]:
        """POST one quote; return status and answer."""
        body = json.dumps({"id": quote_id, "product": product}).encode()
        request = urllib.request.Request(self.api.url + "/quote", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.accepted += 1
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, {}

    def traffic(self, seed: int) -> Iterator[Callable[[], Any]]:
        """Yield calls for ever, the same for the same seed."""
        dice = random.Random(seed)
        number = 0
        while True:
            number += 1
            yield partial(self.ask, f"quote-{seed}-{number:06d}", dice.choice(PRODUCTS))

    def idle(self) -> bool:
        """Whether every quote has been offered."""
        return self.poller.done >= self.accepted

    def fault_changed(self, name: str) -> None:
        """No fault of this story needs a deployment."""

    def close(self) -> None:
        """Stop everything."""
        self.poller.stop()
        self.api.close()
        for function in self.functions:
            function.close()

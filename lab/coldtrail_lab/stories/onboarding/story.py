"""Builds onboarding of its parts, and its traffic.

A profile that is stored before its account has no account to refer to, so the welcome that follows from it fails; no
step by itself is at fault. The profiles queue delivers two seconds late, which nearly always keeps the order; the fault
`profile-overtakes` holds account messages back for longer.
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
from coldtrail_lab.pollers import SqsPoller
from coldtrail_lab.stage import Stage
from coldtrail_lab.streams import TablePoller
from coldtrail_lab.truth import subject_of

FUNCTIONS = Path(__file__).parent / "functions"
TOPIC, ACCOUNTS, PROFILES, TABLE, FAILED = (
    "signups",
    "onboarding-accounts",
    "onboarding-profiles",
    "onboarding",
    "onboarding-failures",
)
PROFILE_DELAY_S = 2
OVERTAKEN_S = 4.0


class Onboarding:
    """The running story: API, topic, two queues, table with a stream, four functions."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.sqs = stage, stage.aws.client("sqs")
        topic_arn, stream_arn = self._create()
        self.register = stage.function(
            "onboarding-register", FUNCTIONS / "register", context="all", TOPIC_ARN=topic_arn
        )
        self.account = stage.function(
            "onboarding-account", FUNCTIONS / "account", tracing=True, context="ids", TABLE=TABLE
        )
        self.profile = stage.function("onboarding-profile", FUNCTIONS / "profile", context="logs_only", TABLE=TABLE)
        self.welcome = stage.function("onboarding-welcome", FUNCTIONS / "welcome", context="ids")
        self.functions = [self.register, self.account, self.profile, self.welcome]
        routes = {("POST", "/signup"): self.register}
        self.api = ApiGateway("onboarding-api", routes, stage)
        self.accounts = SqsPoller(self.sqs, self.accounts_url, self.account, stage.truth, batch=5, late_s=self._late_s)
        self.profiles = SqsPoller(self.sqs, self.profiles_url, self.profile, stage.truth, batch=5)
        self.changes = TablePoller(
            stage.aws.client("dynamodbstreams"),
            TABLE,
            stream_arn,
            stage.road,
            self.welcome,
            stage.truth,
            batch=5,
            attempts=2,
            on_failure=self._set_aside,
        )
        self.pollers = (self.accounts, self.profiles, self.changes)
        for poller in self.pollers:
            poller.start()
        self.accepted = 0

    def _create(self) -> tuple[str, str]:
        aws = self.stage.aws
        sns = aws.client("sns")
        topic = str(sns.create_topic(Name=TOPIC)["TopicArn"])
        urls = []
        for name, delay_s in ((ACCOUNTS, 0), (PROFILES, PROFILE_DELAY_S)):
            attributes = {"DelaySeconds": str(delay_s), "VisibilityTimeout": "10"}
            urls.append(str(self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]))
            arn = f"arn:aws:sqs:{topic.split(':')[3]}:{topic.split(':')[4]}:{name}"
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self.accounts_url, self.profiles_url = urls
        self.failed_url = self.sqs.create_queue(QueueName=FAILED)["QueueUrl"]
        table = aws.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "signup_id", "KeyType": "HASH"},
                {"AttributeName": "part", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "signup_id", "AttributeType": "S"},
                {"AttributeName": "part", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        return topic, str(table["TableDescription"]["LatestStreamArn"])

    def _late_s(self, body: str) -> float:
        return OVERTAKEN_S if self.stage.faults.hits("profile-overtakes", subject_of(body)) else 0.0

    def _set_aside(self, failed: dict[str, Any]) -> None:
        sent = self.sqs.send_message(QueueUrl=self.failed_url, MessageBody=json.dumps(failed))
        self.stage.truth.says(
            "sets_aside",
            {"type": "invocation", "function": self.welcome.name, "id": failed["requestContext"]["requestId"]},
            {"type": "message", "service": "sqs", "id": sent["MessageId"], "queue": FAILED},
        )

    def sign_up(self, signup_id: str, user: str) -> tuple[int, dict[str, Any]]:
        """POST one signup; return status and answer."""
        headers = {"X-User-Id": user, "Content-Type": "application/json"}
        body = json.dumps({"id": signup_id, "user_id": user}).encode()
        request = urllib.request.Request(self.api.url + "/signup", body, headers)
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
            signup, user = f"signup-{seed}-{number:06d}", f"user-{dice.randrange(10_000):04d}"
            yield partial(self.sign_up, signup, user)

    def idle(self) -> bool:
        """Whether both changes of every signup have been taken."""
        return self.changes.done >= 2 * self.accepted

    def fault_changed(self, name: str) -> None:
        """No fault of this story needs a deployment."""

    def close(self) -> None:
        """Stop everything."""
        for poller in self.pollers:
            poller.stop()
        self.api.close()
        for function in self.functions:
            function.close()

"""Builds Activity History of its parts, and its traffic."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from coldtrail_lab.api_gateway import ApiGateway
from coldtrail_lab.aws import Aws
from coldtrail_lab.downstream import ProfileApi
from coldtrail_lab.function import IDLE_S
from coldtrail_lab.pollers import SqsPoller
from coldtrail_lab.stage import Stage
from coldtrail_lab.streams import KinesisPoller

FUNCTIONS = Path(__file__).parent / "functions"
STREAM, TABLE, QUEUE, DLQ, FAILED = (
    "activities",
    "activity-history",
    "notifications",
    "notifications-dlq",
    "ingest-failures",
)
TYPES = ("run", "ride", "swim", "walk", "lift")
NOTIFY_TIMEOUT_S = 3.0
ENVIRONMENTS = ("lost-context", "clock-skew", "missing-write", "new-dependency")
"""Faults that are in the environment of the posting and the ingesting function."""


class ActivityHistory:
    """The running story: functions, stream, table, queues, API."""

    def __init__(self, stage: Stage) -> None:
        aws = stage.aws
        self.aws, self.truth, self.faults = aws, stage.truth, stage.faults
        self.queue_url, self.failed_url = self._create(aws)
        self.profile = ProfileApi(stage.faults)
        self.post = stage.function("activity-api-post", FUNCTIONS / "post", layered=False, STREAM=STREAM)
        self.ingest = stage.function(
            "activity-ingest",
            FUNCTIONS / "ingest",
            tracing=True,
            TABLE=TABLE,
            QUEUE_URL=self.queue_url,
            PROFILE_API=self.profile.url,
        )
        self.history = stage.function(
            "activity-history-get",
            FUNCTIONS / "history",
            tracing=True,
            json_logs=True,
            layered=False,
            TABLE=TABLE,
            AWS_MAX_ATTEMPTS=2,
        )
        self.notify = stage.function("activity-notify", FUNCTIONS / "notify", timeout_s=NOTIFY_TIMEOUT_S)
        self.functions = [self.post, self.ingest, self.history, self.notify]
        routes = {("POST", "/activity"): self.post, ("GET", "/history"): self.history}
        self.api = ApiGateway("activity-api", routes, stage)
        self.kinesis_poller = KinesisPoller(
            aws.client("kinesis"), STREAM, self.ingest, stage.truth, on_failure=self._set_aside
        )
        self.sqs_poller = SqsPoller(
            aws.client("sqs"),
            self.queue_url,
            self.notify,
            stage.truth,
            twice=partial(stage.faults.hits, "duplicates"),
            off=lambda: stage.faults.share("stuck-consumer") > 0,
        )
        self.accepted = 0
        for poller in (self.kinesis_poller, self.sqs_poller):
            poller.start()

    def _create(self, aws: Aws) -> tuple[str, str]:
        aws.client("kinesis").create_stream(StreamName=STREAM, ShardCount=1)
        aws.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "user_id", "KeyType": "HASH"},
                {"AttributeName": "activity_id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "user_id", "AttributeType": "S"},
                {"AttributeName": "activity_id", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        sqs = aws.client("sqs")
        dlq = sqs.create_queue(QueueName=DLQ)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
        attributes = {"VisibilityTimeout": "5", "RedrivePolicy": redrive}
        queue = sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]
        return queue, sqs.create_queue(QueueName=FAILED)["QueueUrl"]

    def _set_aside(self, failed: dict[str, Any]) -> None:
        sent = self.aws.client("sqs").send_message(QueueUrl=self.failed_url, MessageBody=json.dumps(failed))
        self.truth.says(
            "sets_aside",
            {"type": "invocation", "function": self.ingest.name, "id": failed["requestContext"]["requestId"]},
            {"type": "message", "service": "sqs", "id": sent["MessageId"], "queue": FAILED},
            record=failed["KinesisBatchInfo"]["startSequenceNumber"],
        )

    def fault_changed(self, name: str) -> None:
        """Some faults are in the functions' environment: changing it is a deployment."""
        chaos = next((one for one in ("out-of-memory", "timeout", "crash-init") if self.faults.share(one)), "")
        self.notify.environment["CHAOS"] = chaos
        on = {one: "1" if self.faults.share(one) else "" for one in ENVIRONMENTS}
        self.post.environment |= {"LOST_CONTEXT": on["lost-context"], "CLOCK_AHEAD_S": "30" if on["clock-skew"] else ""}
        self.ingest.environment |= {
            "MISSING_WRITE": on["missing-write"],
            "CHECK_API": self.profile.url.replace("127.0.0.1", "localhost") if on["new-dependency"] else "",
        }
        self.history.idle_s = 0.0 if self.faults.share("cold-starts") else IDLE_S
        if name in ("out-of-memory", "timeout", "crash-init"):
            self.notify.expire(all_=True)
        if name in ENVIRONMENTS:
            self.post.expire(all_=True)
            self.ingest.expire(all_=True)

    def post_activity(self, user: str, activity: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """POST one activity; return status and answer."""
        return self._call("POST", "/activity", user, activity)

    def get_history(self, user: str) -> tuple[int, dict[str, Any]]:
        """GET the history of one user."""
        return self._call("GET", f"/history?user={user}", user, None)

    def _call(self, method: str, path: str, user: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        headers = {"X-User-Id": user, "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.api.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.accepted += answer.status == 202
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, {}

    def traffic(self, seed: int) -> Any:
        """Yield calls for ever, the same for the same seed."""
        dice = random.Random(seed)
        number = 0
        while True:
            user = f"user-{dice.randrange(60):04d}"
            if dice.random() < 0.35:
                yield lambda user=user: self.get_history(user)
                continue
            if self.faults.share("vanished-traffic"):
                yield lambda: None
                continue
            number += 1
            activity: dict[str, Any] = {
                "id": f"activity-{seed}-{number:06d}",
                "type": dice.choice(TYPES),
                "minutes": dice.randrange(5, 180),
            }
            if self.faults.hits("undeliverable", activity["id"]):
                activity["id"] += "-undeliverable"
            if self.faults.hits("recursion", activity["id"]):
                activity["echo"] = 5
            if self.faults.hits("poison-records", activity["id"]):
                activity["minutes"] = "many"
            if self.faults.hits("malformed-records", activity["id"]):
                del activity["type"]
            yield lambda user=user, activity=activity: self.post_activity(user, activity)

    def waiting(self) -> int:
        """Return how many messages are still to be taken."""
        answer = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])[
            "Attributes"
        ]
        return int(answer["ApproximateNumberOfMessages"]) + int(answer["ApproximateNumberOfMessagesNotVisible"])

    def idle(self) -> bool:
        """Whether every activity accepted has been taken, and every notification."""
        return self.kinesis_poller.done >= self.accepted and self.waiting() == 0

    def close(self) -> None:
        """Stop pollers, front and functions."""
        for poller in (self.kinesis_poller, self.sqs_poller):
            poller.stop()
        self.api.close()
        for function in self.functions:
            function.close()
        self.profile.close()

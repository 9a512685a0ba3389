"""Event source mappings: what Lambda's pollers do between a queue and a function; `streams` has those of streams.

Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" (batch item failures, dead-letter queues).
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from coldtrail_lab.function import Function, Throttled
from coldtrail_lab.log_delivery import ACCOUNT, REGION
from coldtrail_lab.truth import Thing, Truth, subject_of

POLL_S = 0.25
FORGOTTEN_S = 60.0
"""A message that was not received for so long has moved to the dead-letter queue."""


class Poller:
    """A thread that polls until it is stopped."""

    def __init__(self, name: str) -> None:
        self._stop = threading.Event()
        self.busy = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is in hand."""
        self._stop.set()
        self._thread.join(timeout=15)

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._poll():
                self._stop.wait(POLL_S)

    def _poll(self) -> bool:
        raise NotImplementedError


class SqsPoller(Poller):
    """Receives batches, deletes what succeeded; what failed becomes visible again and ends in the queue's DLQ.

    ``late_s``: seconds by which a message with this body is held back, as a queue that lags behind would. ``twice``:
    whether a message about this subject is delivered again although it was done, as at-least-once delivery may.
    ``off``: whether the mapping is switched off.
    """

    def __init__(
        self,
        sqs: Any,
        queue_url: str,
        function: Function,
        truth: Truth,
        *,
        batch: int = 10,
        late_s: Callable[[str], float] = lambda body: 0.0,
        twice: Callable[[str], bool] = lambda subject: False,
        off: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(f"sqs-{queue_url.rsplit('/', 1)[-1]}")
        self._sqs = sqs
        self._url = queue_url
        self._function = function
        self._truth = truth
        self._batch = batch
        self._late_s = late_s
        self._twice = twice
        self._off = off
        self._held: dict[str, tuple[float, float]] = {}
        """Message id to when it was sent (Unix seconds) and last received (monotonic); not deleted yet."""
        function.meters.watched.append(self.sample)
        self.done = 0

    def _poll(self) -> bool:
        if self._off():
            return False
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=self._batch, AttributeNames=["All"], MessageAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        self._received(messages)
        late = {one["MessageId"]: seconds for one in messages if (seconds := self._late_s(one["Body"]))}
        for message in messages:
            if message["MessageId"] in late:
                timer = threading.Timer(late[message["MessageId"]], self._process, [[message]])
                timer.daemon = True
                timer.start()
        if now := [one for one in messages if one["MessageId"] not in late]:
            self._process(now)
        return bool(messages)

    def _received(self, messages: list[dict[str, Any]]) -> None:
        self._count("NumberOfMessagesReceived" if messages else "NumberOfEmptyReceives", max(1, len(messages)))
        for message in messages:
            if message["Attributes"]["ApproximateReceiveCount"] == "1":
                self._say_whence(message)
            self._held[message["MessageId"]] = (int(message["Attributes"]["SentTimestamp"]) / 1e3, time.monotonic())

    def sample(self) -> None:
        """Add the age of the oldest message that is received again and again; nothing else waits for long here."""
        seen_s = time.monotonic() - FORGOTTEN_S
        held = [sent_s for sent_s, received_s in list(self._held.values()) if received_s > seen_s]
        age_s = time.time() - min(held) if held else 0.0
        self._count("ApproximateAgeOfOldestMessage", max(0.0, age_s), "Seconds")

    def _count(self, name: str, value: float = 1.0, unit: str = "Count") -> None:
        self._function.meters.add("AWS/SQS", name, value, unit, QueueName=self._url.rsplit("/", 1)[-1])

    def _say_whence(self, message: dict[str, Any]) -> None:
        """A topic or a rule put it there: its body is their envelope."""
        cause = _sender(message["Body"])
        if cause:
            self._count("NumberOfMessagesSent")
            effect = {"type": "message", "service": "sqs", "id": message["MessageId"]}
            self._truth.says("sends", cause, effect, subject=subject_of(message["Body"]))

    def _process(self, messages: list[dict[str, Any]]) -> None:
        if self._stop.is_set():
            return
        request_id, taken_ns = str(uuid.uuid4()), time.time_ns()
        try:
            result = self._function.invoke({"Records": [self._event(one) for one in messages]}, request_id=request_id)
        except Throttled:
            self._stop.wait(0.5)
            return
        for message in messages:
            attempt = int(message["Attributes"]["ApproximateReceiveCount"])
            self._truth.says(
                "delivers" if attempt == 1 else "redelivers",
                {"type": "message", "service": "sqs", "id": message["MessageId"]},
                {"type": "invocation", "function": self._function.name, "id": request_id},
                time_ns=taken_ns,
                attempt=attempt,
                subject=subject_of(message["Body"]),
            )
        failed = {one["MessageId"] for one in messages}
        if result.status == "ok":
            answer = result.payload if isinstance(result.payload, dict) else {}
            failed = {str(one.get("itemIdentifier")) for one in answer.get("batchItemFailures", [])}
        for message in messages:
            again = message["Attributes"]["ApproximateReceiveCount"] == "1" and self._twice(subject_of(message["Body"]))
            if message["MessageId"] not in failed and not again:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                self._held.pop(message["MessageId"], None)
                self._count("NumberOfMessagesDeleted")
                self.done += 1

    def _event(self, message: dict[str, Any]) -> dict[str, Any]:
        name = self._url.rsplit("/", 1)[-1]
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {
                key: {"stringValue": value.get("StringValue", ""), "dataType": value["DataType"]}
                for key, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
            "awsRegion": REGION,
        }


def _sender(body: str) -> Thing | None:
    """The notification of a topic or the event of a bus that a body holds."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    if document.get("Type") == "Notification":
        return {"type": "message", "service": "sns", "id": document["MessageId"]}
    if "detail-type" in document:
        return {"type": "message", "service": "eventbridge", "id": document["id"]}
    return None


def wait_for(condition: Callable[[], bool], deadline_s: float) -> bool:
    """Poll a condition until a deadline (monotonic seconds)."""
    while time.monotonic() < deadline_s:
        if condition():
            return True
        time.sleep(0.05)
    return condition()

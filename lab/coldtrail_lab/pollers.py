"""Event source mappings: what Lambda's pollers do between a stream or queue and a function.

Sources: AWS Lambda Developer Guide, "Using Lambda to process records from Amazon Kinesis Data Streams",
"Using Lambda with Amazon SQS" (batch item failures, bisect on error, on-failure destination).
"""

from __future__ import annotations

import base64
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from coldtrail_lab.function import REGION, Function, Throttled
from coldtrail_lab.log_delivery import ACCOUNT
from coldtrail_lab.truth import Truth, subject_of

POLL_S = 0.25


class _Poller:
    def __init__(self, name: str) -> None:
        self._stop = threading.Event()
        self.busy = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=15)

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._poll():
                self._stop.wait(POLL_S)

    def _poll(self) -> bool:
        raise NotImplementedError


class KinesisPoller(_Poller):
    """One shard at a time, in order: a failing batch is halved until the poison record is alone, tried again, and set aside."""

    def __init__(
        self,
        kinesis: Any,
        stream: str,
        function: Function,
        truth: Truth,
        *,
        batch: int = 10,
        attempts: int = 3,
        on_failure: Callable[[dict[str, Any]], None] = lambda record: None,
    ) -> None:
        super().__init__(f"kinesis-{stream}")
        self._kinesis = kinesis
        self._stream = stream
        self._function = function
        self._truth = truth
        self._batch = batch
        self._attempts = attempts
        self._on_failure = on_failure
        self._iterators: dict[str, str] = {}
        self.done = 0

    def _poll(self) -> bool:
        if not self._iterators:
            shards = self._kinesis.list_shards(StreamName=self._stream)["Shards"]
            for shard in shards:
                answer = self._kinesis.get_shard_iterator(
                    StreamName=self._stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
                )
                self._iterators[shard["ShardId"]] = answer["ShardIterator"]
        found = False
        for shard, iterator in self._iterators.items():
            answer = self._kinesis.get_records(ShardIterator=iterator, Limit=self._batch)
            self._iterators[shard] = answer["NextShardIterator"]
            if answer["Records"]:
                found = True
                self._process(shard, [self._event(shard, record) for record in answer["Records"]], 1)
                self.done += len(answer["Records"])
        return found

    def _event(self, shard: str, record: dict[str, Any]) -> dict[str, Any]:
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": base64.b64encode(record["Data"]).decode(),
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{record['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/lab",
            "awsRegion": REGION,
            "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{self._stream}",
        }

    def _process(self, shard: str, records: list[dict[str, Any]], attempt: int) -> None:
        if self._stop.is_set():
            return
        request_id = str(uuid.uuid4())
        for record in records:
            self._truth.says(
                "delivers" if attempt == 1 else "redelivers",
                {"type": "message", "service": "kinesis", "id": record["kinesis"]["sequenceNumber"]},
                {"type": "invocation", "function": self._function.name, "id": request_id},
                attempt=attempt,
                subject=subject_of(base64.b64decode(record["kinesis"]["data"]).decode("utf-8", "replace")),
            )
        try:
            result = self._function.invoke({"Records": records}, request_id=request_id)
        except Throttled:
            self._stop.wait(0.5)
            self._process(shard, records, attempt)
            return
        if result.status == "ok":
            return
        if len(records) > 1:
            middle = len(records) // 2
            self._process(shard, records[:middle], attempt + 1)
            self._process(shard, records[middle:], attempt + 1)
        elif attempt < self._attempts:
            self._stop.wait(0.2)
            self._process(shard, records, attempt + 1)
        else:
            self._on_failure(
                {
                    "requestContext": {
                        "requestId": request_id,
                        "functionArn": self._function.arn,
                        "condition": "RetryAttemptsExhausted",
                    },
                    "KinesisBatchInfo": {
                        "shardId": shard,
                        "startSequenceNumber": records[0]["kinesis"]["sequenceNumber"],
                        "batchSize": len(records),
                    },
                }
            )


class SqsPoller(_Poller):
    """Receives batches, deletes what succeeded; what failed becomes visible again and ends in the queue's DLQ."""

    def __init__(self, sqs: Any, queue_url: str, function: Function, truth: Truth, *, batch: int = 10) -> None:
        super().__init__(f"sqs-{queue_url.rsplit('/', 1)[-1]}")
        self._sqs = sqs
        self._url = queue_url
        self._function = function
        self._truth = truth
        self._batch = batch
        self.done = 0

    def _poll(self) -> bool:
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=self._batch, AttributeNames=["All"], MessageAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        if not messages:
            return False
        request_id = str(uuid.uuid4())
        for message in messages:
            attempt = int(message["Attributes"]["ApproximateReceiveCount"])
            self._truth.says(
                "delivers" if attempt == 1 else "redelivers",
                {"type": "message", "service": "sqs", "id": message["MessageId"]},
                {"type": "invocation", "function": self._function.name, "id": request_id},
                attempt=attempt,
                subject=subject_of(message["Body"]),
            )
        try:
            result = self._function.invoke({"Records": [self._event(one) for one in messages]}, request_id=request_id)
        except Throttled:
            self._stop.wait(0.5)
            return True
        failed = {one["MessageId"] for one in messages}
        if result.status == "ok":
            answer = result.payload if isinstance(result.payload, dict) else {}
            failed = {str(one.get("itemIdentifier")) for one in answer.get("batchItemFailures", [])}
        for message in messages:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                self.done += 1
        return True

    def _event(self, message: dict[str, Any]) -> dict[str, Any]:
        name = self._url.rsplit("/", 1)[-1]
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {},
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
            "awsRegion": REGION,
        }


def wait_for(condition: Callable[[], bool], deadline_s: float) -> bool:
    """Poll a condition until a deadline (monotonic seconds)."""
    while time.monotonic() < deadline_s:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


__all__ = ["KinesisPoller", "SqsPoller", "wait_for"]

"""Event source mappings of streams: Kinesis and DynamoDB, in order, with bisecting, retries and a way out.

Sources: AWS Lambda Developer Guide, "Using Lambda to process records from Amazon Kinesis Data Streams", "Using AWS
Lambda with Amazon DynamoDB" (bisect on error, maximum retry attempts, on-failure destination).
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from coldtrail_lab.aws_road import AwsRoad
from coldtrail_lab.function import Function, Throttled
from coldtrail_lab.log_delivery import ACCOUNT, REGION
from coldtrail_lab.pollers import Poller
from coldtrail_lab.truth import Thing, Truth, subject_of

Record = dict[str, Any]


class StreamPoller(Poller):
    """One shard after the other: a failing batch is halved until the poison record is alone, tried again, and set aside."""

    def __init__(
        self,
        client: Any,
        stream: str,
        function: Function,
        truth: Truth,
        *,
        batch: int = 10,
        attempts: int = 3,
        on_failure: Callable[[dict[str, Any]], None] = lambda record: None,
    ) -> None:
        super().__init__(f"stream-{stream}")
        self._client = client
        self._stream = stream
        self._function = function
        self._truth = truth
        self._batch = batch
        self._attempts = attempts
        self._on_failure = on_failure
        self._iterators: dict[str, str] = {}
        self.done = 0

    def _open(self) -> dict[str, str]:
        """Return shard id to iterator."""
        raise NotImplementedError

    def _event(self, shard: str, record: Record) -> Record:
        """Return a record as Lambda hands it over."""
        raise NotImplementedError

    def _identity(self, event: Record) -> tuple[Thing, str]:
        """Return the message that a record is, and what it is about."""
        raise NotImplementedError

    def _failed(self, request_id: str, shard: str, events: list[Record]) -> dict[str, Any]:
        """Return what an on-failure destination is told."""
        raise NotImplementedError

    def _poll(self) -> bool:
        if not self._iterators:
            self._iterators = self._open()
        found = False
        for shard, iterator in self._iterators.items():
            answer = self._client.get_records(ShardIterator=iterator, Limit=self._batch)
            self._iterators[shard] = answer["NextShardIterator"]
            if answer["Records"]:
                found = True
                self._process(shard, [self._event(shard, record) for record in answer["Records"]], 1)
                self._count_age(answer["Records"][-1])
                self.done += len(answer["Records"])
        return found

    def _arrived_s(self, record: Record) -> float:
        """Return when a record came in, Unix seconds."""
        raise NotImplementedError

    def _count_age(self, last: Record) -> float:
        """Count how old the last record of a batch was when the function was done with it; return that, ms."""
        age_ms = max(0.0, (time.time() - self._arrived_s(last)) * 1e3)
        function = self._function
        function.meters.add("AWS/Lambda", "IteratorAge", age_ms, "Milliseconds", FunctionName=function.name)
        return age_ms

    def _process(self, shard: str, events: list[Record], attempt: int) -> None:
        if self._stop.is_set():
            return
        request_id, taken_ns = str(uuid.uuid4()), time.time_ns()
        try:
            result = self._function.invoke({"Records": events}, request_id=request_id)
        except Throttled:
            self._stop.wait(0.5)
            self._process(shard, events, attempt)
            return
        for event in events:
            message, subject = self._identity(event)
            self._truth.says(
                "delivers" if attempt == 1 else "redelivers",
                message,
                {"type": "invocation", "function": self._function.name, "id": request_id},
                time_ns=taken_ns,
                attempt=attempt,
                subject=subject,
            )
        if result.status == "ok":
            return
        if len(events) > 1:
            middle = len(events) // 2
            self._process(shard, events[:middle], attempt + 1)
            self._process(shard, events[middle:], attempt + 1)
        elif attempt < self._attempts:
            self._stop.wait(0.2)
            self._process(shard, events, attempt + 1)
        else:
            self._on_failure(self._failed(request_id, shard, events))

    def _context(self, request_id: str) -> dict[str, str]:
        return {
            "requestId": request_id,
            "functionArn": self._function.arn,
            "condition": "RetryAttemptsExhausted",
        }


class KinesisPoller(StreamPoller):
    """A Kinesis stream's."""

    def _arrived_s(self, record: Record) -> float:
        return float(record["ApproximateArrivalTimestamp"].timestamp())

    def _count_age(self, last: Record) -> float:
        age_ms, stream = super()._count_age(last), {"StreamName": self._stream}
        meters = self._function.meters
        meters.add("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", age_ms, "Milliseconds", **stream)
        return age_ms

    def _open(self) -> dict[str, str]:
        found = {}
        for shard in self._client.list_shards(StreamName=self._stream)["Shards"]:
            answer = self._client.get_shard_iterator(
                StreamName=self._stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )
            found[shard["ShardId"]] = answer["ShardIterator"]
        return found

    def _event(self, shard: str, record: Record) -> Record:
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

    def _identity(self, event: Record) -> tuple[Thing, str]:
        thing = {"type": "message", "service": "kinesis", "id": str(event["kinesis"]["sequenceNumber"])}
        return thing, subject_of(base64.b64decode(event["kinesis"]["data"]).decode("utf-8", "replace"))

    def _failed(self, request_id: str, shard: str, events: list[Record]) -> dict[str, Any]:
        batch = {
            "shardId": shard,
            "startSequenceNumber": events[0]["kinesis"]["sequenceNumber"],
            "batchSize": len(events),
        }
        return {"requestContext": self._context(request_id), "KinesisBatchInfo": batch}


class TablePoller(StreamPoller):
    """A DynamoDB table's stream; ``road`` knows who wrote an item."""

    def __init__(self, client: Any, table: str, stream_arn: str, road: AwsRoad, *rest: Any, **more: Any) -> None:
        super().__init__(client, table, *rest, **more)
        self._arn = stream_arn
        self._road = road

    def _arrived_s(self, record: Record) -> float:
        return float(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())

    def _open(self) -> dict[str, str]:
        found = {}
        for shard in self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]:
            answer = self._client.get_shard_iterator(
                StreamArn=self._arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )
            found[shard["ShardId"]] = answer["ShardIterator"]
        return found

    def _event(self, shard: str, record: Record) -> Record:  # noqa: ARG002
        image = {**record["dynamodb"]}
        image["ApproximateCreationDateTime"] = image["ApproximateCreationDateTime"].timestamp()
        event = {**record, "awsRegion": REGION, "dynamodb": image, "eventSourceARN": self._arn}
        writer = self._road.writer_of(self._stream, record["dynamodb"]["Keys"])
        if writer:
            message, subject = self._identity(event)
            self._truth.says("sends", writer[0], message, time_ns=writer[1], subject=subject)
        return event

    def _identity(self, event: Record) -> tuple[Thing, str]:
        thing = {"type": "message", "service": "dynamodb", "id": str(event["eventID"])}
        return thing, subject_of(json.dumps(event["dynamodb"]["Keys"]))

    def _failed(self, request_id: str, shard: str, events: list[Record]) -> dict[str, Any]:
        batch = {
            "shardId": shard,
            "startSequenceNumber": events[0]["dynamodb"]["SequenceNumber"],
            "batchSize": len(events),
            "streamArn": self._arn,
        }
        return {"requestContext": self._context(request_id), "DDBStreamBatchInfo": batch}

"""What AWS would count of the calls that pass on the road, each under its service's own metric names.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB Metrics and dimensions", "DynamoDB read and write operations" (a
write unit is 1 KB, a read unit 4 KB, half where the read is eventually consistent), "DynamoDB Item sizes and formats";
Amazon SQS, Amazon SNS and Amazon Kinesis Data Streams developer guides, on metrics; "Monitoring Amazon EventBridge".
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any
from urllib.parse import parse_qs

from coldtrail_lab.meters import Meters

READS = {"GetItem", "Query"}
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
EMPTY_ANSWER = 1
"""A read of nothing takes a unit all the same."""


def meter_call(meters: Meters, action: str, request: bytes, answer: bytes, took_ms: float) -> None:
    """Count one call that succeeded."""
    if action in READS | WRITES:
        _table(meters, action, json.loads(request), json.loads(answer or b"{}"), took_ms)
    elif action == "SendMessage":
        queue = {"QueueName": json.loads(request)["QueueUrl"].rsplit("/", 1)[-1]}
        size_bytes = len(json.loads(request)["MessageBody"].encode())
        meters.add("AWS/SQS", "NumberOfMessagesSent", **queue)
        meters.add("AWS/SQS", "SentMessageSize", size_bytes, "Bytes", **queue)
    elif action == "PutRecord":
        stream = {"StreamName": json.loads(request)["StreamName"]}
        size_bytes = len(base64.b64decode(json.loads(request)["Data"]))
        meters.add("AWS/Kinesis", "IncomingRecords", **stream)
        meters.add("AWS/Kinesis", "IncomingBytes", size_bytes, "Bytes", **stream)
        meters.add("AWS/Kinesis", "PutRecord.Success", **stream)
        meters.add("AWS/Kinesis", "PutRecord.Latency", took_ms, "Milliseconds", **stream)
    elif action == "PutEvents":
        meters.add("AWS/Events", "PutEventsApproximateCallCount")
        meters.add("AWS/Events", "PutEventsEntriesCount", len(json.loads(request)["Entries"]))
        meters.add("AWS/Events", "PutEventsLatency", took_ms, "Milliseconds")
    elif action == "Publish":
        topic = parse_qs(request.decode())["TopicArn"][0].rsplit(":", 1)[-1]
        meters.add("AWS/SNS", "NumberOfMessagesPublished", TopicName=topic)


def _table(meters: Meters, action: str, request: dict[str, Any], answer: dict[str, Any], took_ms: float) -> None:
    table = request["TableName"].rsplit("/", 1)[-1]
    meters.add("AWS/DynamoDB", "SuccessfulRequestLatency", took_ms, "Milliseconds", TableName=table, Operation=action)
    if action in WRITES:
        changed = request.get("Item") or {**request["Key"], **request.get("ExpressionAttributeValues", {})}
        meters.add("AWS/DynamoDB", "ConsumedWriteCapacityUnits", write_units(changed), TableName=table)
    else:
        read = [answer["Item"]] if answer.get("Item") else answer.get("Items", [])
        units = read_units(read, consistent=bool(request.get("ConsistentRead")))
        meters.add("AWS/DynamoDB", "ConsumedReadCapacityUnits", units, TableName=table)


def write_units(item: dict[str, Any]) -> int:
    """Return the write capacity units of an item (DynamoDB JSON)."""
    return max(1, math.ceil(item_bytes(item) / 1_024))


def read_units(items: list[dict[str, Any]], *, consistent: bool) -> float:
    """Return the read capacity units of what one call read."""
    whole = max(EMPTY_ANSWER, math.ceil(sum(item_bytes(item) for item in items) / 4_096))
    return whole if consistent else whole / 2


def item_bytes(item: dict[str, Any]) -> int:
    """Return the size of an item: names and values in UTF-8; numbers are taken by their digits."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    kind, inner = next(iter(value.items()))
    if kind == "M":
        return 3 + item_bytes(inner)
    if kind == "L":
        return 3 + sum(1 + _value_bytes(one) for one in inner)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "N":
        return len(inner) // 2 + 1
    return len(str(inner).encode())

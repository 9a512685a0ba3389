"""moto's server, with Kinesis sequence numbers as long and as unique as the real ones (moto counts from 1).

Rules may have functions as targets, to which moto does not deliver; the lab's bus does.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from moto.events.models import Rule
from moto.kinesis.models import Record, Shard
from moto.server import main

FIRST = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898


def _put_record(shard: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
    number = shard.get_max_sequence_number() + 1 if shard.records else FIRST + time.time_ns()
    shard.records[number] = Record(partition_key, data, number, explicit_hash_key)
    return str(number)


_send_to_targets = Rule.send_to_targets


def _send_to_others(self: Any, original_event: Any, transform_input: bool = True) -> None:
    if not any(":lambda:" in target["Arn"] for target in self.targets):
        _send_to_targets(self, original_event, transform_input)


if __name__ == "__main__":
    setattr(Shard, "put_record", _put_record)  # noqa: B010 - a patch, and meant as one
    setattr(Rule, "send_to_targets", _send_to_others)  # noqa: B010
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])

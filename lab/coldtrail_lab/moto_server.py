"""moto's server, with Kinesis sequence numbers as long and as unique as the real ones (moto counts from 1)."""

from __future__ import annotations

import sys
import time
from typing import Any

from moto.kinesis.models import Record, Shard
from moto.server import main

FIRST = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898


def _put_record(shard: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
    number = shard.get_max_sequence_number() + 1 if shard.records else FIRST + time.time_ns()
    shard.records[number] = Record(partition_key, data, number, explicit_hash_key)
    return str(number)


if __name__ == "__main__":
    setattr(Shard, "put_record", _put_record)  # noqa: B010 - a patch, and meant as one
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])

"""Faults that can be switched on and off while the lab runs, each with the share of things that it hits."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

KNOWN: dict[str, str] = {
    "connection-errors": "the profile API drops the connection, so the ingesting function gets a ConnectionError",
    "slow-table": "DynamoDB answers 400 ms late",
    "malformed-records": "clients send activities without a type",
    "throttles": "no function may run more than one invocation at a time",
    "lost-context": "the posting function neither puts context into its records nor tells their sequence numbers",
    "out-of-memory": "the notifying function fills its memory",
    "timeout": "the notifying function sleeps past its time-out",
    "crash-init": "the notifying function cannot be imported",
    "undeliverable": "some notifications fail each time, so their messages end in the dead-letter queue",
    "duplicates": "queues deliver some messages a second time, as they may",
    "ledger-timeouts": "the ledger API does not answer, so publishing is tried three times and ends in the DLQ",
    "busy-bus": "the schedule asks many more shops to count their stock at once, so the bus falls behind",
    "profile-overtakes": "accounts lag behind, so profiles are stored first and their welcome fails",
    "retry-storm": "the profile API answers 503, and the ingesting function asks again eight times at once, then goes on without",
    "clock-skew": "the clock of the posting function is half a minute ahead",
    "recursion": "the ingesting function puts some activities back on its own stream, five times",
    "vanished-traffic": "clients post no activities any more",
    "stuck-consumer": "the event source mapping of the notifications is switched off",
    "cold-starts": "sandboxes of the history function live for one request",
    "new-dependency": "the ingesting function asks one more API about every activity",
    "access-denied": "the history function may not query its table any more",
    "throttled-table": "the table refuses queries beyond its throughput, and the history function answers 503",
    "poison-records": "some activities are such that the ingesting function fails on them each time",
    "missing-write": "the ingesting function succeeds without writing into the table",
    "dropped-events": "the bus orders gives some events up at once, without a dead-letter queue",
    "dead-schedule": "the schedule does not fire any more",
}


class Faults:
    """The faults that are on. Whether one hits a thing depends on the thing's id alone, so a retry is hit again."""

    def __init__(self, on: dict[str, float] | None = None, changed: Callable[[str], None] = lambda name: None) -> None:
        self._on: dict[str, float] = {}
        self._lock = threading.Lock()
        self.changed = changed
        for name, share in (on or {}).items():
            self.switch(name, share)

    def switch(self, name: str, share: float) -> None:
        """Let a fault hit ``share`` (0..1) of what it can hit; 0 is off.

        Raises:
            KeyError: no such fault.
        """
        if name not in KNOWN:
            raise KeyError(f"no fault {name!r}; there are {', '.join(KNOWN)}")
        with self._lock:
            self._on[name] = max(0.0, min(share, 1.0))
        self.changed(name)

    def share(self, name: str) -> float:
        """Return the share of a fault, 0 where it is off."""
        return self._on.get(name, 0.0)

    def hits(self, name: str, identity: str) -> bool:
        """Whether a fault hits the thing with this id."""
        share = self.share(name)
        if not share:
            return False
        digest = hashlib.blake2b(f"{name}/{identity}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") / 2**32 < share

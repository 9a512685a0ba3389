"""`python -m bench.faults`: switch the lab's faults on, one at a time, and see which finding opens, and how soon.

A real server and a real lab for each lane; after a warm-up (what is usual has to be known) a fault is switched on, the
finding that is meant to tell it is awaited, the fault is switched off, what is under way is waited for, and all findings
are resolved before the next. A lane without faults runs the same traffic and says what opened.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench.server import Server
from coldtrail_lab.faults import KNOWN
from coldtrail_lab.lab import STORIES, Lab

FOUND_S = 60.0
"""The goal: a fault is told within so many seconds."""

GIVEN_UP_S = 90.0
QUIET_S, MOST_QUIET_S = 15.0, 60.0
"""After a fault: until nothing new has opened for so long, at most."""


class Expected(Struct, frozen=True):
    """The kinds of finding that tell a fault, about one of these scopes (any, where none is named); () of kinds: an outcome."""

    kinds: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    share: float = 1.0
    known_s: int = 0
    """How long a lane has to run before what is usual is known."""
    causes: tuple[str, ...] = ()
    """Kinds of high severity that belong to this very fault, besides."""


INGEST, NOTIFY, HISTORY = ("activity-ingest",), ("activity-notify",), ("activity-history-get",)
FAULTS: dict[str, Expected] = {
    "connection-errors": Expected(("error",), INGEST, share=0.3),
    "malformed-records": Expected(("error_line",), INGEST),
    "throttles": Expected(("throttle",)),
    "out-of-memory": Expected(("out_of_memory",), NOTIFY, causes=("dead_letter",)),
    "timeout": Expected(("timeout",), NOTIFY, causes=("dead_letter",)),
    "crash-init": Expected(("failed_init", "crash", "error"), NOTIFY, causes=("dead_letter",)),
    "undeliverable": Expected(("poison_message",), causes=("dead_letter",)),
    "duplicates": Expected(("duplicate",), share=0.5),
    "ledger-timeouts": Expected(("execution",), causes=("error", "dead_letter")),
    "profile-overtakes": Expected(("error",), ("onboarding-welcome",)),
    "clock-skew": Expected(("clock_skew",), ("activity-api-post",)),
    "recursion": Expected(("recursion",), INGEST, share=0.4),
    "poison-records": Expected(("poison_message",), ("activities",), share=0.3, causes=("error",)),
    "access-denied": Expected(("error",), HISTORY),
    "throttled-table": Expected(("throttle", "dependency")),
    "cold-starts": Expected(("cold_starts",), HISTORY),
    "lost-context": Expected(("lost_context",), ("activities",), known_s=90),
    "new-dependency": Expected(("new_dependency",), known_s=360),
    "retry-storm": Expected(("retry_storm",), known_s=150),
    "dropped-events": Expected(("dropped",), known_s=60),
    "missing-write": Expected(()),
    "stuck-consumer": Expected(("aging",), ("notifications",), known_s=90),
    "busy-bus": Expected(("aging",), ("orders",), known_s=180),
    "vanished-traffic": Expected(("vanished",), ("activity-api-post", *INGEST, *NOTIFY), known_s=180),
    "dead-schedule": Expected(("vanished",), ("stock-recount", "stock-count"), known_s=180),
    "slow-table": Expected(("slower",), known_s=420),
}


class Told(Struct, frozen=True):
    """What became of one fault. ``seconds`` None: it was not told in time."""

    fault: str
    finding: str
    seconds: float | None
    other_high: tuple[str, ...]


class Lane:
    """One server and one lab of all stories, with traffic."""

    def __init__(self, data: Path, rate_per_s: float, seed: int, schedule_s: float) -> None:
        self._stack = ExitStack()
        self.server = self._stack.enter_context(Server(data))
        host, port = self.server.xray
        self.lab = self._stack.enter_context(
            Lab(
                otlp_http=self.server.otlp_http,
                xray=f"{host}:{port}",
                stories=STORIES,
                seed=seed,
                metrics_s=10,
                schedule_s=schedule_s,
                chosen=False,
            )
        )
        self._stop = threading.Event()
        self._traffic = threading.Thread(
            target=self.lab.run_traffic, args=(seed, rate_per_s, self._stop, lambda text: None), daemon=True
        )
        self._traffic.start()
        self.began_s = time.monotonic()
        self.on_s = time.time()
        """When the fault was switched on, Unix seconds."""

    def close(self) -> None:
        """Stop traffic, lab and server."""
        self._stop.set()
        self._traffic.join(30)
        self._stack.close()

    def open_findings(self) -> list[dict[str, Any]]:
        """Return the findings that are open now."""
        found: list[dict[str, Any]] = self.server.get("/findings", which="open", limit=200)["findings"]
        return found

    def resolve(self) -> None:
        """Resolve what is open."""
        for one in self.open_findings():
            body = {"state": "resolved", "by": "bench"}
            self.server.api.post(f"/findings/{one['finding_id']}", json=body).raise_for_status()

    def check(self, fault: str) -> Told:
        """Switch a fault on until it is told; see what else opened."""
        expected = FAULTS[fault]
        time.sleep(max(0.0, self.began_s + expected.known_s - time.monotonic()))
        self.resolve()
        began_s, found, others = time.monotonic(), None, dict[str, str]()
        self.on_s = time.time()
        self.lab.faults.switch(fault, expected.share)
        while found is None and time.monotonic() - began_s < (GIVEN_UP_S if expected.kinds else FOUND_S):
            time.sleep(1.0)
            found = self._seen(expected, others)
        took_s = time.monotonic() - began_s
        time.sleep(5.0)
        self._seen(expected, others)
        self.lab.faults.switch(fault, 0.0)
        self.lab.drain(20.0)
        self._quieten(expected, others)
        return Told(fault, found or "", took_s if found else None, tuple(sorted(others.values())))

    def _quieten(self, expected: Expected, others: dict[str, str]) -> None:
        """Wait until nothing new has opened for a while: some of what a fault leaves behind is told by the clock."""
        known, changed_s, until_s = set[str](), time.monotonic(), time.monotonic() + MOST_QUIET_S
        while time.monotonic() < min(changed_s + QUIET_S, until_s):
            now = {one["finding_id"] for one in self.open_findings()}
            if now - known:
                known, changed_s = known | now, time.monotonic()
            self._seen(expected, others)
            time.sleep(1.0)

    def _seen(self, expected: Expected, others: dict[str, str]) -> str | None:
        """Return the title of the finding that tells the fault; note the other high ones."""
        told = None
        for one in self.open_findings():
            right = one["kind"] in expected.kinds and (not expected.scopes or one["scope"] in expected.scopes)
            if right:
                told = told or f"{one['kind']}: {one['title']}"
            elif self._is_new(one) and one["kind"] not in expected.causes:
                others[one["finding_id"]] = f"{one['kind']}: {one['title']}"
        return told

    def _is_new(self, one: dict[str, Any]) -> bool:
        """Whether a finding is a trouble of its own, and not one of before the fault that is told late."""
        seen_s = datetime.fromisoformat(one["last_seen"]).timestamp()
        return one["severity"] == "high" and not one["follows"] and seen_s >= self.on_s


def run_lane(faults: list[str], folder: Path, arguments: argparse.Namespace, say: Callable[[Told], None]) -> None:
    """Check some faults one after the other, those first that need the shortest warm-up."""
    lane = Lane(folder, arguments.rate, arguments.seed, arguments.schedule_s)
    try:
        time.sleep(arguments.warm_s)
        for fault in sorted(faults, key=lambda name: FAULTS[name].known_s):
            say(lane.check(fault))
    finally:
        lane.close()


def run_calm(seconds: float, folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Run the traffic without a fault; return the severity, kind and title of every finding that opened."""
    lane = Lane(folder, arguments.calm_rate, arguments.seed, arguments.schedule_s)
    try:
        time.sleep(seconds)
        found = lane.server.get("/findings", which="all", limit=500)["findings"]
        return [f"{one['severity']} {one['kind']}: {one['title']}" for one in found]
    finally:
        lane.close()


def line_of(one: Told) -> str:
    """Return a row of the table."""
    expected = FAULTS[one.fault]
    by = one.finding or ("told by: outcome" if not expected.kinds else "NOT TOLD")
    took = f"{one.seconds:5.1f} s" if one.seconds is not None else "      -"
    return f"{one.fault:18} {took}  {by}" + "".join(f"\n{'':27}also high: {other}" for other in one.other_high)


def main() -> int:
    """Parse flags, check, print; 1 where a fault was not told in time, or something else of high severity opened."""
    parser = argparse.ArgumentParser(prog="bench.faults", description=__doc__)
    parser.add_argument("--fault", choices=sorted(FAULTS), action="append", help="only these")
    parser.add_argument("--lanes", type=int, default=1, help="servers and labs beside each other")
    parser.add_argument("--rate", type=float, default=3.0, help="calls a second in each lane")
    parser.add_argument("--warm-s", type=float, default=40.0)
    parser.add_argument("--schedule-s", type=float, default=5.0)
    parser.add_argument("--calm-s", type=float, default=0.0, help="run without faults for so long, and nothing else")
    parser.add_argument("--calm-rate", type=float, default=6.0, help="calls a second without faults")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    unknown = sorted(set(KNOWN) ^ set(FAULTS))
    if unknown:
        parser.error(f"faults of the lab and of this table differ: {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="coldtrail-faults-") as folder:
        if arguments.calm_s:
            opened = run_calm(arguments.calm_s, Path(folder) / "calm", arguments)
            print(f"without a fault, {arguments.calm_s * arguments.calm_rate:,.0f} calls in {arguments.calm_s:.0f} s:")
            print("\n".join(opened) or "nothing opened")
            return int(any(one.startswith("high") for one in opened))
        told = _in_lanes(Path(folder), arguments)
    if arguments.json:
        rows = [{name: getattr(one, name) for name in one.__struct_fields__} for one in told]
        arguments.json.write_text(json.dumps(rows, indent=2))
    late = [one for one in told if FAULTS[one.fault].kinds and (one.seconds is None or one.seconds > FOUND_S)]
    high = [one for one in told if one.other_high]
    print(
        f"{len(told)} faults: {len(told) - len(late)} told in time, {len(high)} with another finding of high severity"
    )
    return int(bool(late or high))


def _in_lanes(folder: Path, arguments: argparse.Namespace) -> list[Told]:
    names = sorted(arguments.fault or FAULTS, key=lambda name: FAULTS[name].known_s)
    told: list[Told] = []

    def say(one: Told) -> None:
        told.append(one)
        print(line_of(one), flush=True)

    lanes = [names[place :: arguments.lanes] for place in range(arguments.lanes)]
    threads = [
        threading.Thread(target=run_lane, args=(mine, folder / f"lane-{place}", arguments, say))
        for place, mine in enumerate(lanes)
        if mine
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


if __name__ == "__main__":
    sys.exit(main())

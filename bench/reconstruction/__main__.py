"""`python -m bench.reconstruction`: how right the API's trails are, against the lab's truth, at every level of context."""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from signal import SIGTERM
from signal import signal as on_signal
from typing import Any

import msgspec

from bench.reconstruction.compare import Score, compare
from bench.reconstruction.cost import idle, measure
from bench.reconstruction.crowd import called_at_once, crowded
from bench.reconstruction.feed import feed
from bench.reconstruction.following import follow
from bench.reconstruction.groups import Groups, first_trails
from bench.reconstruction.in_process import reconstruct
from bench.reconstruction.levels import IN_FLIGHT, LEVELS, apart, half, named_ids, timing
from bench.reconstruction.record import record, record_patient
from bench.reconstruction.recording import Recording, Signal
from bench.reconstruction.table import classes, losses, table
from bench.reconstruction.taught import first_groups, parted
from bench.reconstruction.truth import Truth, read_truth
from bench.server import Server

SETTLED_S = 8
SETTLES_WITHIN_S = 1_200.0
"""Where much runs beside it, stretches of time are asked about minutes later."""

FOLLOWED = 300
"""Trails of the recording that are sent again at its own pace."""


def say(text: str) -> None:
    """Tell how far it is."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def requests_of(signals: list[Signal], truth: Truth) -> dict[str, str]:
    """Return trace id (hex) to request, by the API id that the front's segment of a level carries."""
    found = {}
    for signal in signals:
        if isinstance(signal, dict) and signal.get("origin") == "AWS::ApiGateway::Stage":
            name = f"request:{signal['aws']['api_gateway']['request_id']}"
            if name in truth.things:
                found[signal["trace_id"].replace("-", "")[1:]] = name
    return found


def at_level(level: str, signals: list[Signal], truth: Truth) -> tuple[list[Signal], list[Signal], set[str]]:
    """Return what teaches, what is asked about, and whose names were taught, as the lab would have emitted it at a level.

    Raises:
        KeyError: no such level.
    """
    if level == "queued":
        signals = apart(signals)
        first = first_groups(signals, Groups(truth))
        taught, others, names = parted(called_at_once(signals, truth, IN_FLIGHT), truth, first)
        return taught, timing(others), names
    if level in ("timing", "crowd"):
        taught, others, names = parted(signals, truth)
        others = apart(others)
        return taught, timing(crowded(others, truth, IN_FLIGHT) if level == "crowd" else others), names
    make = {"all": lambda: signals, "ids": lambda: apart(signals), "half": lambda: half(signals)}
    return [], make[level](), set()


def score_level(level: str, recorded: list[Signal], truth: Truth, folder: Path) -> Score:
    """Feed one level to a fresh server and compare."""
    taught, signals, names = at_level(level, recorded, truth)
    words = named_ids(signals)
    with Server(folder / level) as server:
        began_s = server.cpu_s()
        for part in (taught, signals) if taught else (signals,):
            feed(server, part)
            # Stretches of time are asked about some seconds after their last signal.
            time.sleep(SETTLED_S)
            idle(server, SETTLES_WITHIN_S)

        def ask(request_id: str) -> dict[str, Any] | None:
            answer = server.api.get(f"/trails/{request_id}")
            return answer.json() if answer.status_code == 200 else None

        settled_s = server.cpu_s()
        score = compare(level, truth, words, requests_of(signals, truth), ask, names)
        score.cpu_s, score.ask_ms = settled_s - began_s, (server.cpu_s() - settled_s) * 1e3 / max(1, score.trails)
        return score


def score_in_process(level: str, recorded: list[Signal], truth: Truth) -> Score:
    """Reconstruct one level in this process, and compare; say what it cost."""
    taught, signals, names = at_level(level, recorded, truth)
    words = named_ids(signals)
    answers = reconstruct(taught, signals)
    say(f"{level}: {answers.nodes:,} nodes in {answers.took_s:.1f} CPU-seconds")
    return compare(level, truth, words, requests_of(signals, truth), answers.ask, names)


def late_invocations(truth: Truth) -> list[str]:
    """Return the last invocations of trails that end in the notifying function, one message each."""
    taken = Counter(effect for _, effect in truth.kinds)
    return [
        truth.things[effect].id
        for _, effect in truth.kinds
        if truth.things[effect].where == "activity-notify" and taken[effect] == 1
    ]


def _recording(path: Path | None, make: Callable[[], Recording]) -> Recording:
    """Load it where it is, else make it and keep it there."""
    if path and path.exists():
        return Recording.load(path)
    recording = make()
    if path:
        recording.save(path)
    return recording


def _plain(score: Score) -> dict[str, Any]:
    names = (
        "level",
        "trails",
        "precision",
        "recall",
        "exact",
        "unfound",
        "foreign",
        "by_evidence",
        "bins",
        "cpu_s",
        "ask_ms",
        "by_story",
        "losses",
    )
    return {name: getattr(score, name) for name in names}


def main() -> int:
    """Parse flags, record or load, compare, print."""
    parser = argparse.ArgumentParser(prog="bench.reconstruction", description=__doc__)
    parser.add_argument("--trails", type=int, default=2_000)
    parser.add_argument("--rate", type=float, default=5.0, help="calls a second while recording")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--recording", type=Path, help="keep the recording here, and use it when it is there")
    parser.add_argument("--patient-recording", type=Path, help="likewise, of the level `queued`")
    parser.add_argument("--in-process", action="store_true", help="without a server: the reconstruction alone")
    parser.add_argument("--first", type=int, default=0, help="only the first so many trails of the recording")
    parser.add_argument("--level", choices=LEVELS, action="append", help="only these levels")
    parser.add_argument("--classes", type=int, default=25, help="how many classes of wrong and missing edges to list")
    parser.add_argument("--cost", action="store_true", help="measure the cost too, where --level is given")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    on_signal(SIGTERM, lambda *_: sys.exit(143))  # so that no server is left running
    recordings: dict[bool, Recording] = {}
    recorded: dict[bool, tuple[list[Signal], Truth]] = {}

    def recording_of(level: str) -> Recording:
        patient = level == "queued"
        if patient not in recordings:
            path = arguments.patient_recording if patient else arguments.recording
            make = record_patient if patient else record
            recordings[patient] = _recording(path, lambda: make(arguments.trails, arguments.seed, arguments.rate, say))
        return recordings[patient]

    def signals_of(level: str) -> tuple[list[Signal], Truth]:
        patient = level == "queued"
        if patient not in recorded:
            recording = recording_of(level)
            recorded[patient] = (
                first_trails(recording, arguments.first)
                if arguments.first
                else (list(recording.signals()), read_truth(recording.truth))
            )
        return copy.deepcopy(recorded[patient][0]), recorded[patient][1]

    scores: list[Score] = []
    with tempfile.TemporaryDirectory(prefix="coldtrail-bench-") as folder:
        for level in arguments.level or LEVELS:
            say(f"level {level}")
            signals, truth = signals_of(level)
            here = score_in_process if arguments.in_process else partial(score_level, folder=Path(folder))
            score = here(level, signals, truth)
            scores.append(score)
            say(
                f"{level}: precision {score.precision:.4f}, recall {score.recall:.4f}, {score.exact} of {score.trails} exact"
            )
            for line in (*classes(score, arguments.classes), *losses(score)):
                print(line, flush=True)
        print(table(scores), flush=True)
        if arguments.cost or not (arguments.level or arguments.in_process):
            say("cost")
            signals, truth = signals_of("all")
            rows = measure(signals, late_invocations(truth), Path(folder))
            say("how soon the list follows")
            with Server(Path(folder) / "followed") as server:
                rows += follow(server, recording_of("all"), FOLLOWED)
            for name, value, goal in rows:
                print(f"{name:<40} {value}" + (f"   (goal {goal})" if goal else ""))
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode([_plain(score) for score in scores])))
    return 0


if __name__ == "__main__":
    sys.exit(main())

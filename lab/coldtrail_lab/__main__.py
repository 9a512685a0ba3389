"""`python -m coldtrail_lab run`, `faults`, `deploy` and `fleet`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coldtrail_lab.context import LEVELS
from coldtrail_lab.faults import KNOWN
from coldtrail_lab.fleet.command import add_fleet
from coldtrail_lab.lab import STORIES, THREE, Lab

CONTROL = Path(tempfile.gettempdir()) / "coldtrail-lab.control"
"""Where the newest running lab says its control address."""


def _say(text: str) -> None:
    print(f"lab: {text}", flush=True)


def _fault(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    if name not in KNOWN:
        raise argparse.ArgumentTypeError(f"no fault {name!r}; there are {', '.join(KNOWN)}")
    return name, float(share) if share else 1.0


def _context(text: str) -> tuple[str, str]:
    function, _, level = text.rpartition("=")
    if level not in LEVELS:
        raise argparse.ArgumentTypeError(f"no context {level!r}; there are {', '.join(LEVELS)}")
    return function, level


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="coldtrail_lab", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="run the pipeline with traffic until Ctrl-C")
    run.add_argument("--otlp-http", default="http://127.0.0.1:4318", help="coldtrail's OTLP/HTTP URL")
    run.add_argument("--xray", default="127.0.0.1:2000", help="coldtrail's X-Ray address")
    run.add_argument("--access-key", default="", help="Firehose access key, where coldtrail has a token")
    run.add_argument("--seed", type=int, default=7)
    run.add_argument("--rate", type=float, default=2.0, help="calls a second")
    run.add_argument("--duration", type=float, help="seconds, then stop")
    run.add_argument("--fault", type=_fault, action="append", default=[], metavar="NAME[=SHARE]")
    run.add_argument("--story", choices=STORIES, action="append", help="only these (activity-history always runs)")
    run.add_argument("--api", default="http://127.0.0.1:4319", help="coldtrail's page URL, told of deployments")
    run.add_argument("--deploy-after", type=float, metavar="SECONDS", help="roll the quotes' version 2 out then")
    run.add_argument("--metrics-s", type=float, default=60, help="how often the metric stream delivers, 0 = never")
    run.add_argument("--schedule-s", type=float, default=60, help="how often schedules fire")
    run.add_argument(
        "--context",
        type=_context,
        action="append",
        default=[],
        metavar="[FUNCTION=]LEVEL",
        help=f"how much context functions keep: {', '.join(LEVELS)}",
    )
    run.add_argument("--truth", type=Path, help="file for the record of the truth")
    run.add_argument("--ready-file", type=Path, help="written once traffic flows")
    run.set_defaults(run=_run)
    faults = commands.add_parser("faults", help="list faults or switch one in the running lab")
    faults.add_argument("verb", choices=("list", "on", "off"))
    faults.add_argument("name", nargs="?")
    faults.add_argument("--share", type=float, default=1.0, help="share of things that it hits, 0..1")
    faults.set_defaults(run=_faults)
    deploy = commands.add_parser("deploy", help="roll the quotes' next version out in the running lab")
    deploy.set_defaults(run=_deploy)
    add_fleet(commands)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    lab = Lab(
        otlp_http=arguments.otlp_http,
        xray=arguments.xray,
        faults=dict(arguments.fault),
        truth=arguments.truth,
        access_key=arguments.access_key,
        contexts=dict(arguments.context),
        stories=arguments.story or THREE,
        seed=arguments.seed,
        metrics_s=arguments.metrics_s,
        schedule_s=arguments.schedule_s,
        api=arguments.api,
        say=_say,
    )
    with lab:
        CONTROL.write_text(lab.control_url)
        _say(
            f"traffic flows: {arguments.rate:g} calls/s, seed {arguments.seed}, faults {dict(arguments.fault) or 'none'}"
        )
        if arguments.ready_file:
            arguments.ready_file.write_text(json.dumps({"api": lab.story.api.url, "control": lab.control_url}))
        if arguments.deploy_after is not None:
            _later(arguments.deploy_after, lab.deploy)
        if arguments.duration:
            threading.Timer(arguments.duration, stop.set).start()
        made = lab.run_traffic(arguments.seed, arguments.rate, stop, _say)
        _say(f"stopping after {made} calls")
    CONTROL.unlink(missing_ok=True)
    _say("stopped")
    return 0


def _later(seconds: float, call: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


def _faults(arguments: argparse.Namespace) -> int:
    body = None
    if arguments.verb != "list":
        body = {"name": arguments.name, "share": arguments.share if arguments.verb == "on" else 0.0}
    return _tell("/faults", body)


def _deploy(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    return _tell("/deploy", {})


def _tell(path: str, body: dict[str, Any] | None) -> int:
    """Ask the running lab and print what it says."""
    try:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(CONTROL.read_text() + path, data), timeout=30) as answer:
            print(json.dumps(json.load(answer), indent=2))
    except urllib.error.HTTPError as error:
        print(json.load(error)["error"], file=sys.stderr)
        return 1
    except (OSError, urllib.error.URLError):
        print("no lab is running on this machine: start one with 'python -m coldtrail_lab run'", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    arguments = _parser().parse_args()
    sys.exit(arguments.run(arguments))

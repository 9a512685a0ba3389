"""`python -m coldtrail_lab run` and `python -m coldtrail_lab faults`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

from coldtrail_lab.context import LEVELS
from coldtrail_lab.faults import KNOWN
from coldtrail_lab.lab import STORIES, Lab

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
        stories=arguments.story or STORIES,
        say=_say,
    )
    with lab:
        CONTROL.write_text(lab.control_url)
        _say(
            f"traffic flows: {arguments.rate:g} calls/s, seed {arguments.seed}, faults {dict(arguments.fault) or 'none'}"
        )
        if arguments.ready_file:
            arguments.ready_file.write_text(json.dumps({"api": lab.story.api.url, "control": lab.control_url}))
        if arguments.duration:
            threading.Timer(arguments.duration, stop.set).start()
        made = lab.run_traffic(arguments.seed, arguments.rate, stop, _say)
        _say(f"stopping after {made} calls")
    CONTROL.unlink(missing_ok=True)
    _say("stopped")
    return 0


def _faults(arguments: argparse.Namespace) -> int:
    try:
        url = CONTROL.read_text() + "/faults"
        body = None
        if arguments.verb != "list":
            share = arguments.share if arguments.verb == "on" else 0.0
            body = json.dumps({"name": arguments.name, "share": share}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=5) as answer:
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

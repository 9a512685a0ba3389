"""`python -m coldtrail_lab fleet`."""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import datetime

from coldtrail_lab.fleet.fleet import Fleet
from coldtrail_lab.fleet.send import Refused, send

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def _duration_s(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not match:
        raise argparse.ArgumentTypeError(f'a duration is such as "1h" or "90s", not {text!r}')
    return float(match[1]) * _UNITS_S[match[2]]


def _moment_ns(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * 10**9
    except ValueError:
        raise argparse.ArgumentTypeError(f'a time is such as "2026-11-21T12:00:00Z", not {text!r}') from None


def add_fleet(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    fleet = commands.add_parser("fleet", help="send the telemetry of many functions at speed, and say how fast")
    fleet.add_argument("--otlp-http", default="http://127.0.0.1:4318", help="where to: an OTLP/HTTP URL")
    fleet.add_argument("--token", default="", help="bearer token, where the receiver asks for one")
    fleet.add_argument("--functions", type=int, default=200)
    fleet.add_argument("--spans", type=int, default=5_000_000)
    fleet.add_argument("--metric-points", type=int, default=0)
    fleet.add_argument(
        "--over", type=_duration_s, default=3_600.0, metavar="DURATION", help="time that it spreads over"
    )
    fleet.add_argument("--until", type=_moment_ns, default=0, metavar="TIME", help="when it ends (default: now)")
    fleet.add_argument("--seed", type=int, default=7)
    fleet.add_argument("--no-reports", action="store_true", help="no REPORT lines")
    fleet.add_argument(
        "--ids", type=float, default=1.0, metavar="SHARE", help="share of trails with request and message ids"
    )
    fleet.add_argument("--dry-run", action="store_true", help="make everything, send nothing")
    fleet.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    fleet = Fleet(
        functions=arguments.functions,
        spans=arguments.spans,
        metric_points=arguments.metric_points,
        over_s=arguments.over,
        seed=arguments.seed,
        until_ns=arguments.until,
        reports=not arguments.no_reports,
        ids=arguments.ids,
    )
    try:
        sent = send(fleet.bodies(), "" if arguments.dry_run else arguments.otlp_http, arguments.token)
    except (OSError, Refused) as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 1
    print(json.dumps(sent.as_json(), indent=2))
    return 0

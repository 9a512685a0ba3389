"""Matches and trails for people's eyes."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLE = {"error": "red", "timeout": "red", "out_of_memory": "red", "throttled": "yellow", "open": "cyan", "ok": ""}


def _ms(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def show_matches(value: str, matches: list[dict[str, Any]]) -> None:
    """Print where a value was found."""
    console = Console()
    if not matches:
        console.print(Text(f"nothing carries {value}; new data is visible within 2 s"))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("time", "found as", "service", "trail"):
        table.add_column(column, no_wrap=True)
    for match in matches:
        table.add_row(*(Text(str(match[name])) for name in ("time", "key_kind", "service", "trail_id")))
    console.print(table)
    console.print(Text(f"\ncoldtrail trail {matches[0]['trail_id']}", style="dim"))


def show_findings(found: list[dict[str, Any]]) -> None:
    """Print findings, one a line."""
    console = Console()
    if not found:
        console.print(Text("nothing is found wrong"))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("severity", "seen", "last", "state", "what is wrong"):
        table.add_column(column, justify="right" if column == "seen" else "left", no_wrap=column != "what is wrong")
    style = {"high": "red", "medium": "yellow", "low": ""}
    for one in found:
        state = "came back" if one["regressed"] and one["state"] == "open" else one["state"]
        table.add_row(
            Text(one["severity"], style=style[one["severity"]]),
            f"{one['count']:,}",
            Text(one["last_seen"][:19]),
            Text(state),
            Text(one["title"]),
        )
    console.print(table)


def show_trail(trail: dict[str, Any]) -> None:
    """Print a trail: first its story, then its nodes in order of time."""
    console = Console()
    console.print(Text(f"{trail['trail_id']}  {trail['status']}  {_ms(trail['duration_ms'])}", style="bold"))
    for sentence in trail["story"]:
        console.print(Text(f"  {sentence['time'][11:23]}  {sentence['text']}"))
    table = Table(box=None, pad_edge=False)
    for column, right in (
        ("start", 0),
        ("kind", 0),
        ("service", 0),
        ("name", 0),
        ("status", 0),
        ("wait", 1),
        ("took", 1),
    ):
        table.add_column(column, justify="right" if right else "left")
    for node in trail["nodes"]:
        marks = (" cold" if node["cold_start"] else "") + (f" #{node['attempt']}" if node["attempt"] > 1 else "")
        table.add_row(
            Text(node["start"][11:23]),
            Text(node["kind"]),
            Text(node["service"]),
            Text(node["name"][:60]),
            Text(node["status"] + marks, style=_STYLE.get(node["status"], "")),
            _ms(node["wait_ms"]),
            _ms(node["duration_ms"]),
        )
    console.print()
    console.print(table)

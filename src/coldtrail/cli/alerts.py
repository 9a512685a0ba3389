"""Alerts on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

STYLE = {"firing": "red", "pending": "yellow", "recovered": "green", "inactive": "dim"}


def show_alerts(answer: dict[str, Any]) -> None:
    """Print alerts, one a line."""
    console = Console()
    table = Table(box=None, pad_edge=False)
    for column in ("phase", "since", "severity", "alert", "why"):
        table.add_column(column, no_wrap=column != "why")
    for one in answer["alerts"]:
        phase = one["phase"] + (" (muted)" if one["muted"] else "")
        name = one["name"] + (f" {one['group']}" if one["group"] else "")
        table.add_row(
            Text(phase, style=STYLE[one["phase"]]),
            Text((one["since"] or "")[:19]),
            Text(one["severity"]),
            Text(name[:60]),
            Text(one["failing"] or one["why"]),
        )
    console.print(table)
    for name, warning in dict.fromkeys(
        (one["name"], each["message"]) for one in answer["alerts"] for each in one["warnings"]
    ):
        console.print(Text(f"{name}: {warning}", style="yellow"))
    if not any(answer["routes"].values()):
        console.print(Text("no route is marked as default: alerts that name none are told to nobody", style="yellow"))
    if answer["undelivered_count"]:
        console.print(Text(f"{answer['undelivered_count']} messages could not be delivered", style="red"))


def show_alert(answer: dict[str, Any]) -> None:
    """Print one alert: where it stands, what happened, who was told."""
    console = Console()
    for one in answer["groups"]:
        console.print(
            Text(f"{one['title']} {one['group']}".strip(), style="bold"), Text(one["phase"], style=STYLE[one["phase"]])
        )
        for part in one["parts"] or [{"why": one["why"]}]:
            console.print(Text(f"  {part['why']}"))
    for warning in answer["warnings"]:
        console.print(Text(f"  {warning['message']}", style="yellow"))
    for event in answer["history"][:20]:
        by = "" if event["by"] == "coldtrail" else f" by {event['by']}"
        console.print(Text(f"{event['time'][:19]}  {event['what']}{by}  {event['why'] or event['note']}"))
    for one in answer["notifications"][:20]:
        reason = f"  {one['error']}" if one["error"] else ""
        console.print(
            Text(f"{one['created'][:19]}  {one['route']}: {one['what']} {one['status']}{reason}", style="dim")
        )

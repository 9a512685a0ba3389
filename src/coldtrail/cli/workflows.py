"""`coldtrail workflows`: how the trails of each workflow came out, or one of them in depth."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coldtrail.cli.api import DEFAULT_URL, Json, Token, Url, ask

OUTCOMES = ("complete", "late", "incomplete", "duplicated", "out_of_order", "failed", "open")
_STYLE = {"complete": "", "open": "cyan", "late": "yellow", "duplicated": "yellow"}


def workflows(
    name: Annotated[str, typer.Argument(help="Only this one, in depth.")] = "",
    since: Annotated[str, typer.Option(help="From when on.")] = "now-1h",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Show what became of the trails of each workflow: complete, late, incomplete and by which step, and so on."""
    answer = ask(url, token, f"/workflows/{name}" if name else "/workflows", {"since": since})
    if json:
        typer.echo(json_module.dumps(answer, indent=2))
    elif name:
        _show_all([answer])
        _show_one(answer)
    else:
        _show_all(answer["workflows"])


def _show_all(found: list[dict[str, Any]]) -> None:
    console = Console()
    if not found:
        console.print(Text("there are no workflows; the page proposes some under Workflows"))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("workflow", no_wrap=True)
    for column in (*OUTCOMES, "p50", "p95"):
        table.add_column(column.replace("_", " "), justify="right", no_wrap=True)
    for one in found:
        counts = one["outcomes"]
        cells = [Text(f"{counts[each]:,}" if counts.get(each) else "", _STYLE.get(each, "red")) for each in OUTCOMES]
        table.add_row(Text(one["name"]), *cells, _ms(one["p50_ms"]), _ms(one["p95_ms"]))
    console.print(table)
    for one in found:
        for rule in one["reconciled"]:
            console.print(Text(f"{one['name']}: {rule['words']}"))


def _show_one(one: dict[str, Any]) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False)
    for column in ("step", "reached", "missing", "failed", "p50", "p99", "deadline"):
        table.add_column(column, justify="left" if column == "step" else "right", no_wrap=True)
    for step in one["steps"]:
        states = step["states"]
        numbers = [f"{step['reached_count']:,}", *(f"{states.get(each, 0):,}" for each in ("missing", "failed"))]
        table.add_row(Text(step["name"]), *numbers, _ms(step["p50_ms"]), _ms(step["p99_ms"]), step["within"])
    console.print()
    console.print(table)
    console.print()
    for trail in one["trails"]:
        if trail["status"] != "complete":
            console.print(Text(f"{trail['start'][:19]}Z  {trail['trail_id']}  {trail['words']}"))


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f} ms"

"""`coldtrail objectives`: how all stand, or one in depth."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coldtrail.cli.api import DEFAULT_URL, Json, Token, Url, ask

_STYLE = {"page": "red", "ticket": "yellow", "spent": "red", "ok": "", "no_data": "dim"}
_WORDS = {"page": "burns: page", "ticket": "burns: ticket", "spent": "spent", "ok": "ok", "no_data": "no data"}


def objectives(
    name: Annotated[str, typer.Argument(help="Only this one, in depth.")] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Show how objectives stand, worst first; ends with 1 where one burns fast enough to page."""
    answer = ask(url, token, f"/objectives/{name}" if name else "/objectives")
    if json:
        typer.echo(json_module.dumps(answer, indent=2))
    elif not name:
        _show_all(answer["objectives"])
    elif "state" in answer:
        _show_all([answer])
        _show_one(answer)
    else:
        typer.echo(f"{name} is being counted; ask again in some seconds")
    if any(one["state"] == "page" for one in answer.get("objectives", [answer] if "state" in answer else [])):
        raise typer.Exit(1)


def _show_all(found: list[dict[str, Any]]) -> None:
    console = Console()
    if not found:
        console.print(Text("there are no objectives; the page proposes some under Objectives"))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("state", "objective", "good", "target", "window", "budget left", "spent at this pace"):
        numbers = column in ("good", "target", "budget left")
        table.add_column(column, justify="right" if numbers else "left", no_wrap=column != "objective")
    for one in found:
        table.add_row(
            Text(_WORDS[one["state"]], style=_STYLE[one["state"]]),
            Text(one["name"]),
            _percent(one["good_share"], 3),
            _percent(one["target"], 3),
            one["window"],
            _percent(one["budget_left"], 1),
            one["spent_at"][:16] + "Z" if one["spent_at"] else "not in its window",
        )
    console.print(table)


def _percent(share: float | None, digits: int) -> str:
    return "" if share is None else f"{share * 100:.{digits}f} %"


def _show_one(one: dict[str, Any]) -> None:
    console = Console()
    console.print(
        Text(f"\n{one['bad_count']:,.0f} of {one['valid_count']:,.0f} were bad; {one['allowed_count']:,.0f} may be")
    )
    table = Table(box=None, pad_edge=False, title="windows", title_justify="left")
    for column in ("told", "burns over", "long", "now", "short", "now ", "fires since"):
        table.add_column(column, no_wrap=True)
    for burn in one["burns"]:
        long, short = (f"{burn[name] // 60} min" for name in ("long_s", "short_s"))
        now = f"{burn['long_burn']:.2f}x", f"{burn['short_burn']:.2f}x"
        since = (burn["firing_since"] or "")[:16]
        table.add_row(burn["severity"], f"{burn['factor']:g}x", long, now[0], short, now[1], Text(since, style="red"))
    console.print(table)
    if one["contributors"]:
        console.print(Text("\nspent by"))
        for each in one["contributors"]:
            console.print(
                Text(f"  {each['share'] * 100:5.1f} %  {each['by']}: {each['name']}  {each['trail_id'] or ''}")
            )
    if one["policy"]:
        console.print(Text(f"\npolicy\n  {one['policy']}"))

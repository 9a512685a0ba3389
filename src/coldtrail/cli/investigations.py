"""`coldtrail investigations`: what is looked into, or one of them with its record."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coldtrail.cli.api import DEFAULT_URL, Json, Token, Url, ask, ask_text, fail


def investigations(
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="Only this one, with its record.")] = "",
    which: Annotated[str, typer.Option(help="open, closed or all")] = "all",
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print one as Markdown, for a ticket or a post-mortem.")
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Show investigations, the open ones first, or one of them: where it began, what was looked at, and the notes."""
    if markdown:
        if not id_:
            raise fail("--markdown is of one investigation: say its id")
        typer.echo(ask_text(url, token, f"/investigations/{id_}.md"))
        return
    answer = ask(url, token, f"/investigations/{id_}") if id_ else ask(url, token, "/investigations", {"which": which})
    if json:
        typer.echo(json_module.dumps(answer, indent=2))
    elif id_:
        _show_one(answer)
    else:
        _show_all(answer["investigations"])


def _show_all(found: list[dict[str, Any]]) -> None:
    console = Console()
    if not found:
        console.print(Text("there are no investigations; the page opens one from an alert, a finding or a trail"))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "state", "changed", "looks", "notes", "investigation"):
        right = column in ("looks", "notes")
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "investigation")
    for one in found:
        cells = (one["id"], one["state"], one["changed"][:19], one["look_count"], one["note_count"], one["name"])
        table.add_row(*(Text(str(cell)) for cell in cells), style="" if one["state"] == "open" else "dim")
    console.print(table)


def _show_one(one: dict[str, Any]) -> None:
    console = Console()
    console.print(Text(f"{one['name']}  {one['state']}", style="bold"))
    console.print(Text(f"  {one['symptom']}"))
    about = ", ".join([*([one["workflow"]] if one["workflow"] else []), *one["scopes"]])
    console.print(
        Text(f"  about {about or 'no service'}, at {one['at'][:19]} ({one['since'][:19]} to {one['until'][:19]})")
    )
    for trail_id in one["trail_ids"]:
        console.print(Text(f"  coldtrail trail {trail_id}", style="dim"))
    for entry in one["entries"]:
        what = f"looked at {entry['text']}" if entry["kind"] == "look" else entry["text"]
        console.print(Text(f"{entry['time'][:19]}  {entry['by']}  {what}"))

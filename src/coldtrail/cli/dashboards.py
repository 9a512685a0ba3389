"""`coldtrail dashboards`: which there are, and one as the file in which it is shared."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from coldtrail.cli.api import DEFAULT_URL, Json, Token, Url, ask, fail, keep

app = typer.Typer(help="List dashboards, export one to a file, import one.")


@app.callback(invoke_without_command=True)
def list_(context: typer.Context, url: Url = DEFAULT_URL, token: Token = "", json: Json = False) -> None:
    """List dashboards, one's own first."""
    if context.invoked_subcommand:
        return
    answer = ask(url, token, "/dashboards")
    if json:
        typer.echo(json_module.dumps(answer, indent=2))
        return
    for one in answer["dashboards"]:
        whose = "starter set" if one["starter"] else f"by {one['by']}, {one['changed'][:19]}Z"
        typer.echo(f"{one['name']}  {one['title']}, {one['panel_count']} panels ({whose})")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="The dashboard's name, as the list has it.")],
    out: Annotated[Path | None, typer.Option(help="The file to write. Default: to the terminal")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Write a dashboard as the file in which it is shared."""
    shared = ask(url, token, f"/dashboards/{quote(name, safe='')}/file")
    text = json_module.dumps(shared, indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text)
    except OSError as error:
        raise fail(f"{out} cannot be written: {error.strerror}") from None


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that was exported.")],
    name: Annotated[str, typer.Option(help="Keep it under this name. Default: the name in the file")] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Keep the dashboard of a file, in place of the one of its name."""
    shared = _read(file)
    name = name or str(shared.get("name", ""))
    path = f"/definitions/dashboard/{quote(name, safe='') or '-'}"
    answer = keep(url, token, path, {"spec": shared["spec"], "source": file.name})
    typer.echo(json_module.dumps(answer, indent=2) if json else f"kept {answer['name']}: {answer['spec']['title']}")


def _read(file: Path) -> dict[str, Any]:
    try:
        shared = json_module.loads(file.read_text())
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise fail(f"{file} is not JSON: {error}") from None
    if not isinstance(shared, dict) or shared.get("kind") != "dashboard" or not isinstance(shared.get("spec"), dict):
        raise fail(f'{file} is no dashboard: its "kind" must be "dashboard", with a "spec"')
    return shared

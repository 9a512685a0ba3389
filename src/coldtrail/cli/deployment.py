"""`coldtrail deployment`: what a pipeline's last step says."""

from __future__ import annotations

import json as json_module
from enum import StrEnum
from typing import Annotated, Any

import typer

from coldtrail.cli.api import DEFAULT_URL, Json, Token, Url, ask, tell

app = typer.Typer(no_args_is_help=True, help="Announce deployments, and list them.")


class Status(StrEnum):
    """What became of it."""

    started = "started"
    succeeded = "succeeded"
    failed = "failed"
    rolled_back = "rolled_back"


@app.command()
def create(
    application: Annotated[str, typer.Option(help="What was deployed.")],
    version: Annotated[str, typer.Option(help="Its version.")],
    environment: Annotated[str, typer.Option(help="Where to.")] = "production",
    status: Annotated[Status, typer.Option(help="What became of it.")] = Status.succeeded,
    commit: Annotated[str, typer.Option(help="The commit.")] = "",
    committed_at: Annotated[str, typer.Option(help="When it was committed, as `git show -s --format=%cI`.")] = "",
    time: Annotated[str, typer.Option(help="When it ran in its environment. Default: now")] = "",
    service: Annotated[list[str] | None, typer.Option(help="A service that it deployed; may be repeated.")] = None,
    id_: Annotated[
        str, typer.Option("--id", help="The same id again changes the deployment, as a run's number does.")
    ] = "",
    link: Annotated[str, typer.Option(help="Where to read more.")] = "",
    unplanned: Annotated[bool, typer.Option("--unplanned", help="Made because of an incident.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Announce a deployment, so that every chart is marked and its cost and errors can be compared."""
    body: dict[str, Any] = {
        "application": application,
        "version": version,
        "environment": environment,
        "status": status.value,
        "commit": commit,
        "committed_at": committed_at,
        "time": time,
        "services": service or [],
        "id": id_,
        "url": link,
        "unplanned": unplanned,
    }
    answer = tell(url, token, "/deployments", body)
    typer.echo(
        json_module.dumps(answer, indent=2)
        if json
        else f"{answer['application']} {answer['version']} {answer['status']}, {answer['id']}"
    )


@app.command("list")
def list_(
    since: Annotated[str, typer.Option(help="From when on.")] = "now-30d",
    application: Annotated[str, typer.Option(help="Only of this one.")] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """List deployments, newest first."""
    answer = ask(url, token, "/deployments", {"since": since, "application": application})
    if json:
        typer.echo(json_module.dumps(answer, indent=2))
        return
    for one in answer["deployments"]:
        why = f" ({one['failed']})" if one["failed"] else ""
        typer.echo(
            f"{one['time'][:19]}Z  {one['application']}  {one['version']}  {one['environment']}  {one['status']}{why}"
        )

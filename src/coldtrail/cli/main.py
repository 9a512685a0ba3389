"""`coldtrail`: up, demo, find, trail, deployment, doctor."""

from __future__ import annotations

import asyncio
import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from coldtrail import __version__
from coldtrail.cli import dashboards, deployment
from coldtrail.cli.api import DEFAULT_URL, Json, Token, Url, ask, fail
from coldtrail.cli.investigations import investigations
from coldtrail.cli.objectives import objectives
from coldtrail.cli.workflows import workflows

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Pick the trail up where your functions went cold: what really happened, end to end.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.add_typer(deployment.app, name="deployment")
app.add_typer(dashboards.app, name="dashboards")


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Print the version where asked."""
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def up(
    data: Annotated[Path | None, typer.Option(help="Folder of the store and the log. Default: .coldtrail")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Another than loopback needs a token.")] = None,
    port: Annotated[int | None, typer.Option(help="Page and API. Default: 4319")] = None,
    otlp_http_port: Annotated[int | None, typer.Option(help="OTLP/HTTP and Firehose. Default: 4318; 0 = off")] = None,
    otlp_grpc_port: Annotated[int | None, typer.Option(help="OTLP/gRPC. Default: 4317; 0 = off")] = None,
    xray_port: Annotated[int | None, typer.Option(help="X-Ray, UDP and TCP. Default: 2000; 0 = off")] = None,
    store: Annotated[str | None, typer.Option(help="chdb:///path or clickhouse://host:port/database")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="COLDTRAIL_TOKEN", help="What senders and readers must show.")
    ] = None,
    insecure: Annotated[bool | None, typer.Option("--insecure", help="Another host without a token.")] = None,
    json: Json = False,
) -> None:
    """Take in telemetry and serve the page and the API, until Ctrl-C. Settings also from COLDTRAIL_* and coldtrail.toml."""
    from coldtrail.cli.up import announce
    from coldtrail.server.cannot_start import CannotStart
    from coldtrail.server.process import Process
    from coldtrail.server.settings.settings import BadSettings, read_settings
    from coldtrail.store.schema.migrate import TooNew

    flags: dict[str, Any] = {
        "data": data,
        "host": host,
        "port": port,
        "otlp_http_port": otlp_http_port,
        "otlp_grpc_port": otlp_grpc_port,
        "xray_port": xray_port,
        "store": store,
        "token": token,
        "insecure": insecure,
    }
    try:
        settings = read_settings(flags)
        asyncio.run(Process(settings).run(lambda process: announce(process, as_json=json)))
    except (BadSettings, CannotStart, TooNew) as error:
        raise fail(str(error)) from None


@app.command()
def demo(
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Seed of the traffic.")] = 7,
    seconds: Annotated[float | None, typer.Option("--for", help="Stop after so many seconds.")] = None,
    data: Annotated[Path, typer.Option(help="Folder of the demo's store.")] = Path(".coldtrail/demo"),
    port: Annotated[int, typer.Option(help="Page and API.")] = 4319,
    otlp_http_port: Annotated[int, typer.Option(help="OTLP/HTTP and Firehose.")] = 4318,
    otlp_grpc_port: Annotated[int, typer.Option(help="OTLP/gRPC.")] = 4317,
    xray_port: Annotated[int, typer.Option(help="X-Ray.")] = 2000,
    json: Json = False,
) -> None:
    """Run a real serverless pipeline on this machine, with a fault in it, and watch it here."""
    from coldtrail.cli.demo import run_demo

    ports = {"port": port, "otlp-http-port": otlp_http_port, "otlp-grpc-port": otlp_grpc_port, "xray-port": xray_port}
    raise typer.Exit(run_demo(data, ports, rate=rate, seed=seed, seconds=seconds, as_json=json))


@app.command()
def find(value: str, url: Url = DEFAULT_URL, token: Token = "", json: Json = False) -> None:
    """Find anything by an id or an attribute's value, and the trails that it leads to."""
    from coldtrail.cli.show import show_matches

    answer = ask(url, token, "/find", {"q": value})
    typer.echo(json_module.dumps(answer, indent=2)) if json else show_matches(value, answer["matches"])
    if not answer["matches"]:
        raise typer.Exit(1)


@app.command()
def trail(trail_id: str, url: Url = DEFAULT_URL, token: Token = "", json: Json = False) -> None:
    """Show one trail: its story, its nodes with their waits, attempts and cold starts."""
    from coldtrail.cli.show import show_trail

    answer = ask(url, token, f"/trails/{trail_id}")
    typer.echo(json_module.dumps(answer, indent=2)) if json else show_trail(answer)


@app.command()
def findings(
    which: Annotated[str, typer.Option(help="current, all, open, acknowledged, resolved or muted")] = "current",
    about: Annotated[str, typer.Option(help="Only of this function, queue or other thing.")] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Show what is wrong, the most severe first; ends with 1 where something severe is open."""
    from coldtrail.cli.show import show_findings

    answer = ask(url, token, "/findings", {"which": which, "about": about})
    typer.echo(json_module.dumps(answer, indent=2)) if json else show_findings(answer["findings"])
    if any(one["severity"] == "high" and one["state"] == "open" for one in answer["findings"]):
        raise typer.Exit(1)


@app.command()
def alerts(
    name: Annotated[str, typer.Argument(help="One of them, with what happened and who was told.")] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Show alerts, those that fire first; without a name it ends with 1 where one fires that is not muted."""
    from coldtrail.cli.alerts import show_alert, show_alerts

    answer = ask(url, token, f"/alerts/{name}" if name else "/alerts")
    if json:
        typer.echo(json_module.dumps(answer, indent=2))
    else:
        show_alert(answer) if name else show_alerts(answer)
    if not name and any(one["phase"] == "firing" and not one["muted"] for one in answer["alerts"]):
        raise typer.Exit(1)


app.command()(objectives)
app.command()(workflows)
app.command()(investigations)


@app.command("apply")
def apply_(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of definitions.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would change, and how alerts would have fired.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove what these files and folders no longer have.")] = False,
    by: Annotated[str, typer.Option(help="Who does it.")] = "coldtrail apply",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Check files of definitions (alerts, routes, objectives, workflows, dashboards, ...) and apply what changed."""
    from coldtrail.cli.as_code import run_apply

    done = run_apply(paths, url, token, by, dry=dry_run, prune=prune, as_json=json)
    if json:
        typer.echo(json_module.dumps(done, indent=2))


@app.command()
def export(
    kind: Annotated[
        str, typer.Argument(help="alert, route, silence, objective, workflow or dashboard; all without it.")
    ] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: Json = False,
) -> None:
    """Print definitions as a file that `apply` reads."""
    from coldtrail.cli.as_code import definitions, exported

    kept = definitions(url, token, kind)
    typer.echo(json_module.dumps(kept, indent=2) if json else exported(kept), nl=json)


@app.command()
def doctor(
    url: Url = DEFAULT_URL,
    token: Token = "",
    data: Annotated[Path, typer.Option(help="The data folder to look at.")] = Path(".coldtrail"),
    json: Json = False,
) -> None:
    """Check this machine and the running coldtrail, and say what to do about what is wrong."""
    from coldtrail.cli.doctor import checks, show_checks

    found = checks(url, token, data)
    typer.echo(json_module.dumps({"checks": found}, indent=2)) if json else show_checks(found)
    if any(check["status"] == "failed" for check in found):
        raise typer.Exit(1)


if __name__ == "__main__":
    sys.exit(app())

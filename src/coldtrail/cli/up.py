"""What `coldtrail up` says once it listens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from coldtrail.server.process import Process


def announce(process: Process, *, as_json: bool) -> None:
    """Print the one URL, the ports, the data folder, and that no data leaves the machine."""
    settings, addresses = process.settings, process.addresses
    page = f"http://{addresses['page']}/" if addresses["page"] else ""
    if page and settings.token:
        page += f"?token={settings.token}"
    if as_json:
        typer.echo(json.dumps({"url": page, "listeners": addresses, "data_dir": str(settings.data.resolve())}))
        return
    lines = [
        f"coldtrail is up: {page or 'the page is switched off'}",
        f"  OTLP/HTTP, Firehose  {addresses['otlp_http'] or 'off'}",
        f"  OTLP/gRPC            {addresses['otlp_grpc'] or 'off'}",
        f"  X-Ray (UDP and TCP)  {addresses['xray'] or 'off'}",
        f"  data                 {settings.data.resolve()}",
        "No data leaves this machine, unless a route of alerts leads elsewhere. Ctrl-C stops.",
    ]
    typer.echo("\n".join(lines))

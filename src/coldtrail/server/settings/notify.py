"""Settings of what leaves this machine by itself: where alerts may be sent, and what their links begin with."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from coldtrail.watch.ways_out.secret import FOLDERS


class Notify(BaseModel):
    """``allow``: networks that a route may lead to although they are not public, such as `10.2.0.0/16` or `127.0.0.1/32`.

    ``page_url``: how people reach the page; without it, the address that it listens on. ``secret_folders``: where files
    with secrets of routes may lie. ``period_s``: how often alerts are looked at.
    """

    model_config = ConfigDict(extra="forbid")

    allow: Annotated[tuple[IPv4Network | IPv6Network, ...], Field(max_length=64)] = ()
    page_url: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""
    secret_folders: tuple[str, ...] = FOLDERS
    period_s: Annotated[float, Field(ge=0.2, le=60)] = 10.0

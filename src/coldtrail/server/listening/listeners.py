"""The listeners: the page with its API, OTLP over HTTP and gRPC, and X-Ray over TCP and UDP."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import Any

import uvicorn

from coldtrail.server.api.app import create_api
from coldtrail.server.api.service import Service
from coldtrail.server.cannot_start import CannotStart
from coldtrail.server.listening.guard import Guard
from coldtrail.server.listening.intake import Intake
from coldtrail.server.listening.otlp_grpc import start_grpc
from coldtrail.server.listening.otlp_http import OtlpHttp
from coldtrail.server.listening.xray import XrayApi, XrayDatagrams
from coldtrail.server.page import Page
from coldtrail.server.settings.settings import Settings


class Listeners:
    """Everything that others connect to. ``addresses``: host and port of each, None where it is off."""

    def __init__(self, settings: Settings, addresses: dict[str, str | None]) -> None:
        self.addresses = addresses
        self._settings = settings
        self._guard = Guard(settings.host, settings.token, settings.insecure)
        self._servers: list[uvicorn.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._grpc: Any = None
        self._udp: tuple[asyncio.DatagramTransport, XrayDatagrams] | None = None

    async def open(self, service: Service) -> None:
        """Listen.

        Raises:
            CannotStart: a port is taken, or the host is no address of this machine.
        """
        settings, guard, intake = self._settings, self._guard, service.intake
        bounds = {"max_body_bytes": settings.max_body_bytes, "max_inflated_bytes": settings.max_inflated_bytes}
        page = Page(create_api(service), guard, answering=service.engine.courtesy.answering)  # type: ignore[arg-type]
        await self._serve("page", page, settings.port)
        await self._serve("otlp_http", OtlpHttp(intake, guard, **bounds), settings.otlp_http_port)
        if settings.otlp_grpc_port:
            await self._listen_grpc(intake)
        await self._serve("xray", XrayApi(intake, guard, **bounds), settings.xray_port)
        if settings.xray_port:
            await self._listen_udp(intake)

    async def close(self) -> None:
        """Finish the answers under way and stop listening."""
        for server in self._servers:
            server.should_exit = True
        if self._grpc:
            await self._grpc.stop(1)
        if self._udp:
            self._udp[0].close()
            await self._udp[1].close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen_grpc(self, intake: Intake) -> None:
        host, port = self._settings.host, self._settings.otlp_grpc_port
        try:
            self._grpc, port = await start_grpc(intake, self._guard, host, port, self._settings.max_inflated_bytes)
        except OSError:
            raise _taken("otlp-grpc-port", host, port) from None
        self.addresses["otlp_grpc"] = f"{host}:{port}"

    async def _listen_udp(self, intake: Intake) -> None:
        address = (self._settings.host, self._settings.xray_port)
        try:
            transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: XrayDatagrams(intake, self._guard), address
            )
        except OSError:
            raise _taken("xray-port", *address) from None
        opened = transport.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._udp = (transport, protocol)

    async def _serve(self, name: str, app: Any, port: int) -> None:
        if not port:
            return
        flag = "port" if name == "page" else f"{name.replace('_', '-')}-port"
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
            server_header=False,
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[assignment, method-assign]
        listener = _bound(self._settings.host, port, flag)
        self._servers.append(server)
        self._tasks.append(asyncio.create_task(server.serve([listener])))
        while not server.started:
            await asyncio.sleep(0.005)
        self.addresses[name] = f"{self._settings.host}:{port}"


def _bound(host: str, port: int, flag: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted connections inherit it; without, an answer's body waits 40 ms for the acknowledgement of its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise CannotStart(f"{host} is no address of this machine: give another --host") from None
        raise _taken(flag, host, port) from None
    return listener


def _taken(flag: str, host: str, port: int) -> CannotStart:
    return CannotStart(
        f"{host}:{port} is taken by another program: stop it, or give another port with --{flag} (0 = off)"
    )

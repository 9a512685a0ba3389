"""The process: engine, log, loader and listeners, started in order and stopped in the reverse."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog
import uvicorn

from coldtrail.server.alert_looks import Looks
from coldtrail.server.alerting import Alerting
from coldtrail.server.api.app import create_api
from coldtrail.server.api.service import Service
from coldtrail.server.api.times import rfc3339
from coldtrail.server.counting_elsewhere import elsewhere
from coldtrail.server.guard import Guard
from coldtrail.server.intake import Intake
from coldtrail.server.learning import Learning
from coldtrail.server.objectives import Objectives
from coldtrail.server.otlp_grpc import start_grpc
from coldtrail.server.otlp_http import OtlpHttp
from coldtrail.server.outcomes import Outcomes
from coldtrail.server.page import Page
from coldtrail.server.reading import TrailReader
from coldtrail.server.received import Received
from coldtrail.server.reconstruction import Reconstruction
from coldtrail.server.settings import Settings
from coldtrail.server.summing import Summing
from coldtrail.server.telling import Telling
from coldtrail.server.unknown_names import Telemetry
from coldtrail.server.watcher import Watcher
from coldtrail.server.xray import XrayApi, XrayDatagrams
from coldtrail.services import use_rules
from coldtrail.state import BadState, open_database
from coldtrail.state.alerting import AlertBook
from coldtrail.state.definitions import Definitions
from coldtrail.state.deployments import Deployments
from coldtrail.state.findings import Findings
from coldtrail.state.investigations import Investigations
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError, Unreachable
from coldtrail.store.loader import Loader
from coldtrail.store.migrate import migrate
from coldtrail.store.signals import SignalReader
from coldtrail.trails.timing import Timing
from coldtrail.wal import Segment, WriteAheadLog
from coldtrail.watch.ways_out import Outside
from coldtrail.watch.ways_out.secret import of_process

log = structlog.get_logger(__name__)


class CannotStart(RuntimeError):
    """Something outside is in the way; the message says what it is and what to do."""


class Process:
    """One running coldtrail."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.addresses: dict[str, str | None] = dict.fromkeys(("page", "otlp_http", "otlp_grpc", "xray"))
        self.received = Received()
        self._lock: IO[str] | None = None
        self._servers: list[uvicorn.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._grpc: Any = None
        self._udp: tuple[asyncio.DatagramTransport, XrayDatagrams] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, ready: Callable[[Process], None]) -> None:
        """Serve until SIGINT or SIGTERM; ``ready`` is called once everything listens.

        Raises:
            CannotStart: a port or the data folder is taken, or the store is of a newer coldtrail.
        """
        self._loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, stop.set)
        self._open_store()
        try:
            await self._listen()
            self.loader.start()
            self.reconstruction.start()
            self.watcher.start()
            self.summing.start()
            self.outcomes.start()
            self.objectives.start()
            self.alerting.start()
            self.telling.start()
            ready(self)
            await stop.wait()
        finally:
            await self._close()

    def _open_store(self) -> None:
        data = self.settings.data.resolve()
        data.mkdir(parents=True, exist_ok=True)
        self._lock = (data / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"another coldtrail uses {data}: stop it, or give another folder with --data") from None
        retention = self.settings.retention
        correlation = self.settings.correlation
        use_rules(correlation.fields)
        self.engine = Engine(self.settings.dsn, memory_bytes=self.settings.engine_memory_bytes)
        learning = Learning(self.engine, correlation.fields, on=correlation.learn)
        self.wal = WriteAheadLog(
            data / "wal", bound_bytes=self.settings.wal_bound_bytes, disk_floor_bytes=self.settings.disk_floor_bytes
        )
        kept_s = {"spans": retention.spans, "logs": retention.logs, "metrics": retention.metrics}
        self.loader = Loader(
            self.wal,
            self.engine,
            data / "quarantine",
            self._loaded,
            lambda: migrate(self.engine, kept_s, rules=learning.use_what_was_learned),
        )
        self._prepare_store()
        self._open_state()
        signals = SignalReader(self.engine)
        findings = Findings(self.state)
        definitions = Definitions(self.state)
        reader = TrailReader(self.engine, signals)
        self.outcomes = Outcomes(self.engine, definitions, reader)
        self.objectives = Objectives(self.engine, definitions, elsewhere(self.engine))
        self._prepare_alerting(findings, definitions, data)
        self.service = Service(
            engine=self.engine,
            signals=signals,
            trails=reader,
            wal=self.wal,
            loader=self.loader,
            received=self.received.as_json,
            listeners=lambda: self.addresses,
            data_dir=data,
            intake=Intake(self.wal, self.received),
            limits=self.settings.limits,
            deployments=Deployments(self.state),
            definitions=definitions,
            costs=self.settings.costs,
            findings=findings,
            investigations=Investigations(self.state),
            alerting=self.alerting,
            objectives=self.objectives,
            outcomes=self.outcomes,
            telemetry=Telemetry(self.engine),
        )
        timing = Timing(frozenset(self.settings.infer_edges))
        self.reconstruction = Reconstruction(self.engine, reader, timing, learning, self.outcomes)
        self.watcher = Watcher(self.engine, findings, self.settings.limits)
        self.summing = Summing(self.engine)

    def _prepare_alerting(self, findings: Findings, definitions: Definitions, data: Path) -> None:
        notify, up_since_ns = self.settings.notify, time.time_ns()
        book = AlertBook(self.state)
        outside = Outside(notify.allow, of_process(notify.secret_folders))

        def looks(at_ns: Sequence[int], reach_ns: int) -> Looks:
            return Looks(
                self.engine,
                findings,
                at_ns,
                reach_ns,
                up_since_ns=up_since_ns,
                burning=self.objectives.burning,
            )

        self.alerting = Alerting(
            book,
            definitions,
            looks,
            # The data folder has one process at a time: whoever has it next need not wait until the lease ends.
            holder=f"{socket.gethostname()}:{data}",
            page_url=lambda: notify.page_url or f"http://{self.addresses['page']}",
            outside=outside,
            told=lambda: self.telling.wake(),
            period_s=notify.period_s,
        )
        self.telling = Telling(book, definitions, outside, lambda: self.alerting.leads)

    def _prepare_store(self) -> None:
        """A server that is away may come back: its senders' data waits in the log. Every other fault ends the start."""
        try:
            self.loader.prepare()
        except Unreachable as error:
            self.loader.failing = str(error)
            log.warning("the store is away; what is sent is kept in the log until it is back", reason=str(error))
        except EngineError as error:
            self.wal.close()
            self.engine.close()
            raise CannotStart(f"the store {self.engine.store} cannot be used: {str(error)[:600]}") from None

    def _open_state(self) -> None:
        try:
            self.state = open_database(self.settings.state_url)
        except BadState as error:
            self.wal.close()
            self.engine.close()
            raise CannotStart(str(error)) from None

    async def _listen(self) -> None:
        settings = self.settings
        guard = Guard(settings.host, settings.token, settings.insecure)
        intake = Intake(self.wal, self.received)
        bounds = {"max_body_bytes": settings.max_body_bytes, "max_inflated_bytes": settings.max_inflated_bytes}
        await self._serve("page", Page(create_api(self.service), guard), settings.port)  # type: ignore[arg-type]
        await self._serve("otlp_http", OtlpHttp(intake, guard, **bounds), settings.otlp_http_port)
        if settings.otlp_grpc_port:
            try:
                self._grpc, port = await start_grpc(
                    intake, guard, settings.host, settings.otlp_grpc_port, settings.max_inflated_bytes
                )
            except OSError:
                raise _taken("otlp-grpc-port", settings.host, settings.otlp_grpc_port) from None
            self.addresses["otlp_grpc"] = f"{settings.host}:{port}"
        await self._serve("xray", XrayApi(intake, guard, **bounds), settings.xray_port)
        if settings.xray_port:
            await self._listen_udp(intake, guard)

    async def _listen_udp(self, intake: Intake, guard: Guard) -> None:
        assert self._loop
        address = (self.settings.host, self.settings.xray_port)
        try:
            transport, protocol = await self._loop.create_datagram_endpoint(
                lambda: XrayDatagrams(intake, guard), address
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
        family = socket.AF_INET6 if ":" in self.settings.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it; without, an answer's body waits 40 ms for the acknowledgement of its headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((self.settings.host, port))
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise CannotStart(f"{self.settings.host} is no address of this machine: give another --host") from None
            raise _taken(
                f"{name.replace('_', '-').replace('page', '')}-port".lstrip("-"), self.settings.host, port
            ) from None
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
        self._servers.append(server)
        self._tasks.append(asyncio.create_task(server.serve([listener])))
        while not server.started:
            await asyncio.sleep(0.005)
        self.addresses[name] = f"{self.settings.host}:{port}"

    def _loaded(self, segment: Segment) -> None:
        """Tell the reconstruction and the pages that listen that there is something new."""
        self.reconstruction.wake(segment.created_s)
        self.watcher.wake()
        self.summing.wake(segment.created_s)
        self.outcomes.wake()
        tick = msgspec.json.encode(
            {
                "spans": self.received.signals["traces"],
                "logs": self.received.signals["logs"],
                "metrics": self.received.signals["metrics"],
                "newest": rfc3339(segment.created_s * 10**9),
            }
        )
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._publish, tick)

    def _publish(self, tick: bytes) -> None:
        for queue in list(self.service.subscribers):
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(tick)

    async def _close(self) -> None:
        for server in self._servers:
            server.should_exit = True
        if self._grpc:
            await self._grpc.stop(1)
        if self._udp:
            self._udp[0].close()
            await self._udp[1].close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reconstruction.stop()
        self.watcher.stop()
        self.summing.stop()
        self.outcomes.stop()
        self.objectives.stop()
        self.telling.stop()
        self.alerting.stop()
        if self.loader.started:
            self.loader.stop()
        self.wal.close()
        self.engine.close()
        self.state.close()
        if self._lock:
            self._lock.close()


def _taken(flag: str, host: str, port: int) -> CannotStart:
    return CannotStart(
        f"{host}:{port} is taken by another program: stop it, or give another port with --{flag} (0 = off)"
    )

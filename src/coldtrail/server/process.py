"""The process: engine, log, loader, clockworks and listeners, started in order and stopped in the reverse."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from coldtrail.server.cannot_start import CannotStart
from coldtrail.server.listening.received import Received
from coldtrail.server.plain_log import log_plainly
from coldtrail.server.settings.settings import Settings
from coldtrail.services import use_rules
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError, Unreachable
from coldtrail.store.loading.loader import Loader
from coldtrail.store.schema.migrate import migrate
from coldtrail.wal import Segment, WriteAheadLog

if TYPE_CHECKING:
    from coldtrail.server.clockworks import Clockworks
    from coldtrail.server.reconstruction.learning import Learning
    from coldtrail.state import Database

log = structlog.get_logger(__name__)

SWITCH_S = 0.0005
"""An answer goes through several threads: each time it would wait ten times as long for one of the background to let go."""


class Process:
    """One running coldtrail."""

    clockworks: Clockworks
    _publish: Callable[[int], None]

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.addresses: dict[str, str | None] = dict.fromkeys(("page", "otlp_http", "otlp_grpc", "xray"))
        self.received = Received()
        self._open = contextlib.AsyncExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, ready: Callable[[Process], None]) -> None:
        """Serve until SIGINT or SIGTERM; ``ready`` is called once everything listens.

        Raises:
            CannotStart: a port or the data folder is taken, or store or state cannot be used.
            TooNew: the store is of a newer coldtrail.
        """
        log_plainly()
        sys.setswitchinterval(SWITCH_S)
        self._loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, stop.set)
        async with self._open:
            await self._start()
            ready(self)
            await stop.wait()

    async def _start(self) -> None:
        """Open the store in a thread, and meanwhile import what serves: a second of work each."""
        assert self._loop
        self._take_data()
        opening = self._loop.run_in_executor(None, self._open_store)
        try:
            from coldtrail.server.api.live import publish
            from coldtrail.server.assembly import assemble
            from coldtrail.server.listening.listeners import Listeners

            state = self._open_state()
        finally:
            await opening
        service, self.clockworks = assemble(
            self.settings, self.loader, self.learning, state, self.received, self.addresses
        )
        self._open.callback(self.clockworks.stop)
        self._publish = functools.partial(publish, service)
        listeners = Listeners(self.settings, self.addresses)
        self._open.push_async_callback(listeners.close)
        await listeners.open(service)
        self.loader.start()
        self.clockworks.start()

    def _open_state(self) -> Database:
        from coldtrail.state import BadState, open_database

        try:
            state = open_database(self.settings.state_url)
        except BadState as error:
            raise CannotStart(str(error)) from None
        self._open.callback(state.close)
        return state

    def _take_data(self) -> None:
        data = self.settings.data.resolve()
        data.mkdir(parents=True, exist_ok=True)
        lock = self._open.enter_context((data / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"another coldtrail uses {data}: stop it, or give another folder with --data") from None

    def _open_store(self) -> None:
        settings, data = self.settings, self.settings.data.resolve()
        use_rules(settings.correlation.fields)
        self.engine = Engine(settings.dsn, memory_bytes=settings.engine_memory_bytes)
        self._open.callback(self.engine.close)
        self.wal = WriteAheadLog(
            data / "wal",
            bound_bytes=settings.wal_bound_bytes,
            disk_floor_bytes=settings.disk_floor_bytes,
            segment_bytes=self.engine.segment_bytes,
        )
        self._open.callback(self.wal.close)
        retention = settings.retention
        kept_s = {"spans": retention.spans, "logs": retention.logs, "metrics": retention.metrics}
        self.loader = Loader(
            self.wal,
            self.engine,
            data / "quarantine",
            self._loaded,
            lambda: migrate(self.engine, kept_s, rules=lambda: self.learning.use_what_was_learned()),
        )
        self._open.callback(self.loader.stop)
        self._prepare_store()

    @functools.cached_property
    def learning(self) -> Learning:
        """What is learned of fields; it stands on trails, whose import the store's opening does not wait for."""
        from coldtrail.server.reconstruction.learning import Learning

        correlation = self.settings.correlation
        return Learning(self.engine, correlation.fields, on=correlation.learn)

    def _prepare_store(self) -> None:
        """A server that is away may come back: its senders' data waits in the log. Every other fault ends the start."""
        try:
            self.loader.prepare()
        except Unreachable as error:
            self.loader.failing = str(error)
            log.warning("the store is away; what is sent is kept in the log until it is back", reason=str(error))
        except EngineError as error:
            raise CannotStart(f"the store {self.engine.store} cannot be used: {str(error)[:600]}") from None

    def _loaded(self, segment: Segment) -> None:
        """Tell the clockworks and the pages that listen that there is something new."""
        self.clockworks.wake(segment)
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._publish, segment.created_s * 10**9)

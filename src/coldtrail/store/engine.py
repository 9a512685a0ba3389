"""The engine behind the store: ClickHouse, in this process or on a server, spoken to by one client library.

`chdb:///path` is the embedded engine, `clickhouse://user:password@host:port/database` a server. Both run
the same schema and the same queries; only how a segment reaches an insert differs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

import clickhouse_connect
import msgspec
from clickhouse_connect import common
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from coldtrail.model.signals import Signal
from coldtrail.store.courtesy import Courtesy
from coldtrail.store.dsn import Embedded, Server, parse_dsn
from coldtrail.store.engine_errors import EngineError, refusal
from coldtrail.store.loading.otlp_format import FORMAT_SCHEMA, STRUCTURE, Shape
from coldtrail.store.loading.statements import EMITTERS
from coldtrail.wal.log import SEGMENT_BYTES

for library in ("clickhouse_connect", "urllib3.connectionpool"):
    # What fails reaches us as an exception and is told once; they would print a line for every try.
    logging.getLogger(library).setLevel(logging.ERROR)

# Servers and the embedded engine then answer in the very same bytes.
common.set_setting("use_protocol_version", False)

Answer = TypeVar("Answer")

OLDEST_SERVER = (26, 2)
"""The first ClickHouse with text indexes for everyone (ClickHouse documentation, "Full-text search using text indexes")."""

MOST_BOUND, MOST_SENT = 25_000, 4_000
"""So many numbers are listed in a question; of 200,000 the engine made half a minute. To a server they go in an address, which has
bounds of its own.
"""

CONNECT_S = 5
ANSWER_S = 120
CHUNK_BYTES = 1 << 20
_STATM = Path("/proc/self/statm")

DEFAULT_MEMORY_BYTES = 760_000_000
"""What the embedded engine may use; with Python beside it, a 2 GiB container has room to spare."""

LOAD_SETTINGS: dict[str, Any] = {
    # One block: what is refused while it is read, or on the way through a view, has added nothing to any table.
    "min_insert_block_size_rows": 100_000_000,
    "min_insert_block_size_bytes": 4 << 30,
    # What is decoded is flattened a little at a time: 64 MiB of spans take 310 MB instead of 530, at the same CPU.
    "input_format_max_block_size_bytes": 2 << 20,
    # One thread: fewer CPU seconds a span, and the same blocks in the same order when a load is repeated.
    "max_threads": 1,
    "max_insert_threads": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "insert_deduplicate": 1,
    "max_partitions_per_insert_block": 0,
    # The views' queries read what was just made, all of it: there is nothing to optimise, and trying took a seventh of a small load.
    "query_plan_enable_optimizations": 0,
}

READ_SETTINGS: dict[str, Any] = {
    "max_threads": 2,
    "max_execution_time": 30,
    "max_result_rows": 2_000_000,
}

HABITS: dict[str, Any] = {
    "allow_prefetched_read_pool_for_local_filesystem": 0,
    "join_use_nulls": 0,
    # A question's third and fourth time would take twice as long, to be compiled, and none after them less.
    "compile_expressions": 0,
    "compile_aggregate_expressions": 0,
    "compile_sort_description": 0,
}
"""What holds for all questions: a server is told with each, the embedded engine starts with them, since naming one takes it 10 us."""


class Engine:
    """One store's engine. Each thread gets a client of its own: a shared one would queue its queries."""

    def __init__(self, dsn: str, *, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self.store = parse_dsn(dsn)
        self.memory_bytes = memory_bytes
        self.courtesy = Courtesy()
        self._read_settings = READ_SETTINGS if self.embedded else {**HABITS, **READ_SETTINGS}
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    @property
    def embedded(self) -> bool:
        """Whether the engine is in this process."""
        return isinstance(self.store, Embedded)

    @property
    def segment_bytes(self) -> int:
        """How much one load may bring: it takes the embedded engine up to seven times as much memory."""
        most_bytes = max(SEGMENT_BYTES.values())
        return min(most_bytes, self.memory_bytes // 11) if self.embedded else most_bytes

    @property
    def most_bound(self) -> int:
        """How many numbers one question may be given."""
        return MOST_BOUND if self.embedded else MOST_SENT

    @property
    def client(self) -> Client:
        """The calling thread's client."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = _to_server(self.store) if isinstance(self.store, Server) else self._to_embedded(self.store)
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _to_embedded(self, store: Embedded) -> Client:
        with self._lock:
            Path(store.path).mkdir(parents=True, exist_ok=True)
            return clickhouse_connect.get_client(
                interface="chdb",
                path=store.path,
                chdb_options={
                    "max_server_memory_usage": self.memory_bytes,
                    "mark_cache_size": self.memory_bytes // 12,
                    "index_mark_cache_size": self.memory_bytes // 40,
                    # The filters of 15 million spans by trace id: a look-up reads all of them.
                    "index_uncompressed_cache_size": self.memory_bytes // 28,
                    # Each may take more than there is by itself, and gives nothing back where a query needs it.
                    "text_index_tokens_cache_size": self.memory_bytes // 40,
                    "text_index_header_cache_size": self.memory_bytes // 40,
                    "text_index_postings_cache_size": self.memory_bytes // 40,
                    "query_condition_cache_size": self.memory_bytes // 40,
                    "compiled_expression_cache_size": self.memory_bytes // 40,
                    "uncompressed_cache_size": 0,
                    "mmap_cache_size": 0,
                    # Two merges at a time, where four would be: each of wide rows takes as much memory as a load.
                    "background_merges_mutations_concurrency_ratio": 1,
                    **HABITS,
                },
            )

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        self.courtesy.give_way()
        try:
            return question()
        except (ClickHouseError, HTTPError) as error:
            self._renew()
            raise refusal(self.store, error) from error

    def _renew(self) -> None:
        """Give the thread another handle, because the embedded engine keeps what a failed query had answered so far.

        The next query on the same handle would get it in front of its own answer (chdb-core 26.9).
        """
        old: Client | None = getattr(self._local, "client", None)
        if old is None or not isinstance(self.store, Embedded) or old not in self._clients:
            return
        self._local.client = None
        with contextlib.suppress(ClickHouseError):
            # Before the old one is closed: the engine would stop with its last handle.
            _ = self.client
        with self._lock:
            self._clients = [client for client in self._clients if client is not old]
        old.close()

    def prepare(self) -> None:
        """Make the database on a server that lacks it; the embedded engine needs nothing.

        Raises:
            EngineError: the server is too old, or refuses.
        """
        if not isinstance(self.store, Server):
            return
        store = self.store
        client = self._ask(lambda: _to_server(store, database=False))
        try:
            version = str(client.server_version)
            if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
                raise EngineError(
                    f"ClickHouse at {store.shown} is {version}; coldtrail needs {OLDEST_SERVER[0]}.{OLDEST_SERVER[1]} or newer"
                )
            known = self._ask(lambda: client.query("SELECT name FROM system.databases").result_rows)
            if store.database not in [row[0] for row in known]:
                self._ask(lambda: client.command(f"CREATE DATABASE IF NOT EXISTS `{store.database}`"))
        finally:
            client.close()

    def command(self, statement: str, settings: dict[str, Any] | None = None) -> None:
        """Run a statement that answers nothing.

        Raises:
            EngineError: the engine refused it.
        """
        self._ask(lambda: self.client.command(_stated(statement, settings or {})))

    def rows(
        self,
        query: str,
        parameters: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        *,
        raw_bytes: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Return a query's rows; ``parameters`` are bound by the engine (`{name:Type}`).

        ``raw_bytes``: strings come as the bytes they are; otherwise they must be UTF-8. Times with fractions then come as the
        numbers they are kept as, Unix nanoseconds.

        Raises:
            EngineError: the engine refused it.
        """
        result = self._ask(
            lambda: self.client.query(
                query,
                parameters=parameters or {},
                settings={**self._read_settings, **(settings or {})},
                query_formats={"String": "bytes", "DateTime64*": "int"} if raw_bytes else {},
            )
        )
        return [tuple(row) for row in result.result_rows]

    def row_binary(self, query: str, parameters: dict[str, Any]) -> bytes:
        """Return a query's rows as ClickHouse's RowBinary: for arrays of numbers, of which each would cost a Python object.

        Raises:
            EngineError: the engine refused it.
        """
        stated = _stated(query, {**self._read_settings, "max_result_rows": 0})
        return self._ask(lambda: bytes(self.client.raw_query(stated, parameters=parameters, fmt="RowBinary")))

    def insert(self, table: str, rows: list[list[Any]], columns: list[str]) -> None:
        """Insert a few rows of our own making; times with fractions are text, as `2026-11-21 08:00:00.123456789`.

        As JSON: the client's own way for rows loads pandas, a second of CPU and 60 MB for nothing.

        Raises:
            EngineError: the engine refused them.
        """
        body = b"\n".join(msgspec.json.encode(row) for row in rows)
        self._ask(
            lambda: self.client.raw_insert(table, column_names=columns, insert_block=body, fmt="JSONCompactEachRow")
        )

    def load(self, statement: str, signal: Signal, segment: Path, received_s: int, token: str) -> None:
        """Run one of `loading.statements.LOAD` over a segment; a token that was seen before adds nothing.

        Raises:
            EngineError: nothing of the segment was added by this statement.
        """
        shape: Shape = "emitters" if statement == EMITTERS else signal
        settings = {**LOAD_SETTINGS, **self._format_schema(shape), "insert_deduplication_token": token}
        structure = _quoted(STRUCTURE[shape])
        if self.embedded:
            source = f"file({_quoted(str(segment))}, 'Protobuf', {structure})"
            stated = _stated(statement.format(source=source, received=received_s), settings)
            self._ask(lambda: self.client.command(stated))
        else:
            insert = statement.format(source=f"input({structure})", received=received_s)
            body = _statement_and_data(f"{insert}\nFORMAT Protobuf\n", segment)
            self._ask(lambda: self.client.raw_insert("", insert_block=body, settings=settings))

    def _format_schema(self, shape: Shape) -> dict[str, Any]:
        """Inline on a server; the embedded engine would cache an inline one in the working folder, so it gets a file."""
        if isinstance(self.store, Server):
            inline = {"format_schema_source": "string", "format_schema_message_name": "Request"}
            return {**inline, "format_schema": FORMAT_SCHEMA[shape]}
        path = Path(self.store.path).with_name("format_schemas") / f"{shape}.proto"
        if not path.exists() or path.read_text() != FORMAT_SCHEMA[shape]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FORMAT_SCHEMA[shape])
        return {"format_schema": f"{path}:Request"}

    def spare_memory(self) -> None:
        """Have the embedded engine's allocator return what is free, where the process has a quarter more than the engine may use.

        It keeps that for 5 s otherwise: at full speed loads took 500 MB more than they used. Were it kept for 100 ms, they would cost
        7 % more CPU (`man jemalloc`, "opt.dirty_decay_ms"; ClickHouse documentation, "SYSTEM JEMALLOC PURGE").

        Raises:
            EngineError: the engine refused it.
        """
        if self.embedded and _resident_bytes() > self.memory_bytes * 5 // 4:
            self.command("SYSTEM JEMALLOC PURGE")

    def close(self) -> None:
        """Close every thread's client; the embedded engine stops with the last."""
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients.clear()
        self._local = threading.local()


def _to_server(store: Server, *, database: bool = True) -> Client:
    """Return a client of a server. Sessions would tie it to one replica behind a balancer, so it has none."""
    return clickhouse_connect.get_client(
        host=store.host,
        port=store.port,
        username=store.user,
        password=store.password,
        database=store.database if database else None,
        interface="https" if store.secure else "http",
        verify=store.verify,
        ca_cert=store.ca_cert or None,
        connect_timeout=CONNECT_S,
        send_receive_timeout=ANSWER_S,
        autogenerate_session_id=False,
        client_name="coldtrail",
    )


def _statement_and_data(statement: str, segment: Path) -> Generator[bytes, None, None]:
    """The body of an insert: read as it is sent, so a segment is never in memory as a whole."""
    yield statement.encode()
    with segment.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _resident_bytes() -> int:
    """What this process has in memory; 0 where the system does not tell as Linux does (`man proc`, `/proc/pid/statm`)."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _stated(statement: str, settings: dict[str, Any]) -> str:
    """Return a statement with its settings: the client would set each by a query of its own before, and back after."""
    if not settings:
        return statement
    told = ", ".join(
        f"{name} = {_quoted(value) if isinstance(value, str) else value}" for name, value in settings.items()
    )
    return f"{statement}\nSETTINGS {told}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

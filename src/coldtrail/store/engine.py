"""The engine behind the store: ClickHouse, in this process or on a server, spoken to by one client library.

`chdb:///path` is the embedded engine, `clickhouse://user:password@host:port/database` a server. Both run
the same schema and the same queries; only how a segment reaches an insert differs.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from coldtrail.model.signals import Signal
from coldtrail.store.otlp_format import FORMAT_SCHEMA, STRUCTURE

DEFAULT_MEMORY_BYTES = 900_000_000
"""What the embedded engine may use; with Python beside it, a 2 GiB container has room to spare."""

LOAD_SETTINGS: dict[str, Any] = {
    # One thread: fewer CPU seconds a span, and the same blocks in the same order when a load is repeated.
    "max_threads": 1,
    "max_insert_threads": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "insert_deduplicate": 1,
    "max_partitions_per_insert_block": 0,
}

READ_SETTINGS: dict[str, Any] = {
    "max_threads": 2,
    "max_execution_time": 30,
    "max_result_rows": 2_000_000,
    "allow_prefetched_read_pool_for_local_filesystem": 0,
    "join_use_nulls": 0,
}


class EngineError(Exception):
    """The engine refused a statement; ``code`` is ClickHouse's number, 0 where it gave none."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = _code(message)


def _code(message: str) -> int:
    _, found, rest = message.partition("Code: ")
    digits = rest.split(".")[0].strip() if found else ""
    return int(digits) if digits.isdigit() else 0


class Engine:
    """One store's engine. Each thread gets a client of its own: a shared one would queue its queries."""

    def __init__(self, dsn: str, *, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self.dsn = dsn
        self.memory_bytes = memory_bytes
        self.embedded = dsn.startswith("chdb:")
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    @property
    def client(self) -> Client:
        """The calling thread's client."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._connect()
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _connect(self) -> Client:
        with self._lock:
            if not self.embedded:
                return clickhouse_connect.get_client(dsn=self.dsn.replace("clickhouse://", "http://", 1))
            path = Path(urlsplit(self.dsn).path)
            path.mkdir(parents=True, exist_ok=True)
            return clickhouse_connect.get_client(
                interface="chdb",
                path=str(path),
                chdb_options={
                    "max_server_memory_usage": self.memory_bytes,
                    "mark_cache_size": self.memory_bytes // 12,
                    "index_mark_cache_size": self.memory_bytes // 40,
                    "uncompressed_cache_size": 0,
                    "mmap_cache_size": 0,
                },
            )

    def command(self, statement: str, settings: dict[str, Any] | None = None) -> None:
        """Run a statement that answers nothing.

        Raises:
            EngineError: the engine refused it.
        """
        try:
            self.client.command(statement, settings=settings)
        except ClickHouseError as error:
            raise EngineError(str(error)) from error

    def rows(
        self,
        query: str,
        parameters: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        *,
        raw_bytes: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Return a query's rows; ``parameters`` are bound by the engine (`{name:Type}`).

        ``raw_bytes``: strings come as the bytes they are; otherwise they must be UTF-8.

        Raises:
            EngineError: the engine refused it.
        """
        try:
            result = self.client.query(
                query,
                parameters=parameters or {},
                settings={**READ_SETTINGS, **(settings or {})},
                query_formats={"String": "bytes"} if raw_bytes else {},
            )
        except ClickHouseError as error:
            raise EngineError(str(error)) from error
        return [tuple(row) for row in result.result_rows]

    def insert(self, table: str, rows: list[list[Any]], columns: list[str]) -> None:
        """Insert a few rows of our own making.

        Raises:
            EngineError: the engine refused them.
        """
        try:
            self.client.insert(table, rows, column_names=columns)
        except ClickHouseError as error:
            raise EngineError(str(error)) from error

    def load(self, statement: str, signal: Signal, segment: Path, received_s: int, token: str) -> None:
        """Run one of `load_sql.LOAD` over a segment; a token that was seen before adds nothing.

        Raises:
            EngineError: nothing of the segment was added by this statement.
        """
        settings = {**LOAD_SETTINGS, **self._format_schema(signal), "insert_deduplication_token": token}
        structure = STRUCTURE[signal].replace("'", "\\'")
        try:
            if self.embedded:
                source = f"file('{segment}', 'Protobuf', '{structure}')"
                self.client.command(statement.format(source=source, received=received_s), settings=settings)
            else:
                insert = statement.format(source=f"input('{structure}')", received=received_s) + "\nFORMAT Protobuf"
                self.client.command(insert, data=segment.read_bytes(), settings=settings)
        except ClickHouseError as error:
            raise EngineError(str(error)) from error

    def _format_schema(self, signal: Signal) -> dict[str, Any]:
        """Inline on a server; the embedded engine would cache an inline one in the working folder, so it gets a file."""
        if not self.embedded:
            inline = {"format_schema_source": "string", "format_schema_message_name": "Request"}
            return {**inline, "format_schema": FORMAT_SCHEMA[signal]}
        path = Path(urlsplit(self.dsn).path).with_name("format_schemas") / f"{signal}.proto"
        if not path.exists() or path.read_text() != FORMAT_SCHEMA[signal]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FORMAT_SCHEMA[signal])
        return {"format_schema": f"{path}:Request"}

    def close(self) -> None:
        """Close every thread's client; the embedded engine stops with the last."""
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients.clear()
        self._local = threading.local()

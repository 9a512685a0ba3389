"""A test double of a ClickHouse server: the same engine (chdb-core) behind ClickHouse's HTTP interface.

No ClickHouse server package can be installed where these tests run. So this process holds the embedded
engine and speaks to it as clickhouse-connect speaks to a server: statement and settings in the address, data in the
body (any input format, `Content-Encoding`, chunked), bound `param_*` values in the address or a form, answers in
the asked format, errors with `X-ClickHouse-Exception-Code`, `/ping`, a user and a password.

What it is not: it has one process, no replicas, no quotas, no sessions, no progress headers; it answers errors with
500 (a server also uses 400 and 404); `client_protocol_version` is ignored, so the client falls back to Native without
it; and the engine here has no `input()`, so that is read as `file()` of the body, with the same rule that a statement
may use it once. What passes here has been decided by ClickHouse's own SQL, storage and formats, not by its network code.

Source: ClickHouse documentation, "HTTP Interface", "input Table Function".

Run it: `python server.py --data DIR [--port P] [--password P]`; it prints one line of JSON with its port.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import json
import os
import re
import socket
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame
import zstandard

NOT_SETTINGS = {
    "query", "database", "default_format", "user", "password", "query_id", "session_id", "session_timeout", "session_check",
    "quota_key", "role", "compress", "decompress", "buffer_size", "wait_end_of_query", "stacktrace", "close_session",
    "client_protocol_version", "enable_http_compression", "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close",
}  # fmt: skip
ANSWERED_IN = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
DATA_AFTER = re.compile(rb"\bFORMAT[ \t]+(\w+)[ \t]*(?:\r?\n|$)", re.IGNORECASE)
INPUT = re.compile(rb"\binput\s*\(\s*('(?:[^'\\]|\\.|'')*')\s*\)", re.IGNORECASE | re.DOTALL)
AUTHENTICATION_FAILED, INVALID_USAGE_OF_INPUT = 516, 477


class Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {message}")


class Engine:
    """One engine; every request gets a handle of its own, so that settings end with it."""

    def __init__(self, data: Path, memory_bytes: int) -> None:
        self.address = f"{data}?max_server_memory_usage={memory_bytes}&mark_cache_size={memory_bytes // 12}&uncompressed_cache_size=0"
        self.kept_open = chdb.connect(self.address)

    def run(self, statement: bytes, settings: dict[str, str], params: dict[str, str], database: str, default_format: str) -> tuple[bytes, str]:
        """Return the answer and the format that it is in; "" where the statement has none."""
        handle = chdb.connect(self.address)
        try:
            if database:
                handle.query(f"USE {named(database)}")
            if settings:
                handle.query("SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items()))
            asked = ANSWERED_IN.search(statement)
            body = handle.query(statement, default_format, params=params).bytes() or b""
            return body, asked[1].decode() if asked else default_format if body else ""
        finally:
            handle.close()


def named(identifier: str) -> str:
    return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@contextlib.contextmanager
def as_file(data: bytes) -> Iterator[str]:
    with tempfile.NamedTemporaryFile(dir=Path.cwd(), suffix=".body") as file:
        file.write(data)
        file.flush()
        yield file.name


def split(statement: bytes) -> tuple[bytes, str, bytes]:
    """Return the statement, the format of the data that follows it ("" for none) and the data."""
    if re.match(rb"\s*INSERT\b", statement, re.IGNORECASE):
        found = DATA_AFTER.search(statement)
        if found:
            return statement[: found.start()], found[1].decode(), statement[found.end() :]
    return statement, "", b""


def inflate(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    if encoding == "lz4":
        return lz4.frame.decompress(body)
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    raise Refused(1, f"this double does not inflate {encoding}")


def form(body: bytes, kind: str) -> dict[str, str]:
    """The fields of a multipart form; clickhouse-connect sends one where an address would be too long."""
    boundary = b"--" + kind.split("boundary=")[1].strip('"').encode()
    fields = {}
    for part in body.split(boundary)[1:-1]:
        head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if name:
            fields[name[1].decode()] = value.decode("utf-8", "surrogateescape")
    return fields


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.handle_request()

    def do_POST(self) -> None:
        self.handle_request()

    def handle_request(self) -> None:
        body = self.read_body()
        if body is None:
            self.close_connection = True
            return
        address = urlsplit(self.path)
        if address.path == "/ping":
            self.answer(200, b"Ok.\n", {})
            return
        try:
            fields = dict(parse_qsl(address.query, keep_blank_values=True, errors="surrogateescape"))
            self.authenticate()
            kind = self.headers.get("content-type", "")
            if kind.startswith("multipart/form-data"):
                fields |= form(body, kind)
                body = b""
            answered, named = self.execute(fields, inflate(body, self.headers.get("content-encoding", "")))
        except Exception as error:  # noqa: BLE001 - every fault is answered, as a server would
            message = str(error)
            code = re.search(r"Code: (\d+)", message)
            headers = {"X-ClickHouse-Exception-Code": code[1] if code else "1001"}
            self.answer(403 if code and int(code[1]) == AUTHENTICATION_FAILED else 500, message.encode("utf-8", "replace") + b"\n", headers)
            return
        headers = {"X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Summary": json.dumps({"read_rows": "0", "written_rows": "0"})}
        headers |= {"X-ClickHouse-Format": named} if named else {}
        if fields.get("enable_http_compression") == "1" and "zstd" in self.headers.get("accept-encoding", "") and answered:
            answered = zstandard.ZstdCompressor(level=1).compress(answered)
            headers["Content-Encoding"] = "zstd"
        self.answer(200, answered, headers)

    def execute(self, fields: dict[str, str], body: bytes) -> tuple[bytes, str]:
        query = fields.get("query", "").encode("utf-8", "surrogateescape")
        statement, data_format, data = split(query + (b"\n" if query and body else b"") + body)
        settings = {name: value for name, value in fields.items() if name not in NOT_SETTINGS and not name.startswith("param_")}
        params = {name[6:]: value for name, value in fields.items() if name.startswith("param_")}
        last = (settings, params, fields.get("database", ""), fields.get("default_format", "TabSeparated"))
        if not data_format:
            return self.server.engine.run(statement, *last)
        used = len(INPUT.findall(statement))
        if used > 1:
            raise Refused(INVALID_USAGE_OF_INPUT, "You can use the `input` function only once in a query. (INVALID_USAGE_OF_INPUT)")
        with as_file(data) as path:
            if used:
                read = f"file({quoted(path)}, {quoted(data_format)}, ".encode()
                return self.server.engine.run(INPUT.sub(lambda found: read + found[1] + b")", statement), *last)
            return self.server.engine.run(statement + f" FROM INFILE {quoted(path)} FORMAT {data_format}".encode(), *last)

    def authenticate(self) -> None:
        kind, _, given = self.headers.get("authorization", "").partition(" ")
        user, _, password = base64.b64decode(given).decode().partition(":") if kind == "Basic" else ("default", "", "")
        if (user, password) != (self.server.user, self.server.password):
            raise Refused(AUTHENTICATION_FAILED, f"{user}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)")

    def read_body(self) -> bytes | None:
        """The whole body, or None where the sender went away in the middle of it: nothing of it is run."""
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            return body if len(body) == length else None
        parts = []
        while True:
            size_line = self.rfile.readline()
            if not size_line.endswith(b"\r\n"):
                return None
            size = int(size_line.split(b";")[0], 16)
            part = self.rfile.read(size + 2)
            if len(part) != size + 2:
                return None
            if not size:
                return b"".join(parts)
            parts.append(part[:-2])

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"X-ClickHouse-Server-Display-Name": "double", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.end_headers()
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, engine: Engine, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine, self.user, self.password = engine, user, password

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed in the middle of a request is part of the tests."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="default")
    parser.add_argument("--password", default="")
    parser.add_argument("--memory-bytes", type=int, default=900_000_000)
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does, as it does when the parent dies")
    arguments = parser.parse_args()
    arguments.data.mkdir(parents=True, exist_ok=True)
    os.chdir(arguments.data)
    server = Server(arguments.port, Engine(arguments.data.resolve() / "store", arguments.memory_bytes), arguments.user, arguments.password)
    print(json.dumps({"port": server.server_port}), flush=True)
    if arguments.until_eof:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()

"""The road from functions to AWS: every call of a function passes here on its way to moto.

It slows DynamoDB down while the fault `slow-table` is on, and writes down as truth which invocation sent which
message. Who calls is told by the SDK's app id, which AWS SDKs append to their User-Agent; a sandbox runs one
invocation at a time. Source: AWS SDKs and Tools Reference Guide, "Application ID" (`AWS_SDK_UA_APP_ID`).
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_plus

from coldtrail_lab.call_meters import meter_call
from coldtrail_lab.faults import Faults
from coldtrail_lab.meters import Meters
from coldtrail_lab.truth import Thing, Truth, subject_of

SLOW_TABLE_S = 0.4
REFUSALS = {
    "access-denied": (
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/lab is not authorized to perform: dynamodb:Query",
    ),
    "throttled-table": (
        "ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded",
    ),
}
"""Source: Amazon DynamoDB Developer Guide, "Error handling with DynamoDB"."""
_APP_ID = re.compile(r"\bapp/([\w.-]+)")
_XML_MESSAGE_ID = re.compile(rb"<MessageId>([^<]+)</MessageId>")
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "server", "date", "keep-alive"}


class AwsRoad:
    """An HTTP relay to moto's port.

    ``running``: app id of a sandbox to the invocation that it runs. ``on_execution``: told the ARN and input of every
    execution that was started; ``on_event``: the id and the entry of every event that a bus has taken.
    """

    def __init__(self, target_port: int, faults: Faults, truth: Truth, meters: Meters) -> None:
        self._target_port = target_port
        self._faults = faults
        self._truth = truth
        self._meters = meters
        self._writes: dict[str, list[tuple[dict[str, Any], Thing, int]]] = {}
        self._lock = threading.Lock()
        self.running: dict[str, Thing] = {}
        self.on_execution: Callable[[str, str], None] = lambda arn, text: None
        self.on_event: Callable[[str, dict[str, Any]], None] = lambda event_id, entry: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def writer_of(self, table: str, keys: dict[str, Any]) -> tuple[Thing, int] | None:
        """Return who wrote the oldest change of an item (DynamoDB JSON keys) that was not asked for before, and when."""
        with self._lock:
            writes = self._writes.get(table, [])
            for place, (item, cause, at_ns) in enumerate(writes):
                if all(item.get(name) == value for name, value in keys.items()):
                    del writes[place]
                    return cause, at_ns
        return None

    def _passed(self, action: str, agent: str, request: bytes, answer: bytes) -> None:
        """Write down what a call that succeeded has sent."""
        if action == "StartExecution":
            self.on_execution(str(json.loads(answer)["executionArn"]), json.loads(request).get("input") or "{}")
        app = _APP_ID.search(agent)
        cause = self.running.get(app[1]) if app else None
        if cause is not None:
            self._says_what_was_sent(cause, action, request, answer)
        if action == "PutEvents":
            for entry, put in _events(request, answer):
                self.on_event(put, entry)

    def _says_what_was_sent(self, cause: Thing, action: str, request: bytes, answer: bytes) -> None:
        for service, message_id, text in _sent(action, request, answer):
            effect = {"type": "message", "service": service, "id": message_id}
            self._truth.says("sends", cause, effect, subject=subject_of(text))
        if action == "StartExecution":
            arn = str(json.loads(answer)["executionArn"])
            self._truth.says("calls", cause, {"type": "execution", "id": arn}, subject=subject_of(request.decode()))

    def _writes_item(self, agent: str, request: bytes) -> None:
        """Note a write before it is made: the table's stream may be read before the answer is."""
        app = _APP_ID.search(agent)
        cause = self.running.get(app[1]) if app else None
        if cause is not None:
            document = json.loads(request)
            write = (document["Item"], cause, time.time_ns())
            with self._lock:
                self._writes.setdefault(document["TableName"].rsplit("/", 1)[-1], []).append(write)

    def _refusal(self, target: str) -> bytes:
        """What DynamoDB answers to a query that it refuses, b"" where it does not."""
        if not (target.startswith("DynamoDB_") and target.endswith(".Query")):
            return b""
        for fault, (error, message) in REFUSALS.items():
            if self._faults.hits(fault, str(uuid.uuid4())):
                return json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{error}", "message": message}).encode()
        return b""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        road = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                self._upstream = http.client.HTTPConnection("127.0.0.1", road._target_port, timeout=60)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                """All protocols that the lab's functions use are POST."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                target = self.headers.get("X-Amz-Target", "")
                if target.startswith("DynamoDB") and road._faults.share("slow-table"):
                    time.sleep(SLOW_TABLE_S)
                if target.endswith(".PutItem"):
                    road._writes_item(self.headers.get("User-Agent", ""), body)
                if refusal := road._refusal(target):
                    self._answer(400, [("Content-Type", "application/x-amz-json-1.0")], refusal)
                    return
                began = time.monotonic()
                self._upstream.request("POST", self.path, body, dict(self.headers.items()))
                answer = self._upstream.getresponse()
                data = answer.read()
                if answer.status == 200:
                    action = target.rpartition(".")[2] or _query_action(body)
                    meter_call(road._meters, action, body, data, (time.monotonic() - began) * 1e3)
                    road._passed(action, self.headers.get("User-Agent", ""), body, data)
                self._answer(answer.status, answer.getheaders(), data)

            def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                with contextlib.suppress(OSError):
                    self.end_headers()
                    self.wfile.write(data)

            def finish(self) -> None:
                self._upstream.close()
                with contextlib.suppress(OSError):
                    super().finish()

        return Handler


def _events(request: bytes, answer: bytes) -> list[tuple[dict[str, Any], str]]:
    """The entries that a bus has taken, each with its event's id."""
    asked, put = json.loads(request)["Entries"], json.loads(answer)["Entries"]
    return [(entry, str(one["EventId"])) for entry, one in zip(asked, put, strict=True) if one.get("EventId")]


def _query_action(body: bytes) -> str:
    found = re.search(rb"(?:^|&)Action=(\w+)", body)
    return found[1].decode() if found else ""


def _sent(action: str, request: bytes, answer: bytes) -> list[tuple[str, str, str]]:
    """Return (service, message id, text of the payload) of everything that a call has sent."""
    if action == "SendMessage":
        return [("sqs", str(json.loads(answer)["MessageId"]), request.decode())]
    if action == "PutRecord":
        data = base64.b64decode(json.loads(request)["Data"]).decode("utf-8", "replace")
        return [("kinesis", str(json.loads(answer)["SequenceNumber"]), data)]
    if action == "PutEvents":
        return [("eventbridge", event_id, entry["Detail"]) for entry, event_id in _events(request, answer)]
    if action == "Publish" and (found := _XML_MESSAGE_ID.search(answer)):
        return [("sns", found[1].decode(), unquote_plus(request.decode()))]
    return []

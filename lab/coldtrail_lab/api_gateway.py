"""An HTTP front that does what an API Gateway REST API does: proxy events, trace header, JSON access log, segment.

Sources: Amazon API Gateway Developer Guide, "Set up Lambda proxy integrations in API Gateway", "Variables for access
logging" (`$context.integration.requestId`: for a Lambda proxy integration the id of the invocation).
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from coldtrail_lab.function import Function, Throttled
from coldtrail_lab.log_delivery import ACCOUNT
from coldtrail_lab.stage import Stage
from coldtrail_lab.truth import subject_of

STAGE = "prod"
_STATUS = {"ok": 200, "error": 502, "timeout": 504, "out_of_memory": 502, "exit": 502}


class ApiGateway:
    """Serves ``routes``: (method, resource) to function."""

    def __init__(self, name: str, routes: dict[tuple[str, str], Function], stage: Stage) -> None:
        self.name = name
        self.routes = routes
        self._logs = stage.logs
        self._xray = stage.xray
        self._truth = stage.truth
        self._meters = stage.meters
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/{STAGE}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def handle(self, method: str, target: str, body: str, headers: dict[str, str], caller: str) -> tuple[int, str, str]:
        """Return status, body and request id of one call."""
        parts = urlsplit(target)
        resource = parts.path.removeprefix(f"/{STAGE}")
        function = self.routes.get((method, resource))
        request_id = str(uuid.uuid4())
        if function is None:
            return 403, '{"message":"Missing Authentication Token"}', request_id
        root, segment = f"1-{int(time.time()):08x}-{os.urandom(12).hex()}", os.urandom(8).hex()
        header = f"Root={root};Parent={segment};Sampled=1"
        event = self._event(method, resource, dict(parse_qsl(parts.query)), body, headers, request_id, header, caller)
        invocation_id = str(uuid.uuid4())
        started = time.time()
        try:
            result = function.invoke(event, trace_header=header, request_id=invocation_id)
            self._says(request_id, root, function, invocation_id, headers, body)
            status = _STATUS[result.status]
            answer = result.payload if status == 200 and isinstance(result.payload, dict) else {}
            status = int(answer.get("statusCode", status))
            text = str(answer.get("body", '{"message": "Internal server error"}'))
        except Throttled:
            status, text = 429, '{"message": "Too Many Requests"}'
        ended = time.time()
        self._log(request_id, invocation_id, method, resource, status, ended - started, root, caller)
        self._segment(root, segment, request_id, method, resource, status, started, ended)
        self._count(status, (ended - started) * 1e3)
        return status, text, request_id

    def _count(self, status: int, took_ms: float) -> None:
        """Source: Amazon API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics"."""
        about = {"ApiName": self.name, "Stage": STAGE}
        self._meters.add("AWS/ApiGateway", "Count", 1.0, "Count", **about)
        self._meters.add("AWS/ApiGateway", "4XXError", float(400 <= status < 500), **about)
        self._meters.add("AWS/ApiGateway", "5XXError", float(status >= 500), **about)
        self._meters.add("AWS/ApiGateway", "Latency", took_ms, "Milliseconds", **about)
        self._meters.add("AWS/ApiGateway", "IntegrationLatency", took_ms, "Milliseconds", **about)

    def _says(
        self, request_id: str, root: str, function: Function, invocation_id: str, headers: dict[str, str], body: str
    ) -> None:
        self._truth.says(
            "calls",
            {"type": "request", "service": self.name, "id": request_id, "xray_trace_id": root},
            {"type": "invocation", "function": function.name, "id": invocation_id},
            user=headers.get("x-user-id", ""),
            subject=subject_of(body),
        )

    def _event(
        self,
        method: str,
        resource: str,
        query: dict[str, str],
        body: str,
        headers: dict[str, str],
        request_id: str,
        trace_header: str,
        caller: str,
    ) -> dict[str, Any]:
        return {
            "resource": resource,
            "path": resource,
            "httpMethod": method,
            "headers": {**headers, "X-Amzn-Trace-Id": trace_header, "Host": "api.example.com"},
            "multiValueHeaders": {},
            "queryStringParameters": query or None,
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "stageVariables": None,
            "requestContext": {
                "accountId": ACCOUNT,
                "resourceId": "us4z18",
                "stage": STAGE,
                "requestId": request_id,
                "identity": {"sourceIp": caller, "userAgent": headers.get("user-agent", "")},
                "resourcePath": resource,
                "httpMethod": method,
                "apiId": "wt6mne2s9k",
            },
            "body": body or None,
            "isBase64Encoded": False,
        }

    def _log(
        self,
        request_id: str,
        invocation_id: str,
        method: str,
        resource: str,
        status: int,
        took_s: float,
        root: str,
        caller: str,
    ) -> None:
        line = {
            "requestId": request_id,
            "integrationRequestId": invocation_id,
            "ip": caller,
            "httpMethod": method,
            "resourcePath": resource,
            "status": status,
            "responseLatency": round(took_s * 1e3),
            "integrationLatency": round(took_s * 1e3),
            "xrayTraceId": root,
        }
        self._logs.put(f"/aws/apigateway/{self.name}", "access", json.dumps(line))

    def _segment(
        self,
        root: str,
        segment: str,
        request_id: str,
        method: str,
        resource: str,
        status: int,
        start_s: float,
        end_s: float,
    ) -> None:
        url = f"https://api.example.com/{STAGE}{resource}"
        document = {
            "trace_id": root,
            "id": segment,
            "name": self.name,
            "origin": "AWS::ApiGateway::Stage",
            "start_time": start_s,
            "end_time": end_s,
            "http": {"request": {"method": method, "url": url}, "response": {"status": status}},
            "aws": {"api_gateway": {"account_id": ACCOUNT, "stage": STAGE, "request_id": request_id}},
            "annotations": {"http_route": resource},
        }
        if status >= 500:
            document["fault"] = True
        elif status >= 400:
            document["error"] = True
        self._xray.send(document)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                """Any GET route."""
                self._serve("GET", "")

            def do_POST(self) -> None:
                """Any POST route."""
                self._serve("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

            def _serve(self, method: str, body: str) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, text, request_id = gateway.handle(method, self.path, body, headers, self.client_address[0])
                encoded = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("x-amzn-RequestId", request_id)
                self.send_header("Content-Length", str(len(encoded)))
                self.end_headers()
                self.wfile.write(encoded)

        return Handler

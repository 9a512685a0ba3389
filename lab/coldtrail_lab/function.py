"""A Lambda function: its configuration, its sandboxes, and the platform lines that Lambda writes around them."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coldtrail_lab import context as keeps
from coldtrail_lab.log_delivery import ACCOUNT, LogDelivery
from coldtrail_lab.runtime_api import Invocation
from coldtrail_lab.sandbox import Sandbox

REGION = "eu-central-1"
IDLE_S = 90.0
INIT_TIMEOUT_S = 30.0


class Throttled(Exception):
    """The function runs as many invocations as it may."""


@dataclass
class Result:
    """What became of an invocation; ``payload`` is the function's answer or error."""

    request_id: str
    status: str
    payload: Any
    cold_start: bool


@dataclass
class Function:
    """One function. ``tracing``: X-Ray active tracing is on, so the service sends its segments."""

    name: str
    code: Path
    logs: LogDelivery
    environment: dict[str, str]
    handler: str = "app.handler"
    memory_mb: int = 192
    timeout_s: float = 10.0
    concurrency: int = 3
    json_logs: bool = False
    tracing: Callable[..., None] | None = None
    limit: Callable[[], int | None] = lambda: None
    running: dict[str, dict[str, str]] = field(default_factory=dict)
    """App id of each sandbox to the invocation that it runs."""
    context: str = "own"
    layered: bool = True
    """False: its own instrumentation hands context on already, so the layer would say everything twice."""
    _idle: list[Sandbox] = field(default_factory=list)
    _running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def group(self) -> str:
        """The log group."""
        return f"/aws/lambda/{self.name}"

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    @property
    def _traced(self) -> bool:
        return self.tracing is not None and self.context in ("own", "all", "ids")

    def invoke(self, event: Any, *, trace_header: str = "", request_id: str = "") -> Result:
        """Run one event in a free sandbox or a new one.

        Raises:
            Throttled: as many invocations run as may.
        """
        with self._lock:
            if self._running >= (self.limit() or self.concurrency):
                raise Throttled(self.name)
            self._running += 1
            sandbox = self._idle.pop() if self._idle else None
        try:
            return self._run(sandbox, event, trace_header, request_id or str(uuid.uuid4()))
        finally:
            with self._lock:
                self._running -= 1

    def expire(self, *, all_: bool = False) -> None:
        """Remove sandboxes that were idle for long; all idle ones after a deployment."""
        with self._lock:
            old = [one for one in self._idle if all_ or time.monotonic() - one.last_used > IDLE_S]
            self._idle = [one for one in self._idle if one not in old]
        for sandbox in old:
            sandbox.close()

    def close(self) -> None:
        """End all idle sandboxes."""
        self.expire(all_=True)

    def _run(self, warm: Sandbox | None, event: Any, trace_header: str, request_id: str) -> Result:
        sandbox = warm or self._start()
        init_ms = None if warm else sandbox.wait_until_ready(INIT_TIMEOUT_S)
        segments = self._segments(trace_header)
        self._platform(sandbox, "start", {"requestId": request_id, "version": "$LATEST"})
        if not warm and init_ms is None:
            return self._init_failed(sandbox, request_id, segments)
        invocation = Invocation(
            request_id,
            json.dumps(event).encode(),
            int((time.time() + self.timeout_s) * 1e3),
            self.arn,
            segments["header"],
        )
        self.running[sandbox.app_id] = {"type": "invocation", "function": self.name, "id": request_id}
        started, started_s = time.monotonic(), time.time()
        status, payload = sandbox.invoke(invocation, self.timeout_s, self.memory_mb)
        duration_ms = (time.monotonic() - started) * 1e3
        used_mb = self.memory_mb if status == "out_of_memory" else max(1, sandbox.memory_mb())
        facts = {"duration_ms": duration_ms, "used_mb": used_mb, "init_ms": init_ms, "status": status, **segments}
        self._ended(sandbox, request_id, facts, payload)
        if self.tracing and self._traced:
            self.tracing(self, request_id, segments, started_s, duration_ms, status, payload, init_ms)
        return Result(request_id, status, payload, warm is None)

    def _start(self) -> Sandbox:
        holder: list[Sandbox] = []
        early: list[tuple[str, int]] = []

        def log(message: str, timestamp_ms: int) -> None:
            if holder:
                self._put(holder[0], message, timestamp_ms)
            else:
                early.append((message, timestamp_ms))

        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/tmp",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "lab",
            "AWS_SECRET_ACCESS_KEY": "lab",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": self.group,
            "AWS_LAMBDA_LOG_FORMAT": "JSON" if self.json_logs else "Text",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "TZ": ":UTC",
            **self.environment,
            **keeps.environment(self.context, self.handler),
        }
        layer = keeps.LAYER if "LAB_CONTEXT" in environment and self.layered else None
        handler = "lab_layer.handler" if layer else self.handler
        sandbox = Sandbox(handler, self.code, environment, log, layer)
        holder.append(sandbox)
        self._platform(sandbox, "initStart", {"runtimeVersion": "python:3.11.v66", "initializationType": "on-demand"})
        for message, timestamp_ms in early:
            log(message, timestamp_ms)
        return sandbox

    def _segments(self, trace_header: str) -> dict[str, str]:
        """The X-Ray ids of this invocation: the service's segment, the function's, and the header for the runtime."""
        handed_on = trace_header if self.context in ("own", "all") else ""
        parts = dict(part.split("=", 1) for part in handed_on.split(";") if "=" in part)
        root = parts.get("Root") or f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
        ids = {
            "root": root,
            "parent": parts.get("Parent", ""),
            "service": os.urandom(8).hex(),
            "segment": os.urandom(8).hex(),
        }
        sampled = "1" if self._traced else "0"
        return {**ids, "header": f"Root={root};Parent={ids['segment']};Sampled={sampled}"}

    def _init_failed(self, sandbox: Sandbox, request_id: str, segments: dict[str, str]) -> Result:
        error = sandbox.api.init_error or {"errorType": "Runtime.ExitError", "errorMessage": "the runtime exited"}
        facts = {"duration_ms": 1.0, "used_mb": 1, "init_ms": None, "status": "error", **segments}
        self._ended(sandbox, request_id, facts, error)
        return Result(request_id, "error", error, True)

    def _ended(self, sandbox: Sandbox, request_id: str, facts: dict[str, Any], payload: Any) -> None:
        """Write END and REPORT as Lambda does, and keep or end the sandbox."""
        status = facts["status"]
        if status == "timeout":
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
            self._put(sandbox, f"{stamp} {request_id} Task timed out after {self.timeout_s:.2f} seconds")
        self._platform(sandbox, "end", {"requestId": request_id})
        self._report(sandbox, request_id, facts, payload)
        if status in ("out_of_memory", "exit"):
            reason = "signal: killed" if status == "out_of_memory" else f"exit status {payload['status']}"
            kind = "Runtime.OutOfMemory" if status == "out_of_memory" else "Runtime.ExitError"
            self._put(sandbox, f"RequestId: {request_id} Error: Runtime exited with error: {reason}\n{kind}")
        if sandbox.process.poll() is None and sandbox.api.init_error is None:
            sandbox.freeze()
            with self._lock:
                self._idle.append(sandbox)
        else:
            sandbox.close()

    def _report(self, sandbox: Sandbox, request_id: str, facts: dict[str, Any], payload: Any) -> None:
        failed = {"ok": "", "timeout": "timeout"}.get(facts["status"], "error")
        kind = _error_type(facts["status"], payload)
        billed_ms = int(facts["duration_ms"] + (facts["init_ms"] or 0)) + 1
        if self.json_logs:
            metrics = {
                "durationMs": round(facts["duration_ms"], 3),
                "billedDurationMs": billed_ms,
                "memorySizeMB": self.memory_mb,
                "maxMemoryUsedMB": facts["used_mb"],
            }
            if facts["init_ms"] is not None:
                metrics["initDurationMs"] = round(facts["init_ms"], 3)
            record: dict[str, Any] = {"requestId": request_id, "metrics": metrics, "status": failed or "success"}
            if kind:
                record["errorType"] = kind
            if self._traced:
                header = f"Root={facts['root']};Parent={facts['service']};Sampled=1"
                record["tracing"] = {"type": "X-Amzn-Trace-Id", "value": header, "spanId": facts["segment"]}
            self._platform(sandbox, "report", record)
            return
        line = (
            f"REPORT RequestId: {request_id}\tDuration: {facts['duration_ms']:.2f} ms\tBilled Duration: {billed_ms} ms\t"
            f"Memory Size: {self.memory_mb} MB\tMax Memory Used: {facts['used_mb']} MB\t"
        )
        if facts["init_ms"] is not None:
            line += f"Init Duration: {facts['init_ms']:.2f} ms\t"
        if self._traced:
            line += f"\nXRAY TraceId: {facts['root']}\tSegmentId: {facts['service']}\tSampled: true\t"
        if failed:
            line += f"\nStatus: {failed}" + (f"\tError Type: {kind}" if kind else "")
        self._put(sandbox, line)

    def _platform(self, sandbox: Sandbox, event: str, record: dict[str, Any]) -> None:
        if self.json_logs:
            if event != "end":
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() // 10**6 % 1000:03d}Z"
                self._put(sandbox, json.dumps({"time": stamp, "type": f"platform.{event}", "record": record}))
        elif event == "initStart":
            self._put(
                sandbox, f"INIT_START Runtime Version: {record['runtimeVersion']}\tRuntime Version ARN: {self.arn}"
            )
        elif event == "start":
            self._put(sandbox, f"START RequestId: {record['requestId']} Version: $LATEST")
        elif event == "end":
            self._put(sandbox, f"END RequestId: {record['requestId']}")
        else:
            self._put(sandbox, json.dumps(record))

    def _put(self, sandbox: Sandbox, message: str, timestamp_ms: int | None = None) -> None:
        if self.context == "none":
            message = keeps.without_ids(message)
        self.logs.put(self.group, sandbox.stream, message, timestamp_ms)


def _error_type(status: str, payload: Any) -> str:
    if status == "out_of_memory":
        return "Runtime.OutOfMemory"
    if status == "exit":
        return "Runtime.ExitError"
    if status == "error" and isinstance(payload, dict):
        return str(payload.get("errorType", ""))
    return ""

"""A Lambda function: its configuration, its versions, its sandboxes, and what Lambda says of each invocation."""

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
from coldtrail_lab.log_delivery import ACCOUNT, REGION, LogDelivery
from coldtrail_lab.meters import Meters
from coldtrail_lab.platform_lines import ON_DEMAND, PROVISIONED, Facts, PlatformLines
from coldtrail_lab.runtime_api import Invocation
from coldtrail_lab.sandbox import Sandbox

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
    concurrency: int = 8
    """As many at a time as do not throttle the lab's traffic where the machine stands still for a second."""
    json_logs: bool = False
    tracing: Callable[..., None] | None = None
    limit: Callable[[], int | None] = lambda: None
    running: dict[str, dict[str, str]] = field(default_factory=dict)
    """App id of each sandbox to the invocation that it runs."""
    context: str = "own"
    layered: bool = True
    """False: its own instrumentation hands context on already, so the layer would say everything twice."""
    version: str = "$LATEST"
    alias: str = ""
    idle_s: float = IDLE_S
    """How long a sandbox that nobody needs is kept."""
    provisioned: int = 0
    """Sandboxes that are set up ahead of their first event and kept."""
    meters: Meters = field(default_factory=Meters)
    _idle: list[Sandbox] = field(default_factory=list)
    _running: int = 0
    _provisioned_running: int = 0
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
    def lines(self) -> PlatformLines:
        """Who writes Lambda's own lines."""
        return PlatformLines(self._put, self.arn, self.json_logs, self.memory_mb)

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
                self._count("Throttles")
                raise Throttled(self.name)
            self._running += 1
            sandbox = self._pick()
        self.meters.shift("AWS/Lambda", "ConcurrentExecutions", 1)
        try:
            return self._run(sandbox, event, trace_header, request_id or str(uuid.uuid4()))
        finally:
            self.meters.shift("AWS/Lambda", "ConcurrentExecutions", -1)
            with self._lock:
                self._running -= 1

    def deploy(self, version: str, *, provisioned: int = 0, **environment: str) -> None:
        """Replace the version that runs; return once the sandboxes that are kept ready for it are."""
        self.version, self.provisioned = version, provisioned
        self.environment |= environment
        self.expire(all_=True)
        for _ in range(provisioned):
            sandbox = self._start(PROVISIONED)
            init_ms = sandbox.wait_until_ready(INIT_TIMEOUT_S)
            if init_ms is None:
                self.lines.init_report(sandbox, (time.monotonic() - sandbox.started) * 1e3, "error")
                sandbox.close()
                continue
            self.lines.init_report(sandbox, init_ms, "success")
            sandbox.freeze()
            with self._lock:
                self._idle.append(sandbox)

    def _pick(self) -> Sandbox | None:
        """Take an idle sandbox, one that is kept ready before any other."""
        ready = next((one for one in self._idle if one.initialization == PROVISIONED), None)
        sandbox = ready or (self._idle[-1] if self._idle else None)
        if sandbox:
            self._idle.remove(sandbox)
        return sandbox

    def expire(self, *, all_: bool = False) -> None:
        """Remove sandboxes that were idle for long; all idle ones after a deployment."""
        with self._lock:
            old = [one for one in self._idle if all_ or self._is_old(one)]
            self._idle = [one for one in self._idle if one not in old]
        for sandbox in old:
            sandbox.close()

    def close(self) -> None:
        """End all idle sandboxes."""
        self.expire(all_=True)

    def _is_old(self, sandbox: Sandbox) -> bool:
        return sandbox.initialization != PROVISIONED and time.monotonic() - sandbox.last_used > self.idle_s

    def _run(self, warm: Sandbox | None, event: Any, trace_header: str, request_id: str) -> Result:
        sandbox = warm or self._start(ON_DEMAND)
        init_ms = None if warm else sandbox.wait_until_ready(INIT_TIMEOUT_S)
        segments = self._segments(trace_header)
        self.lines.start(sandbox, request_id, self.version)
        self._count_start(sandbox)
        if not warm and init_ms is None:
            return self._init_failed(sandbox, request_id, segments)
        invocation = Invocation(
            request_id,
            json.dumps(event).encode(),
            int((time.time() + self.timeout_s) * 1e3),
            f"{self.arn}:{self.alias}" if self.alias else self.arn,
            segments["header"],
        )
        self.running[sandbox.app_id] = {"type": "invocation", "function": self.name, "id": request_id}
        started, started_s = time.monotonic(), time.time()
        status, payload = sandbox.invoke(invocation, self.timeout_s, self.memory_mb)
        duration_ms = (time.monotonic() - started) * 1e3
        used_mb = self.memory_mb if status == "out_of_memory" else max(1, sandbox.memory_mb())
        self._ended(sandbox, self._facts(request_id, duration_ms, used_mb, init_ms, status, payload, segments), payload)
        if self.tracing and self._traced:
            self.tracing(self, request_id, segments, started_s, duration_ms, status, payload, init_ms)
        return Result(request_id, status, payload, warm is None)

    def _facts(
        self,
        request_id: str,
        duration_ms: float,
        used_mb: int,
        init_ms: float | None,
        status: str,
        payload: Any,
        segments: dict[str, str],
    ) -> Facts:
        traced = segments if self._traced else {}
        return Facts(request_id, duration_ms, used_mb, init_ms, status, _error_type(status, payload), traced)

    def _count(self, name: str, value: float = 1.0, unit: str = "Count", resource: str = "") -> None:
        more = {"Resource": resource} if resource else {}
        self.meters.add("AWS/Lambda", name, value, unit, FunctionName=self.name, **more)

    def _count_start(self, sandbox: Sandbox) -> None:
        """Source: AWS Lambda Developer Guide, "Types of metrics for Lambda functions"."""
        self._count("Invocations")
        self._count("ConcurrentExecutions", self._running)
        if self.provisioned:
            alias = f"{self.name}:{self.alias}"
            spills = sandbox.initialization != PROVISIONED
            with self._lock:
                self._provisioned_running += not spills
                used = self._provisioned_running
            kind = "SpilloverInvocations" if spills else "Invocations"
            self._count(f"ProvisionedConcurrency{kind}", resource=alias)
            self._count("ProvisionedConcurrentExecutions", used, resource=alias)
            self._count("ProvisionedConcurrencyUtilization", used / self.provisioned, "None", resource=alias)

    def _start(self, initialization: str) -> Sandbox:
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
            "AWS_LAMBDA_FUNCTION_VERSION": self.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": self.group,
            "AWS_LAMBDA_LOG_FORMAT": "JSON" if self.json_logs else "Text",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
            "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
            "TZ": ":UTC",
            **self.environment,
            **keeps.environment(self.context, self.handler),
        }
        layer = keeps.LAYER if "LAB_CONTEXT" in environment and self.layered else None
        handler = "lab_layer.handler" if layer else self.handler
        sandbox = Sandbox(handler, self.code, environment, log, layer)
        holder.append(sandbox)
        self.lines.init_start(sandbox)
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
        self._ended(sandbox, self._facts(request_id, 1.0, 1, None, "error", error, segments), error)
        return Result(request_id, "error", error, True)

    def _ended(self, sandbox: Sandbox, facts: Facts, payload: Any) -> None:
        """Write END and REPORT as Lambda does, and keep or end the sandbox."""
        request_id, status = facts.request_id, facts.status
        if status == "timeout":
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
            self._put(sandbox, f"{stamp} {request_id} Task timed out after {self.timeout_s:.2f} seconds")
        self.lines.end(sandbox, request_id)
        self.lines.report(sandbox, facts)
        if status in ("out_of_memory", "exit"):
            reason = "signal: killed" if status == "out_of_memory" else f"exit status {payload['status']}"
            kind = "Runtime.OutOfMemory" if status == "out_of_memory" else "Runtime.ExitError"
            self._put(sandbox, f"RequestId: {request_id} Error: Runtime exited with error: {reason}\n{kind}")
        self._count("Duration", facts.duration_ms, "Milliseconds")
        self._count("Errors", float(status != "ok"))
        self._give_back(sandbox)

    def _give_back(self, sandbox: Sandbox) -> None:
        of_this_version = sandbox.version == self.version
        with self._lock:
            self._provisioned_running -= bool(self.provisioned) and sandbox.initialization == PROVISIONED
        if of_this_version and sandbox.process.poll() is None and sandbox.api.init_error is None:
            sandbox.freeze()
            with self._lock:
                self._idle.append(sandbox)
        else:
            sandbox.close()

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

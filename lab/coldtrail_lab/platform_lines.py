"""The lines that Lambda itself writes around an invocation, in text or in JSON.

Sources: AWS Lambda Developer Guide, "Viewing CloudWatch logs for Lambda functions", "Configuring JSON and plain text log
formats", "Lambda Telemetry API event schema reference"; "Understand the Lambda execution environment lifecycle":
functions with provisioned concurrency always emit INIT_REPORT, others only where the init phase failed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coldtrail_lab.sandbox import Sandbox

RUNTIME = "python:3.11.v66"
ON_DEMAND, PROVISIONED = "on-demand", "provisioned-concurrency"


@dataclass
class Facts:
    """What is known of one invocation when it has ended; ``segments``: its X-Ray ids, empty where it is not traced."""

    request_id: str
    duration_ms: float
    used_mb: int
    init_ms: float | None
    status: str
    error_type: str
    segments: dict[str, str]

    @property
    def billed_ms(self) -> int:
        """Whole milliseconds, init included. Source: AWS Compute Blog, "AWS Lambda standardizes billing for INIT Phase"."""
        return int(self.duration_ms + (self.init_ms or 0)) + 1


@dataclass
class PlatformLines:
    """Writes one function's lines; ``put`` takes the sandbox and the line."""

    put: Callable[[Sandbox, str], None]
    arn: str
    json_logs: bool
    memory_mb: int

    def init_start(self, sandbox: Sandbox) -> None:
        """A sandbox is being set up."""
        record = {"runtimeVersion": RUNTIME, "initializationType": sandbox.initialization, "phase": "init"}
        self._say(
            sandbox, "initStart", record, f"INIT_START Runtime Version: {RUNTIME}\tRuntime Version ARN: {self.arn}"
        )

    def init_report(self, sandbox: Sandbox, init_ms: float, status: str) -> None:
        """A sandbox that was set up ahead of its first event is ready, or is not."""
        record = {
            "initializationType": sandbox.initialization,
            "phase": "init",
            "status": status,
            "metrics": {"durationMs": round(init_ms, 3)},
        }
        text = f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: {status}"
        self._say(sandbox, "initReport", record, text)

    def start(self, sandbox: Sandbox, request_id: str, version: str) -> None:
        """An event is handed over."""
        record = {"requestId": request_id, "version": version}
        self._say(sandbox, "start", record, f"START RequestId: {request_id} Version: {version}")

    def end(self, sandbox: Sandbox, request_id: str) -> None:
        """In JSON there is no such line."""
        if not self.json_logs:
            self.put(sandbox, f"END RequestId: {request_id}")

    def report(self, sandbox: Sandbox, facts: Facts) -> None:
        """What the invocation took."""
        failed = {"ok": "", "timeout": "timeout"}.get(facts.status, "error")
        self._say(sandbox, "report", self._report_record(facts, failed), self._report_text(facts, failed))

    def _report_record(self, facts: Facts, failed: str) -> dict[str, Any]:
        metrics = {
            "durationMs": round(facts.duration_ms, 3),
            "billedDurationMs": facts.billed_ms,
            "memorySizeMB": self.memory_mb,
            "maxMemoryUsedMB": facts.used_mb,
        }
        if facts.init_ms is not None:
            metrics["initDurationMs"] = round(facts.init_ms, 3)
        record: dict[str, Any] = {"requestId": facts.request_id, "metrics": metrics, "status": failed or "success"}
        if facts.error_type:
            record["errorType"] = facts.error_type
        if ids := facts.segments:
            header = f"Root={ids['root']};Parent={ids['service']};Sampled=1"
            record["tracing"] = {"type": "X-Amzn-Trace-Id", "value": header, "spanId": ids["segment"]}
        return record

    def _report_text(self, facts: Facts, failed: str) -> str:
        line = (
            f"REPORT RequestId: {facts.request_id}\tDuration: {facts.duration_ms:.2f} ms\t"
            f"Billed Duration: {facts.billed_ms} ms\tMemory Size: {self.memory_mb} MB\t"
            f"Max Memory Used: {facts.used_mb} MB\t"
        )
        if facts.init_ms is not None:
            line += f"Init Duration: {facts.init_ms:.2f} ms\t"
        if ids := facts.segments:
            line += f"\nXRAY TraceId: {ids['root']}\tSegmentId: {ids['service']}\tSampled: true\t"
        if failed:
            line += f"\nStatus: {failed}" + (f"\tError Type: {facts.error_type}" if facts.error_type else "")
        return line

    def _say(self, sandbox: Sandbox, event: str, record: dict[str, Any], text: str) -> None:
        if not self.json_logs:
            self.put(sandbox, text)
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() // 10**6 % 1000:03d}Z"
        self.put(sandbox, json.dumps({"time": stamp, "type": f"platform.{event}", "record": record}))

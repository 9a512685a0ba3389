"""What the stories share: AWS, the road to it, log groups, X-Ray, faults, the truth, and how functions are set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coldtrail_lab.aws import Aws
from coldtrail_lab.aws_road import AwsRoad
from coldtrail_lab.deployments import Announcer
from coldtrail_lab.faults import Faults
from coldtrail_lab.function import Function
from coldtrail_lab.log_delivery import LogDelivery
from coldtrail_lab.meters import Meters
from coldtrail_lab.truth import Truth
from coldtrail_lab.xray_service import XrayService


@dataclass
class Stage:
    """One for all stories. ``contexts``: function name to how much context it keeps, "" for all others.

    ``schedule_s``: how often schedules fire.
    """

    aws: Aws
    road: AwsRoad
    logs: LogDelivery
    xray: XrayService
    otlp_http: str
    truth: Truth
    faults: Faults
    contexts: Mapping[str, str] = field(default_factory=dict)
    meters: Meters = field(default_factory=Meters)
    seed: int = 7
    schedule_s: float = 60.0
    chosen: bool = True
    """Whether one invoice is never taken by the ledger, whatever faults are on."""
    announce: Announcer = field(default_factory=Announcer)

    def function(self, name: str, code: Path, *, tracing: bool = False, context: str = "own", **more: Any) -> Function:
        """Set a function up; upper-case keywords are its environment, the others are `Function`'s."""
        environment = {
            "AWS_ENDPOINT_URL": self.road.url,
            "AWS_XRAY_DAEMON_ADDRESS": self.xray.address,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.otlp_http,
            "OTEL_PROPAGATORS": "xray,tracecontext,baggage",
            **{key: str(value) for key, value in more.items() if key.isupper()},
        }
        if not tracing:
            environment["POWERTOOLS_TRACE_DISABLED"] = "1"
        return Function(
            name=name,
            code=code,
            logs=self.logs,
            environment=environment,
            tracing=self.xray.invocation if tracing else None,
            limit=lambda: 1 if self.faults.share("throttles") else None,
            running=self.road.running,
            meters=self.meters,
            context=self.contexts.get(name) or self.contexts.get("") or context,
            **{key: value for key, value in more.items() if not key.isupper()},
        )

"""A signup of which the profile overtakes the account: spans first, and later the log lines of the function that fails of it."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from lambda_logs import report, write
from otlp import span, traces
from running import Coldtrail

S_NS = 10**9
ERROR = "ProfileWithoutAccount: signup-7 has a profile and no account"


class Overtaken:
    """One signup; ``mark`` is part of all of its names."""

    def __init__(self, mark: str) -> None:
        self.register, self.account, self.profile, self.welcome = (f"{name}-{mark}" for name in ("register", "account", "profile", "welcome"))
        self.trace_id, self.request_id = os.urandom(16), str(uuid.uuid4())
        self.start_ns = time.time_ns() - 20 * S_NS

    def workflow(self) -> dict[str, Any]:
        """What it should have been: the account, then the profile, then the welcome."""
        before = {self.account: [], self.profile: ["account"], self.welcome: ["profile"]}
        steps = [{"name": name.partition("-")[0], "match": {"kind": "invocation", "service": name}, "after": after} for name, after in before.items()]
        return {"origin": {"kind": "request", "service": self.register, "name": "POST /signup"}, "within": "15s", "steps": steps}

    def tell(self, coldtrail: Coldtrail) -> None:
        """Send the spans: the profile is stored two seconds before the account, and the welcome follows from it."""
        root = span("POST /signup", service=self.register, trace_id=self.trace_id, kind=2, start_ns=self.start_ns, duration_ms=20)
        to_account, sent_account = self._message(root, "accounts", 5)
        to_profile, sent_profile = self._message(root, "profiles", 6)
        profile = self._run(self.profile, to_profile, 2.0, str(uuid.uuid4()))
        to_welcome, sent_welcome = self._message(profile, "changes", 10)
        others = [self._run(self.account, to_account, 4.0, str(uuid.uuid4())), self._run(self.welcome, to_welcome, 2.2, self.request_id)]
        spans = [root, sent_account, sent_profile, profile, sent_welcome, *others]
        assert coldtrail.post("/v1/traces", traces(*spans)).status_code == 200

    def fail(self, coldtrail: Coldtrail) -> None:
        """Send the log lines of the welcome, which has no account to refer to."""
        lines = (f"START RequestId: {self.request_id} Version: 7", f"[ERROR] {ERROR}\nTraceback (most recent call last):", report(self.request_id, more="Status: error\tError Type: ProfileWithoutAccount"))
        write(coldtrail, self.welcome, *lines, start_ms=self.start_ns // 10**6 + 2_200)

    def _message(self, sender: dict[str, Any], queue: str, later_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
        named = {"messaging.message.id": str(uuid.uuid4()), "messaging.system": "aws_sqs", "messaging.destination.name": f"{self.register}-{queue}"}
        at_ns = sender["start_ns"] + later_ms * 10**6
        return named, span("send", service=sender["service"], trace_id=sender["trace_id"], parent=sender["span_id"], kind=4, start_ns=at_ns, attributes=named)

    def _run(self, function: str, taken: dict[str, Any], later_s: float, request_id: str) -> dict[str, Any]:
        attributes = {**taken, "faas.invocation_id": request_id}
        del attributes["messaging.destination.name"]
        return span(function, service=function, kind=5, start_ns=self.start_ns + int(later_s * S_NS), duration_ms=30, attributes=attributes)

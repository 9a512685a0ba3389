"""What AWS itself sends to X-Ray: the segments of the Lambda service, of a function, and of an API Gateway stage."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

HEADER = b'{"format": "json", "version": 1}\n'


class XrayService:
    """Sends segments to a daemon address, one datagram each."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.address = address
        self._target = (host, int(port))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def invocation(
        self,
        function: Any,
        request_id: str,
        ids: dict[str, str],
        started_s: float,
        duration_ms: float,
        status: str,
        payload: Any,
        init_ms: float | None,
    ) -> None:
        """Send the AWS::Lambda and AWS::Lambda::Function segments of one invocation."""
        end_s = started_s + duration_ms / 1e3
        cause = {}
        if status != "ok":
            error = payload if isinstance(payload, dict) else {}
            exception = {
                "id": os.urandom(8).hex(),
                "type": str(error.get("errorType", status)),
                "message": str(error.get("errorMessage", status)),
            }
            cause = {"fault": True, "cause": {"exceptions": [exception]}}
        common = {"trace_id": ids["root"], "name": function.name, "end_time": end_s}
        service = {
            **common,
            "id": ids["service"],
            "start_time": started_s - (init_ms or 0) / 1e3,
            "origin": "AWS::Lambda",
            "resource_arn": function.arn,
            "http": {"response": {"status": 200 if status == "ok" else 502}},
            "aws": {"request_id": request_id},
            **({"parent_id": ids["parent"]} if ids["parent"] else {}),
            **cause,
        }
        own = {
            **common,
            "id": ids["segment"],
            "parent_id": ids["service"],
            "start_time": started_s,
            "origin": "AWS::Lambda::Function",
            "aws": {"request_id": request_id, "function_arn": function.arn, "cold_start": init_ms is not None},
            **cause,
        }
        self.send(service)
        self.send(own)

    def send(self, segment: dict[str, Any]) -> None:
        """Send one segment document."""
        self._socket.sendto(HEADER + json.dumps(segment).encode(), self._target)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

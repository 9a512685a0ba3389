"""Amazon Data Firehose as it delivers to an HTTP endpoint: again, with back-off, until the delivery is taken."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from base64 import b64encode

BACK_OFF_S = (0.2, 0.5, 1.0, 2.0)


class Firehose:
    """One delivery stream; `send` may be called from any thread."""

    def __init__(self, url: str, access_key: str = "") -> None:
        self._url = url
        self._access_key = access_key
        self._stopping = threading.Event()

    def close(self) -> None:
        """Wait no longer for a coldtrail that is away."""
        self._stopping.set()

    def send(self, records: list[bytes]) -> None:
        """Deliver these records."""
        request_id = str(uuid.uuid4())
        data = [{"data": b64encode(record).decode()} for record in records]
        body = json.dumps({"requestId": request_id, "timestamp": time.time_ns() // 10**6, "records": data}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Amz-Firehose-Protocol-Version": "1.0",
            "X-Amz-Firehose-Request-Id": request_id,
        }
        if self._access_key:
            headers["X-Amz-Firehose-Access-Key"] = self._access_key
        attempt = 0
        while not self._taken(body, headers, request_id) and not self._stopping.is_set():
            self._stopping.wait(BACK_OFF_S[min(attempt, len(BACK_OFF_S) - 1)])
            attempt += 1

    def _taken(self, body: bytes, headers: dict[str, str], request_id: str) -> bool:
        try:
            with urllib.request.urlopen(urllib.request.Request(self._url, body, headers), timeout=10) as answer:
                return bool(json.load(answer)["requestId"] == request_id)
        except (urllib.error.URLError, OSError, ValueError, KeyError):
            return False

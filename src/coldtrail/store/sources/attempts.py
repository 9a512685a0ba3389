"""Who gave and who took the messages on some resources: rows of numbers, of which each would cost a Python object.

A message is known by its key. Whoever names the resource in the same span or log record as the key says on which
one it was; the others that carry the key are found by it, so a consumer need not name its source.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coldtrail.store.engine import Engine
from coldtrail.store.sources.messages import KEY_KINDS
from coldtrail.store.sql_words import DID_FAIL

MOST_MESSAGES = 200_000
"""So many messages of a range are looked at."""

Rows = npt.NDArray[np.void]
ROW = np.dtype(
    {
        "names": ["key", "giving", "who", "requested", "attempt", "first", "last"],
        "formats": ["<u8", "u1", "<u8", "u1", "<u8", "<i8", "<i8"],
    }
)
"""A row an attempt at a message, and one of its sending: its key, who took it, whether a request is named, and when.

``attempt``: a hash of the request's id, of the span's where no request is named.
"""

WORKED = np.dtype([("attempt", "<u8"), ("failed", "u1"), ("ended", "<i8")])
"""A row an invocation: whether it failed, and when it ended."""


def _within(at: str, more: str = "", later: str = "") -> str:
    low, high = ("fromUnixTimestamp64Nano({early:Int64})" + more, "fromUnixTimestamp64Nano({until:Int64})" + later)
    return f"{at} >= {low} AND {at} < {high}"


_NAMED = f"kind = {{resource_kind:String}} AND name IN {{names:Array(String)}} AND {_within('time')}"
_CARRIERS = f"SELECT carrier FROM named WHERE {_NAMED}"

# A span or a line carries the key of a message and the name of what it is on.
_ON = f"""
SELECT DISTINCT key_hash FROM message_keys
WHERE {_within("time")} AND kind = {{key_kind:String}} AND (span_key IN ({_CARRIERS}) OR line_key IN ({_CARRIERS}))
LIMIT {MOST_MESSAGES}
"""

_ON_WHICH = f"""
SELECT DISTINCT key_hash, toUInt64(indexOf({{names:Array(String)}}, name)) FROM (
  SELECT key_hash, arrayJoin(arrayDistinct([span_key, line_key])) AS carrier FROM message_keys
  WHERE {_within("time")} AND kind = {{key_kind:String}}) AS k
INNER JOIN (SELECT carrier, toString(name) AS name FROM named WHERE {_NAMED}) AS n ON k.carrier = n.carrier
LIMIT {MOST_MESSAGES}
"""

_OF_THEM = f"{_within('time', ' - INTERVAL 1 DAY', ' + INTERVAL 1 DAY')} AND key_hash IN ({_ON})"

_TOLD = f"""
SELECT key_hash, role = 'gives' AS giving, if(giving OR service = '', 0, cityHash64(service)) AS who,
  request_hash != cityHash64('') AS requested, multiIf(giving, 0, requested, request_hash, cityHash64(span_id)) AS attempt,
  toUnixTimestamp64Nano(min(k.time)), toUnixTimestamp64Nano(max(k.time))
FROM message_keys AS k WHERE {_OF_THEM}
GROUP BY key_hash, giving, who, requested, attempt
"""

_WORKED = f"""
SELECT request_hash AS attempt, max(i.status {DID_FAIL}),
  max(toUnixTimestamp64Nano(i.time) + toInt64(ifNull(i.duration_ms, 0) * 1e6))
FROM invocations AS i
WHERE {_within("i.time", " - INTERVAL 15 MINUTE", " + INTERVAL 1 DAY")} AND attempt IN THESE
GROUP BY attempt
"""
_LISTED = "{attempts:Array(UInt64)}"
"""Costs a third of having them looked up again."""

_LOOKED_UP = f"(SELECT request_hash FROM message_keys WHERE {_OF_THEM} AND role = 'takes')"

_FAILED = f"""
SELECT DISTINCT request_hash FROM invocations AS i
WHERE {_within("i.time", " - INTERVAL 15 MINUTE", " + INTERVAL 1 DAY")} AND i.status {DID_FAIL}
"""

_SERVICES = f"""
SELECT DISTINCT cityHash64(service), toString(service) FROM message_keys
WHERE {_within("time", " - INTERVAL 1 DAY", " + INTERVAL 1 DAY")} AND key_hash IN {{keys:Array(UInt64)}}
"""

_REASONS = f"""
SELECT i.request_hash, argMaxIf(i.failure_type, length(i.failure_message), i.failure_type != ''),
  substring(argMaxIf(i.failure_message, length(i.failure_message), i.failure_type != ''), 1, 500)
FROM invocations AS i
WHERE {_within("i.time", " - INTERVAL 15 MINUTE", " + INTERVAL 1 DAY")} AND i.request_id IN (
  SELECT request_id FROM message_keys
  WHERE {_within("time", " - INTERVAL 1 DAY", " + INTERVAL 1 DAY")} AND key_hash IN {{keys:Array(UInt64)}}
    AND request_hash IN {{attempts:Array(UInt64)}})
GROUP BY i.request_hash
"""


def nothing(row: np.dtype[Any]) -> Rows:
    """Return no rows."""
    return np.empty(0, dtype=row)


class Asked:
    """The messages that some resources of one kind carried in ``[early, until)``, and what is told of them a day around."""

    def __init__(self, engine: Engine, kind: str, names: list[str], early_ns: int, until_ns: int) -> None:
        self._engine = engine
        self.names = names
        self.parameters: dict[str, Any] = {
            "resource_kind": kind,
            "names": names,
            "early": early_ns,
            "until": until_ns,
            "key_kind": KEY_KINDS[kind],
        }

    def told(self) -> Rows:
        """Return rows of `ROW`."""
        return self._read(_TOLD, ROW)

    def worked(self, told: Rows) -> Rows:
        """Return rows of `WORKED`: of each attempt that is an invocation whether it failed, and when it ended."""
        attempts = np.unique(told["attempt"][told["requested"] == 1])
        if not len(attempts):
            return nothing(WORKED)
        if len(attempts) > self._engine.most_bound:
            return self._read(_WORKED.replace("THESE", _LOOKED_UP), WORKED)
        return self._read(_WORKED.replace("THESE", _LISTED), WORKED, attempts=attempts.tolist())

    def failed(self) -> npt.NDArray[np.uint64]:
        """Return which attempts failed, of any resource."""
        return np.frombuffer(self._engine.row_binary(_FAILED, self.parameters), dtype="<u8")

    def services(self, keys: list[int]) -> dict[int, str]:
        """Return the names behind ``who`` of those that tell of some messages."""
        return dict(self._engine.rows(_SERVICES, {**self.parameters, "keys": keys})) if keys else {}

    def reasons(self, attempts: list[tuple[int, int]]) -> dict[int, tuple[str, str]]:
        """Return why attempts failed, type and message; given the key of one of the messages of each, and its number."""
        if not attempts:
            return {}
        keys, numbers = [key for key, _ in attempts], [attempt for _, attempt in attempts]
        rows = self._engine.rows(_REASONS, {**self.parameters, "keys": keys, "attempts": numbers})
        return {attempt: (type_, message) for attempt, type_, message in rows}

    def of_each(self, rows: Rows) -> list[Rows]:
        """Return the rows of each of the resources."""
        if len(self.names) == 1 or not len(rows):
            return [rows for _ in self.names]
        on = self._read(_ON_WHICH, np.dtype([("key", "<u8"), ("number", "<u8")]))
        return [rows[np.isin(rows["key"], on["key"][on["number"] == n])] for n, _ in enumerate(self.names, start=1)]

    def _read(self, query: str, row: np.dtype[Any], **more: Any) -> Rows:
        return np.frombuffer(self._engine.row_binary(query, {**self.parameters, **more}), dtype=row)

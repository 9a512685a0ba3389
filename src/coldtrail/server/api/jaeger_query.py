"""Parameters of Jaeger's query API: Unix microseconds, Go's durations, tags as JSON or `key:value`.

Source: Jaeger, `query_parser.go` (the grammar in its comments): `start` and `end` in microseconds, two days without
them; `endTs` and `lookback` of dependencies in milliseconds; 100 traces without a `limit`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence

import msgspec
from litestar.exceptions import ClientException

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.model.xray_ids import xray_trace_id_to_hex
from coldtrail.store.trails.search import TraceQuery

LOOKBACK_NS = 2 * 86_400 * 10**9
DEPENDENCY_LOOKBACK_NS = 86_400 * 10**9
LIMIT, MOST_TRACES = 100, 1_500
MOST_TAGS = 20
_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"(\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})(ns|us|µs|μs|ms|s|m|h)")
_HEX = re.compile(r"[0-9a-fA-F]{1,32}")


def trace_id_of(text: str) -> str:
    """Return a trace id of 32 hex digits; a shorter one is filled up from the left, X-Ray's own form is taken too.

    Raises:
        ClientException: it is neither.
    """
    if _HEX.fullmatch(text) and is_trace_id(text.rjust(32, "0")):
        return text.lower().rjust(32, "0")
    try:
        return xray_trace_id_to_hex(text)
    except ValueError:
        raise ClientException(f'traceID must be up to 32 hex digits, got "{text[:60]}"') from None


def duration_ns(text: str, name: str) -> int | None:
    """Return a duration such as `1.2s`, `100ms` or `1h30m`; None without one.

    Raises:
        ClientException: it is no such duration.
    """
    if not text:
        return None
    if not re.fullmatch(f"(?:{_PART.pattern})+", text) or len(text) > 60:
        raise ClientException(f"unable to parse param '{name}': invalid duration \"{text[:60]}\"")
    return int(sum(float(number) * _UNITS_NS[unit] for number, unit in _PART.findall(text)))


def search_of(asked: Mapping[str, Sequence[str]]) -> TraceQuery:
    """Return what a search asks for.

    Raises:
        ClientException: a parameter does not parse, or there is no service.
    """
    service = _one(asked, "service")
    if not service:
        raise ClientException("parameter 'service' is required")
    now_ns = time.time_ns()
    shortest, longest = (duration_ns(_one(asked, name), name) for name in ("minDuration", "maxDuration"))
    if shortest and longest and longest < shortest:
        raise ClientException("'maxDuration' should be greater than 'minDuration'")
    return TraceQuery(
        service=service,
        operation=_one(asked, "operation"),
        since_ns=_number(asked, "start", (now_ns - LOOKBACK_NS) // 1_000) * 1_000,
        until_ns=_number(asked, "end", now_ns // 1_000) * 1_000 + 1_000,
        shortest_ns=shortest,
        longest_ns=longest,
        tags=_tags(asked),
        limit=max(1, min(_number(asked, "limit", LIMIT), MOST_TRACES)),
    )


def dependencies_of(asked: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    """Return since and until, Unix nanoseconds.

    Raises:
        ClientException: a parameter is no number.
    """
    until_ns = _number(asked, "endTs", time.time_ns() // 10**6) * 10**6
    return until_ns - _number(asked, "lookback", DEPENDENCY_LOOKBACK_NS // 10**6) * 10**6, until_ns


def _one(asked: Mapping[str, Sequence[str]], name: str) -> str:
    given = asked.get(name) or [""]
    return given[0]


def _number(asked: Mapping[str, Sequence[str]], name: str, otherwise: int) -> int:
    text = _one(asked, name)
    if not text:
        return otherwise
    if not re.fullmatch(r"\d{1,16}", text):
        raise ClientException(f"unable to parse param '{name}': \"{text[:60]}\" is no whole number")
    return int(text)


def _tags(asked: Mapping[str, Sequence[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in asked.get("tag", ()):
        key, colon, value = one.partition(":")
        if not colon:
            raise ClientException(f"malformed 'tag' parameter, expecting key:value, received: {one[:60]}")
        found[key] = value
    for text in asked.get("tags", ()):
        try:
            found |= msgspec.json.decode(text, type=dict[str, str])
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ClientException(f"malformed 'tags' parameter, cannot unmarshal JSON: {error}") from None
    if len(found) > MOST_TAGS:
        raise ClientException(f"more than {MOST_TAGS} tags are asked for")
    return found

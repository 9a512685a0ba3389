"""The dictionary of series: which there are of a metric, and the labels by which they are told apart and grouped."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from msgspec import Struct

from coldtrail.model.signals import AttributeValue
from coldtrail.store.anyvalue import decode
from coldtrail.store.engine import Engine

MOST_REMEMBERED = 50_000
"""Series whose labels stay decoded in memory, about 1 kB each."""

DELTA, CUMULATIVE = 1, 2
UNKNOWN_SERVICE = "unknown_service"

Filter = tuple[str, str]
"""A label's name and the value that it must have; `!=`, `=~` and `!~` are asked of the labels themselves."""


class Series(Struct, frozen=True):
    """One series. ``temporality``: OTLP's number, 0 where the kind has none. ``labels``: flat, as people group by them."""

    series_id: int
    name: str
    kind: str
    unit: str
    description: str
    temporality: int
    is_monotonic: bool
    service: str
    labels: dict[str, str]
    bounds: tuple[float, ...]

    def label(self, name: str) -> str:
        """The value of a label; "" where the series has none."""
        return self.service if name == "service" else self.labels.get(name, "")


_IDS = """
SELECT DISTINCT series_id FROM metric_series
WHERE name IN {names:Array(String)} AND received >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 1 DAY
  AND ({service:String} = '' OR service = {service:String} OR service = 'unknown_service')
"""

_SERIES = """
SELECT series_id, name, toString(type), unit, description, temporality, is_monotonic, service, resource, attributes, bounds
FROM metric_series
WHERE name IN {names:Array(String)} AND series_id IN {ids:Array(UInt64)} ORDER BY received DESC LIMIT 1 BY series_id
"""


class Dictionary:
    """The labels of series of one engine, remembered: they never change."""

    def __init__(self) -> None:
        self._known: dict[int, Series] = {}
        self._lock = threading.Lock()

    def series(self, engine: Engine, name: str, since_ns: int, filters: Sequence[Filter] = ()) -> list[Series]:
        """Return a metric's series that were received since a day before ``since_ns`` and have the labels asked for.

        Reads the metric's rows of the dictionary, one a series and day; those that are not remembered whole.
        """
        service = next((value for label, value in filters if label == "service"), "")
        found = self._received(engine, [name], since_ns, service)
        return [one for one in found if all(one.label(label) == value for label, value in filters)]

    def by_name(self, engine: Engine, names: Iterable[str], since_ns: int) -> dict[str, list[Series]]:
        """Return what `series` does, of several metrics in one question; those without a series are left out."""
        found: dict[str, list[Series]] = {}
        for one in self._received(engine, sorted(set(names)), since_ns, ""):
            found.setdefault(one.name, []).append(one)
        return found

    def _received(self, engine: Engine, names: list[str], since_ns: int, service: str) -> list[Series]:
        rows = engine.rows(_IDS, {"names": names, "since": since_ns, "service": service})
        return self._of(engine, names, [int(row[0]) for row in rows])

    def _of(self, engine: Engine, names: list[str], ids: list[int]) -> list[Series]:
        with self._lock:
            known = {one: self._known[one] for one in ids if one in self._known}
        missing = [one for one in ids if one not in known]
        for at in range(0, len(missing), 5000):
            rows = engine.rows(_SERIES, {"names": names, "ids": missing[at : at + 5000]}, raw_bytes=True)
            known |= {one.series_id: one for one in map(_series, rows)}
        with self._lock:
            if len(self._known) + len(missing) > MOST_REMEMBERED:
                self._known.clear()
            self._known.update(known)
        return [known[one] for one in ids if one in known]


def _series(row: Sequence[Any]) -> Series:
    series_id, name, kind, unit, description, temporality, is_monotonic, service, resource, attributes, bounds = row
    labels = labels_of(resource) | labels_of(attributes)
    return Series(
        series_id=series_id,
        name=_text(name),
        kind=_text(kind),
        unit=_text(unit),
        description=_text(description),
        temporality=temporality,
        is_monotonic=bool(is_monotonic),
        service=_service(_text(service), labels),
        labels=labels,
        bounds=tuple(bounds),
    )


def _service(service: str, labels: dict[str, str]) -> str:
    """AWS's metrics name no service; those of a function belong to the function."""
    return labels.get("FunctionName", service) if service == UNKNOWN_SERVICE else service


def labels_of(raw: dict[bytes, bytes]) -> dict[str, str]:
    """Decode attributes to flat labels: what is nested gets dotted names, CloudWatch's dimensions their own.

    Source: Amazon CloudWatch User Guide, "Translations with OpenTelemetry 1.0.0 format": `Dimensions` is a nested list.
    """
    found: dict[str, str] = {}
    for key, value in raw.items():
        _flatten(_text(key), decode(value), found)
    return found


def _flatten(name: str, value: AttributeValue, into: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(key if name == "Dimensions" else f"{name}.{key}", inner, into)
    else:
        into[name] = shown(value)


def shown(value: AttributeValue) -> str:
    """Return an attribute's value as a label has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(shown, value))
    if isinstance(value, bytes):
        return value.hex()
    return "" if value is None else str(value)


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def grouped(series: Iterable[Series], by: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
    """Return the groups' labels, and for each series the index of its group."""
    numbers: dict[tuple[str, ...], int] = {}
    index = [numbers.setdefault(tuple(one.label(name) for name in by), len(numbers)) for one in series]
    return [dict(zip(by, values, strict=True)) for values in numbers], index


_DICTIONARIES: WeakKeyDictionary[Engine, Dictionary] = WeakKeyDictionary()


def dictionary_of(engine: Engine) -> Dictionary:
    """Return the one dictionary of an engine."""
    return _DICTIONARIES.setdefault(engine, Dictionary())

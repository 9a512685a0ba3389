"""Our metrics' names and labels as Prometheus writes them.

Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility: OTLP Metric points to Prometheus": characters that
are no part of a name become `_`, the unit and `_total` are suffixes, distributions are several series. Every attribute of the
point and of its resource is a label; `job` is the service.
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from coldtrail.store.metrics.listed import Family
from coldtrail.store.metrics.series import Series

_UNITS = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
    "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "kBy": "kilobytes", "KBy": "kilobytes",
    "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters", "V": "volts", "A": "amperes", "J": "joules",
    "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz", "%": "percent", "bit": "bits",
}  # fmt: skip
_PER = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"}
_OWN_SUFFIXES = ("_total", "_bucket", "_count", "_sum")


class Exposed(Struct, frozen=True):
    """One name in PromQL: which metric it is, and which part of it."""

    name: str
    metric: str
    part: str
    type: str
    help: str
    unit: str


def exposed(family: Family) -> list[Exposed]:
    """Return the names of a metric."""
    base = sanitized(family.name)
    suffix = _unit_suffix(family.unit, is_gauge=family.kind == "gauge")
    if suffix and not base.endswith((f"_{suffix}", *_OWN_SUFFIXES)):
        base = f"{base}_{suffix}"
    if family.kind == "sum" and family.only_rises and not base.endswith(_OWN_SUFFIXES):
        base = f"{base}_total"

    def one(ending: str, part: str) -> Exposed:
        kind = {"sum": "counter" if family.only_rises else "gauge", "exponential_histogram": "histogram"}
        return Exposed(
            base + ending, family.name, part, kind.get(family.kind, family.kind), family.description, family.unit
        )

    if family.kind in ("gauge", "sum"):
        return [one("", "value")]
    own = one("_bucket", "bucket") if family.kind != "summary" else one("", "quantile")
    return [own, one("_count", "count"), one("_sum", "sum")]


@lru_cache(10_000)
def sanitized(name: str) -> str:
    """Return a name of letters, digits and `_` that does not begin with a digit."""
    made = re.sub(r"_{2,}", "_", re.sub(r"[^a-zA-Z0-9_:]", "_", name))
    return f"_{made}" if made[:1].isdigit() else made or "_"


@lru_cache(10_000)
def _label(name: str) -> str:
    made = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    return f"key_{made}" if made[:1].isdigit() else made or "_"


def _unit_suffix(unit: str, *, is_gauge: bool) -> str:
    if unit == "1":
        return "ratio" if is_gauge else ""
    unit = re.sub(r"\{[^}]*\}", "", unit)
    whole, _, per = unit.partition("/")
    words = [sanitized(_UNITS.get(whole, whole))] if whole else []
    if per:
        words += ["per", sanitized(_PER.get(per, per))]
    return "_".join(words).strip("_")


def labels_of(series: Series) -> dict[str, str]:
    """Return a series' labels, without its name; of several that become one name the last by its own name counts."""
    found = {_label(name): value for name, value in sorted(series.labels.items()) if value}
    found.setdefault("job", series.service)
    return found

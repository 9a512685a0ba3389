"""CloudWatch's units as OpenTelemetry writes them.

Source: Amazon CloudWatch User Guide, "Translations with OpenTelemetry 1.0.0 format": the table of units; two units joined
by a slash are both translated.
"""

from __future__ import annotations

UCUM = {
    "Second": "s",
    "Seconds": "s",
    "Microseconds": "us",
    "Milliseconds": "ms",
    "Bytes": "By",
    "Kilobytes": "kBy",
    "Megabytes": "MBy",
    "Gigabytes": "GBy",
    "Terabytes": "TBy",
    "Bits": "bit",
    "Kilobits": "kbit",
    "Megabits": "MBit",
    "Gigabits": "GBit",
    "Terabits": "Tbit",
    "Percent": "%",
    "Count": "{Count}",
    "None": "1",
}


def ucum(unit: str) -> str:
    """Return a unit of CloudWatch's in UCUM; one that is none of them as it is."""
    return "/".join(UCUM.get(part, part) for part in unit.split("/"))

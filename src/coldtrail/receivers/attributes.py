"""OTLP attributes from plain values."""

from __future__ import annotations

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from coldtrail.model.signals import AttributeValue


def any_value(value: AttributeValue) -> AnyValue:
    """Return an AnyValue; a whole number beyond 64 bits becomes text, since a double would lose digits of an id."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value) if -(2**63) <= value < 2**63 else AnyValue(string_value=str(value))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value.encode("utf-8", "replace").decode())
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    found = AnyValue()
    if isinstance(value, list):
        found.array_value.values.extend(any_value(element) for element in value)
        found.array_value.SetInParent()
    elif isinstance(value, dict):
        found.kvlist_value.values.extend(key_value(name, inner) for name, inner in value.items())
        found.kvlist_value.SetInParent()
    return found


def key_value(name: str, value: AttributeValue) -> KeyValue:
    """Return one attribute."""
    return KeyValue(key=name.encode("utf-8", "replace").decode(), value=any_value(value))

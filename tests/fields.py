"""What API v1 must say of an OTLP message: every field that the protocol has, read from its own description."""

from __future__ import annotations

import base64
from typing import Any

from google.protobuf.message import Message

IDS = ("trace_id", "span_id", "parent_span_id")
NOT_TELEMETRY = ("key_strindex", "string_value_strindex", "entity_refs")
"""Fields of other signals (profiles) or still in development."""


def any_value(value: Any) -> Any:
    """An AnyValue as the API writes it: bytes as base64, everything else as JSON has it."""
    which = value.WhichOneof("value")
    if which is None:
        return None
    if which == "array_value":
        return [any_value(one) for one in value.array_value.values]
    if which == "kvlist_value":
        return {pair.key: any_value(pair.value) for pair in value.kvlist_value.values}
    if which == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, which)


def fields(message: Message) -> dict[str, Any]:
    """Every field of a message, set or not, under its own name."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.name in NOT_TELEMETRY:
            continue
        if field.name in IDS:
            found[field.name] = value.hex()
        elif field.name == "attributes":
            found[field.name] = {pair.key: any_value(pair.value) for pair in value}
        elif field.name == "body":
            found[field.name] = any_value(value)
        elif field.message_type and field.is_repeated:
            found[field.name] = [fields(one) for one in value]
        else:
            found[field.name] = fields(value) if field.message_type else value
    return found


def items(request: Any) -> list[dict[str, Any]]:
    """Every span or log record of an export request with its resource and scope, as the API nests them."""
    found = []
    for group in next(value for _, value in request.ListFields()):
        for scoped in next(getattr(group, name) for name in ("scope_spans", "scope_logs") if hasattr(group, name)):
            for item in next(getattr(scoped, name) for name in ("spans", "log_records") if hasattr(scoped, name)):
                one = fields(item)
                one["resource"] = fields(group.resource) | {"schema_url": group.schema_url}
                one["scope"] = fields(scoped.scope) | {"schema_url": scoped.schema_url}
                found.append(one)
    return found


def missing(told: Any, got: Any, where: str = "") -> list[str]:
    """Return where ``got`` says something else than was told; it may say more."""
    if isinstance(told, dict) and isinstance(got, dict):
        if where.endswith("attributes") and told.keys() != got.keys():
            return [f"{where}: told {sorted(told)}, got {sorted(got)}"]
        return [problem for name, value in told.items() for problem in (missing(value, got[name], f"{where}.{name}") if name in got else [f"{where}.{name} is not there"])]
    if isinstance(told, list) and isinstance(got, list) and len(told) == len(got):
        return [problem for number, (one, other) in enumerate(zip(told, got, strict=True)) for problem in missing(one, other, f"{where}[{number}]")]
    return [] if told == got and isinstance(got, bool) == isinstance(told, bool) else [f"{where}: told {told!r}, got {got!r}"]

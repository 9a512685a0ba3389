"""A lean reading of OTLP: just enough of a request to know that the engine can load it.

Attributes, events and bodies are not declared, so the parser skips them: 5 M spans a CPU-second instead of 1.4.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

from coldtrail.model.signals import Signal

_TYPES = {
    "bytes": Field.TYPE_BYTES,
    "fixed64": Field.TYPE_FIXED64,
    "string": Field.TYPE_STRING,
}

_SCHEMA: dict[Signal, dict[str, list[tuple[str, int, str]]]] = {
    "traces": {
        "Link": [("trace_id", 1, "bytes"), ("span_id", 2, "bytes")],
        "Item": [
            ("trace_id", 1, "bytes"),
            ("span_id", 2, "bytes"),
            ("parent_span_id", 4, "bytes"),
            ("start_time_unix_nano", 7, "fixed64"),
            ("end_time_unix_nano", 8, "fixed64"),
            ("links", 13, "*Link"),
        ],
    },
    "logs": {
        "Item": [
            ("time_unix_nano", 1, "fixed64"),
            ("observed_time_unix_nano", 11, "fixed64"),
            ("trace_id", 9, "bytes"),
            ("span_id", 10, "bytes"),
        ],
    },
    "metrics": {
        "Point": [("time_unix_nano", 3, "fixed64")],
        "Points": [("data_points", 1, "*Point")],
        "Item": [
            ("gauge", 5, "Points"),
            ("sum", 7, "Points"),
            ("histogram", 9, "Points"),
            ("exponential_histogram", 10, "Points"),
            ("summary", 11, "Points"),
        ],
    },
}

_ENVELOPE: dict[str, list[tuple[str, int, str]]] = {
    "Scope": [("items", 2, "*Item")],
    "Group": [("scopes", 2, "*Scope")],
    "Request": [("groups", 1, "*Group")],
}


def _build(signal: Signal) -> tuple[type[Message], type[Message]]:
    package = f"coldtrail.lean.{signal}"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in (_SCHEMA[signal] | _ENVELOPE).items():
        message = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            inner = kind.lstrip("*")
            field = message.field.add(name=field_name, number=number, type=_TYPES.get(inner, Field.TYPE_MESSAGE))
            field.label = Field.LABEL_REPEATED if kind.startswith("*") else Field.LABEL_OPTIONAL
            if inner not in _TYPES:
                field.type_name = f".{package}.{inner}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    request, item = (pool.FindMessageTypeByName(f"{package}.{name}") for name in ("Request", "Item"))
    return message_factory.GetMessageClass(request), message_factory.GetMessageClass(item)


_BUILT: dict[Signal, tuple[type[Message], type[Message]]] = {
    "traces": _build("traces"),
    "logs": _build("logs"),
    "metrics": _build("metrics"),
}
LEAN: dict[Signal, type[Message]] = {signal: request for signal, (request, _) in _BUILT.items()}
"""The lean request message of each signal."""

ITEM: dict[Signal, type[Message]] = {signal: item for signal, (_, item) in _BUILT.items()}
"""The lean message of one span, log record or metric."""

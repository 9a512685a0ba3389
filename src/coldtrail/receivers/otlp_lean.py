"""A lean reading of OTLP: just enough of a request to know that the engine can load it.

Attributes, events and bodies are not declared, so the parser skips them: 5 M spans a CPU-second instead of 1.4. Packed
numbers that are only counted are declared as bytes: eight each.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

from coldtrail.model.signals import Signal

_TYPES = {
    "bytes": Field.TYPE_BYTES,
    "fixed64": Field.TYPE_FIXED64,
    "int32": Field.TYPE_INT32,
}

_SCHEMA: dict[Signal, dict[str, list[tuple[str, int, str]]]] = {
    "traces": {
        "Link": [("trace_id", 1, "bytes"), ("span_id", 2, "bytes")],
        "Status": [("code", 3, "int32")],
        "Item": [
            ("trace_id", 1, "bytes"),
            ("span_id", 2, "bytes"),
            ("parent_span_id", 4, "bytes"),
            ("kind", 6, "int32"),
            ("start_time_unix_nano", 7, "fixed64"),
            ("end_time_unix_nano", 8, "fixed64"),
            ("links", 13, "*Link"),
            ("status", 15, "bytes"),
        ],
    },
    "logs": {
        "Item": [
            ("time_unix_nano", 1, "fixed64"),
            ("observed_time_unix_nano", 11, "fixed64"),
            ("severity_number", 2, "int32"),
            ("trace_id", 9, "bytes"),
            ("span_id", 10, "bytes"),
        ],
    },
    "metrics": {
        "Point": [("start_time_unix_nano", 2, "fixed64"), ("time_unix_nano", 3, "fixed64")],
        "Points": [("data_points", 1, "*Point"), ("aggregation_temporality", 2, "int32")],
        "HistogramPoint": [
            ("start_time_unix_nano", 2, "fixed64"),
            ("time_unix_nano", 3, "fixed64"),
            ("bucket_counts", 6, "bytes"),
            ("explicit_bounds", 7, "bytes"),
        ],
        "Histogram": [("data_points", 1, "*HistogramPoint"), ("aggregation_temporality", 2, "int32")],
        "Item": [
            ("gauge", 5, "Points"),
            ("sum", 7, "Points"),
            ("histogram", 9, "Histogram"),
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


def _build(package: str, schema: dict[str, list[tuple[str, int, str]]]) -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in schema.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            inner = kind.lstrip("*")
            field = message.field.add(name=field_name, number=number, type=_TYPES.get(inner, Field.TYPE_MESSAGE))
            field.label = Field.LABEL_REPEATED if kind.startswith("*") else Field.LABEL_OPTIONAL
            if inner not in _TYPES:
                field.type_name = f".{package}.{inner}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in schema}


_BUILT: dict[Signal, dict[str, type[Message]]] = {
    signal: _build(f"coldtrail.lean.{signal}", schema | _ENVELOPE) for signal, schema in _SCHEMA.items()
}

LEAN: dict[Signal, type[Message]] = {signal: built["Request"] for signal, built in _BUILT.items()}
"""The lean request message of each signal."""

_SPAN = _SCHEMA["traces"]
_ONE_SPAN = {
    "Link": _SPAN["Link"],
    "Item": [(field, number, f"*{kind.lstrip('*')}") for field, number, kind in _SPAN["Item"]],
    **{name: [(field, number, kind.lstrip("*")) for field, number, kind in fields] for name, fields in _ENVELOPE.items()},
}

SPAN_COLUMNS: type[Message] = _build("coldtrail.columns", _ONE_SPAN)["Request"]
"""A request as if it held one span, each field of it as often as spans have it.

A message that comes again where one is expected is merged with it, and what is repeated is put together (Protocol Buffers,
"Encoding", "Last One Wins"): so the parser makes a list of each field of all spans, and no object for each span.
"""

COUNTED: type[Message] = _build("coldtrail.counted", {**_ENVELOPE, "Scope": [("items", 2, "*bytes")]})["Request"]
"""A request with its spans as bytes, to be counted."""

ITEM: dict[Signal, type[Message]] = {signal: built["Item"] for signal, built in _BUILT.items()}
"""The lean message of one span, log record or metric."""

STATUS: type[Message] = _BUILT["traces"]["Status"]
"""A span's status. Spans hold it as bytes, since there are few distinct ones to look into."""

OUTLINE: type[Message] = _build(
    "coldtrail.outline",
    {
        "Scope": [("scope", 1, "*bytes"), ("schema_url", 3, "*bytes")],
        "Group": [("resource", 1, "*bytes"), ("scopes", 2, "*Scope"), ("schema_url", 3, "*bytes")],
        "Request": [("groups", 1, "*Group")],
    },
)["Request"]
"""Who speaks in a request of any signal, as bytes, without what they say."""

"""The messages of Prometheus remote write 1.0, declared here: they are small, and no library carries them alone.

Source: Prometheus, `prompb/remote.proto` and `prompb/types.proto`.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

_PACKAGE = "coldtrail.prometheus"
_TYPES = {
    "string": Field.TYPE_STRING,
    "double": Field.TYPE_DOUBLE,
    "int64": Field.TYPE_INT64,
    "int32": Field.TYPE_INT32,
    "uint64": Field.TYPE_UINT64,
    "uint32": Field.TYPE_UINT32,
    "sint32": Field.TYPE_SINT32,
    "sint64": Field.TYPE_SINT64,
}

_SCHEMA: dict[str, list[tuple[str, int, str]]] = {
    "Label": [("name", 1, "string"), ("value", 2, "string")],
    "Sample": [("value", 1, "double"), ("timestamp", 2, "int64")],
    "Exemplar": [("labels", 1, "*Label"), ("value", 2, "double"), ("timestamp", 3, "int64")],
    "Span": [("offset", 1, "sint32"), ("length", 2, "uint32")],
    "Histogram": [
        ("count_int", 1, "uint64|count"),
        ("count_float", 2, "double|count"),
        ("sum", 3, "double"),
        ("schema", 4, "sint32"),
        ("zero_threshold", 5, "double"),
        ("zero_count_int", 6, "uint64"),
        ("negative_spans", 8, "*Span"),
        ("negative_deltas", 9, "*sint64"),
        ("positive_spans", 11, "*Span"),
        ("positive_deltas", 12, "*sint64"),
        ("timestamp", 15, "int64"),
    ],
    "TimeSeries": [("labels", 1, "*Label"), ("samples", 2, "*Sample"), ("exemplars", 3, "*Exemplar"), ("histograms", 4, "*Histogram")],
    "Metadata": [("type", 1, "int32"), ("metric_family_name", 2, "string"), ("help", 4, "string"), ("unit", 5, "string")],
    "WriteRequest": [("timeseries", 1, "*TimeSeries"), ("metadata", 3, "*Metadata")],
}  # fmt: skip
"""Field name, number and type; `*` repeated, `|` the oneof it belongs to."""


def _build() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="coldtrail_prometheus.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            inner, _, oneof = kind.lstrip("*").partition("|")
            field = message.field.add(name=field_name, number=number, type=_TYPES.get(inner, Field.TYPE_MESSAGE))
            field.label = Field.LABEL_REPEATED if kind.startswith("*") else Field.LABEL_OPTIONAL
            if inner not in _TYPES:
                field.type_name = f".{_PACKAGE}.{inner}"
            if oneof:
                if not message.oneof_decl:
                    message.oneof_decl.add(name=oneof)
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.WriteRequest"))


WriteRequest: type[Message] = _build()

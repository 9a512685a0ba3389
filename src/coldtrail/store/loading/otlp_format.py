"""How the engine reads OTLP: a `format_schema` and the column structure of it, one per signal.

The schemas declare the wire format of opentelemetry-proto, but leave as raw bytes what is decoded only
when it is read (AnyValue, events, links): embedded messages and bytes look alike on the wire
(Protocol Buffers, "Encoding"). Fields with explicit presence that matter are told apart by the loader.
"""

from __future__ import annotations

from typing import Literal

from coldtrail.model.signals import Signal
from coldtrail.store.loading import metrics as metrics_load

_COMMON = """syntax = "proto3";
message KeyValue { string key = 1; bytes value = 2; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
"""

_TRACES = """
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16;
  string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
  repeated bytes events = 11; uint32 dropped_events_count = 12;
  repeated bytes links = 13; uint32 dropped_links_count = 14; Status status = 15;
}
message ScopeGroup { Scope scope = 1; repeated Span items = 2; string schema_url = 3; }
"""

_LOGS = """
message LogRecord {
  fixed64 time_unix_nano = 1; fixed64 observed_time_unix_nano = 11; int32 severity_number = 2; string severity_text = 3;
  bytes body = 5; repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8;
  bytes trace_id = 9; bytes span_id = 10; string event_name = 12;
}
message ScopeGroup { Scope scope = 1; repeated LogRecord items = 2; string schema_url = 3; }
"""

_EMITTERS = """
message ScopeGroup { Scope scope = 1; string schema_url = 3; }
"""
"""Of any signal: its items are not declared, so the engine steps over them, a fifth of the time of decoding them."""

_ROOT = """
message ResourceGroup { Resource resource = 1; repeated ScopeGroup scope_groups = 2; string schema_url = 3; }
message Request { repeated ResourceGroup resource_groups = 1; }
"""

KEY_VALUES = "Array(Tuple(key LowCardinality(String), value String))"

_SPAN = f"""Tuple(trace_id FixedString(16), span_id FixedString(8), trace_state String, parent_span_id FixedString(8),
flags UInt32, name LowCardinality(String), kind UInt8, start_time_unix_nano UInt64, end_time_unix_nano UInt64,
attributes {KEY_VALUES}, dropped_attributes_count UInt32, events Array(String), dropped_events_count UInt32,
links Array(String), dropped_links_count UInt32, status Tuple(message String, code UInt8))"""

_LOG = f"""Tuple(time_unix_nano UInt64, observed_time_unix_nano UInt64, severity_number UInt8,
severity_text LowCardinality(String), body String, attributes {KEY_VALUES}, dropped_attributes_count UInt32, flags UInt32,
trace_id FixedString(16), span_id FixedString(8), event_name LowCardinality(String))"""


def _structure(item: str = "") -> str:
    scope = (
        f"Tuple(name LowCardinality(String), version LowCardinality(String), attributes {KEY_VALUES}, "
        "dropped_attributes_count UInt32)"
    )
    items = f"items Array({item}), " if item else ""
    group = f"Array(Tuple(scope {scope}, {items}schema_url LowCardinality(String)))"
    resource = f"Tuple(attributes {KEY_VALUES}, dropped_attributes_count UInt32)"
    return f"resource_groups Array(Tuple(resource {resource}, scope_groups {group}, schema_url LowCardinality(String)))"


Shape = Signal | Literal["emitters"]
"""What of a request is read: the items of a signal, or only who emitted them."""

FORMAT_SCHEMA: dict[Shape, str] = {
    "emitters": _COMMON + _EMITTERS + _ROOT,
    "traces": _COMMON + _TRACES + _ROOT,
    "logs": _COMMON + _LOGS + _ROOT,
    "metrics": _COMMON + metrics_load.SCHEMA + _ROOT,
}

STRUCTURE: dict[Shape, str] = {
    "emitters": _structure(),
    "traces": _structure(_SPAN),
    "logs": _structure(_LOG),
    "metrics": _structure(metrics_load.STRUCTURE),
}

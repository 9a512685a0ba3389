"""What our translators make of a format, as it was reviewed: input beside output in `tests/data/golden`.

After a change that is meant, renew the outputs with `COLDTRAIL_GOLDEN=renew .venv/bin/pytest tests/receivers/test_golden.py`
and review the difference like code.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.exports import Translation
from coldtrail.receivers.cloudwatch_logs import translate_payload
from coldtrail.receivers.xray import translate_datagram

DATA = Path(__file__).parents[1] / "data"
GOLDEN = DATA / "golden"
SUFFIX = ".otlp.json"
HEADER = b'{"format": "json", "version": 1}\n'
REQUEST = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest, "metrics": ExportMetricsServiceRequest}
IDS = ("traceId", "spanId", "parentSpanId")
BROKEN = "segmentValidationFailed"

INPUTS = {
    **{f"cloudwatch_logs/{path.stem}": path for path in sorted((GOLDEN / "cloudwatch_logs").glob("*.json")) if not path.name.endswith(SUFFIX)},
    **{f"xray/{path.stem}": path for path in sorted([*(GOLDEN / "xray").glob("*.json"), *(DATA / "xray").glob("*.txt")]) if not path.name.endswith(SUFFIX) and path.stem != BROKEN},
}


def as_otlp_json(value: Any) -> Any:
    """Protobuf's JSON as OTLP writes it: ids in hex, not base64."""
    if isinstance(value, list):
        return [as_otlp_json(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: base64.b64decode(inner).hex() if key in IDS else as_otlp_json(inner) for key, inner in value.items()}


def readable(translation: Translation) -> dict[str, Any]:
    exports = []
    for one in translation.exports:
        message = json_format.MessageToDict(REQUEST[one.signal].FromString(one.body), use_integers_for_enums=True)
        exports.append({"signal": one.signal, "items": one.items, "request": as_otlp_json(message)})
    return {"exports": exports, "rejected_items": translation.rejected_items, "reasons": list(translation.reasons)}


@pytest.mark.parametrize("name", INPUTS)
def test_a_format_becomes_the_otlp_that_was_reviewed(name: str) -> None:
    document = INPUTS[name].read_bytes()
    made = readable(translate_payload(document) if name.startswith("cloudwatch_logs/") else translate_datagram(HEADER + document))
    golden = GOLDEN / f"{name}{SUFFIX}"
    if os.environ.get("COLDTRAIL_GOLDEN") == "renew":
        golden.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    assert made == json.loads(golden.read_text())


def test_every_reviewed_output_has_its_input() -> None:
    outputs = {str(path.relative_to(GOLDEN)).removesuffix(SUFFIX) for path in GOLDEN.rglob(f"*{SUFFIX}")}
    assert outputs == INPUTS.keys()

"""X-Ray: segment documents as the SDKs and the daemon send them, to OTLP spans."""

from coldtrail.receivers.xray.api import PutResult, put_trace_segments, sampling_rules, sampling_targets
from coldtrail.receivers.xray.documents import translate_datagram

__all__ = ["PutResult", "put_trace_segments", "sampling_rules", "sampling_targets", "translate_datagram"]

"""X-Ray: segment documents as the SDKs and the daemon send them, to OTLP spans."""

from coldtrail.receivers.xray.api import PutResult, put_trace_segments, sampling_rules, sampling_targets, together
from coldtrail.receivers.xray.documents import read_datagram, translate_datagram
from coldtrail.receivers.xray.emitters import Senders, name_subsegments

__all__ = [
    "PutResult",
    "Senders",
    "name_subsegments",
    "put_trace_segments",
    "read_datagram",
    "sampling_rules",
    "sampling_targets",
    "together",
    "translate_datagram",
]

"""A fleet of many functions that never ran: plausible telemetry at the speed of the network, for tests of scale.

Nothing here is real but the shapes of what is sent: OTLP bodies of spans, of `REPORT` lines and of metric points, the same
for the same seed and time. `Fleet.bodies` yields them one after the other and keeps none.
"""

from coldtrail_lab.fleet.fleet import Body, Fleet
from coldtrail_lab.fleet.send import Sent, send

__all__ = ["Body", "Fleet", "Sent", "send"]

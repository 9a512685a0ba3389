"""One run of the lab through the relay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bench.reconstruction.recording import Recording, Relay
from bench.reconstruction.truth import read_truth
from coldtrail_lab.lab import Lab
from coldtrail_lab.pollers import POLL_S, Poller

FAULTS = {
    "connection-errors": 0.12,
    "malformed-records": 0.04,
    "undeliverable": 0.03,
    "duplicates": 0.03,
    "ledger-timeouts": 0.1,
    "profile-overtakes": 0.1,
}


PATIENT_S = {
    "stream-activities": 10.0,
    "sqs-notifications": 12.0,
    "sqs-onboarding-accounts": 20.0,
    "sqs-onboarding-profiles": 20.0,
    "stream-onboarding": 10.0,
}
"""How long a poller that found nothing waits, so that at five calls a second ten messages wait for it on average.

So the records, batches, retries and orders are those of a system with ten requests in flight, though two cores are
enough to run it: what waits takes no CPU.
"""


def _poll_patiently(poller: Poller) -> None:
    while not poller._stop.is_set():
        if not poller._poll():
            poller._stop.wait(PATIENT_S.get(poller._thread.name, POLL_S))


def record_patient(trails: int, seed: int, rate_per_s: float, say: Callable[[str], None]) -> Recording:
    """Run the lab as `record` does, with pollers that let ten messages wait."""
    usual = Poller._run
    setattr(Poller, "_run", _poll_patiently)  # noqa: B010 - a patch, and meant as one
    try:
        return record(trails, seed, rate_per_s, say)
    finally:
        setattr(Poller, "_run", usual)  # noqa: B010


def record(trails: int, seed: int, rate_per_s: float, say: Callable[[str], None]) -> Recording:
    """Run the lab with faults on until it has made ``trails`` trails; return what it emitted."""
    stop = threading.Event()
    with (
        Relay() as relay,
        Lab(otlp_http=relay.url, xray=relay.xray, faults=FAULTS, contexts={"": "all"}, say=say) as lab,
    ):
        began = time.monotonic()
        traffic = threading.Thread(target=lab.run_traffic, args=(seed, rate_per_s, stop, say))
        traffic.start()
        threading.Timer(trails / rate_per_s, stop.set).start()
        traffic.join()
        if not lab.drain(120):
            say("not everything was drained in time")
        time.sleep(3)
        truth = list(lab.truth.lines)
        say(
            f"{len(read_truth(truth).trails())} trails, {len(relay.deliveries)} deliveries in {time.monotonic() - began:.0f} s"
        )
    return Recording(seed, relay.deliveries, truth)

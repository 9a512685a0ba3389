"""What so many warm instances, or so much more memory, would have changed: the observed invocations run again. Pure.

The replay knows one thing of a function: an instance serves one invocation at a time. Arrivals and durations are those that
were observed; an idle instance is reused, the one that was used last first, until it has been idle for ``idle_s``.

Sources: AWS Lambda Developer Guide, "Configuring provisioned concurrency for a function" (charged from when it is enabled
until it is disabled; what goes beyond it runs on demand), "Configure Lambda function memory" (CPU grows with memory; 1,769 MB
are one vCPU).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from msgspec import Struct

ONE_VCPU_MB = 1_769
MB_A_GB = 1_024


class Arrival(Struct, frozen=True):
    """One invocation: when it was asked for, and how long its handler ran."""

    at_ns: int
    duration_ms: float


class Replay(Struct, frozen=True):
    """What a replay came to. ``warm_ms``: time of invocations that ran on the instances kept warm."""

    cold_starts: int
    most_at_once: int
    warm_ms: float


class Prices(Struct, frozen=True):
    """USD for a GB-second: on demand, kept warm, and running on what is kept warm."""

    on_demand: float
    kept_warm: float
    on_warm: float


class WarmAnswer(Struct, frozen=True):
    """So many warm instances: cold starts without and with them, the waiting they save, what they cost more (or less)."""

    warm: int
    cold_starts: int
    cold_starts_with: int
    saved_init_ms: float
    cost_usd: float
    most_at_once: int


class MemoryAnswer(Struct, frozen=True):
    """So much memory: how long initialising takes if it is CPU that it takes, and what a range costs more at least and at most."""

    memory_mb: int
    init_ms: float
    init_ms_with: float
    saved_init_ms: float
    cost_usd_low: float
    cost_usd_high: float


def replay(arrivals: Sequence[Arrival], *, warm: int = 0, idle_s: float = 300.0, init_ms: float = 0.0) -> Replay:
    """Run the invocations again with ``warm`` instances that are always there."""
    ends: list[tuple[int, bool]] = []
    idle: list[int] = []
    free_warm = warm
    cold = most = 0
    warm_ms = 0.0
    for one in sorted(arrivals, key=lambda arrival: arrival.at_ns):
        while ends and ends[0][0] <= one.at_ns:
            ended_ns, was_warm = heapq.heappop(ends)
            if was_warm:
                free_warm += 1
            else:
                idle.append(ended_ns)
        while idle and one.at_ns - idle[0] > idle_s * 1e9:
            idle.pop(0)
        taken_ms = one.duration_ms
        on_warm = free_warm > 0
        if on_warm:
            free_warm -= 1
            warm_ms += one.duration_ms
        elif idle:
            idle.pop()
        else:
            cold += 1
            taken_ms += init_ms
        heapq.heappush(ends, (one.at_ns + int(taken_ms * 1e6), on_warm))
        most = max(most, len(ends))
    return Replay(cold, most, warm_ms)


def with_warm(
    arrivals: Sequence[Arrival],
    *,
    warm: int,
    idle_s: float,
    init_ms: float,
    memory_mb: float,
    range_s: float,
    prices: Prices,
) -> WarmAnswer:
    """Return what ``warm`` instances would have saved and cost over a range of ``range_s`` seconds."""
    as_it_was = replay(arrivals, idle_s=idle_s, init_ms=init_ms)
    so = replay(arrivals, warm=warm, idle_s=idle_s, init_ms=init_ms)
    memory_gb = memory_mb / MB_A_GB
    kept = warm * memory_gb * range_s * prices.kept_warm
    cheaper = so.warm_ms / 1e3 * memory_gb * (prices.on_demand - prices.on_warm)
    saved_ms = (as_it_was.cold_starts - so.cold_starts) * init_ms
    # Initialising is billed as a run is (AWS Lambda pricing, since August 2025).
    unbilled = saved_ms / 1e3 * memory_gb * prices.on_demand
    return WarmAnswer(
        warm,
        as_it_was.cold_starts,
        so.cold_starts,
        saved_ms,
        kept - cheaper - unbilled,
        so.most_at_once,
    )


def with_memory(
    *, memory_mb: float, other_mb: int, init_ms: float, cold_starts: int, run_ms: float, prices: Prices
) -> MemoryAnswer:
    """Return what ``other_mb`` of memory would change, between "it all waits" and "it all computes".

    ``run_ms``: the handlers' time of the range in all. CPU grows with memory up to one vCPU; initialising is taken for CPU.
    """
    faster = min(other_mb, ONE_VCPU_MB) / min(memory_mb, ONE_VCPU_MB)
    init_with = init_ms / faster
    now_usd = (run_ms + cold_starts * init_ms) / 1e3 * memory_mb / MB_A_GB * prices.on_demand
    waits = (run_ms + cold_starts * init_with) / 1e3 * other_mb / MB_A_GB * prices.on_demand
    computes = (run_ms / faster + cold_starts * init_with) / 1e3 * other_mb / MB_A_GB * prices.on_demand
    low, high = sorted((waits - now_usd, computes - now_usd))
    return MemoryAnswer(other_mb, init_ms, init_with, (init_ms - init_with) * cold_starts, low, high)

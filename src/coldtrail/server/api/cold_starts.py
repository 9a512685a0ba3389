"""Cold starts: how often and how long, whom they hit, why, and what warm instances or more memory would change."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import ClientException

from coldtrail.analysis.cold_starts import RULES, Decided, Run, decide
from coldtrail.analysis.warm_pool import Arrival, Prices, with_memory, with_warm
from coldtrail.model.times import rfc3339
from coldtrail.model.trails import Trail
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import Service, json
from coldtrail.services.prices import BASE_REGION, PRICES
from coldtrail.store.functions.cold_starts import (
    MOST_FUNCTIONS,
    MOST_RUNS,
    Figures,
    Ready,
    RunRow,
    figures,
    made_ready,
    runs_of,
    whole_quantiles,
)
from coldtrail.store.trails.summaries import unit_of

HOUR_NS = 3600 * 10**9
LOOKS_BACK_NS = HOUR_NS
"""Causes are decided from the runs of the range and of an hour before it."""

MOST_SHOWN = 50
MOST_TRAILS = 24
WALK_S = 1.0
"""Trails are walked for so long at most; the answer says how many were."""

MOST_WARM = 1_000
MOST_MEMORY_MB = 10_240


@get("/cold-starts", sync_to_thread=True)
def cold_starts(
    state: State,
    since: str | None = None,
    until: str | None = None,
    service: str = "",
    warm: int | None = None,
    memory_mb: int | None = None,
) -> Response[bytes]:
    """Cold starts of a range by function, version, runtime and memory; with `service`, `warm` and `memory_mb` a what-if."""
    if warm is not None and not 0 <= warm <= MOST_WARM:
        raise ClientException(f"warm must be between 0 and {MOST_WARM}, got {warm}")
    if memory_mb is not None and not 128 <= memory_mb <= MOST_MEMORY_MB:
        raise ClientException(f"memory_mb must be between 128 and {MOST_MEMORY_MB}, got {memory_mb}")
    since_ns, until_ns = time_range(since, until)
    answers: Service = state.service
    groups = figures(answers.engine, since_ns, until_ns, service)
    colds = Counter[str]()
    for one in groups:
        colds[one.function] += one.cold_start_count
    functions = [name for name, n in colds.most_common(MOST_FUNCTIONS) if n]
    runs = runs_of(answers.engine, functions or ([service] if service else []), since_ns - LOOKS_BACK_NS, until_ns)
    ready = made_ready(answers.engine, since_ns - LOOKS_BACK_NS, until_ns, service)
    decided = [one for rows in runs.values() for one in _decided(rows, ready) if one[1].run.start_ns >= since_ns]
    decided.sort(key=lambda pair: -pair[1].run.start_ns)
    inits, restores = whole_quantiles(answers.engine, since_ns, until_ns, service)
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "service": service,
            "total": _total(groups, inits, restores),
            "provisioned_count": sum(one.how == "provisioned-concurrency" and one.time_ns >= since_ns for one in ready),
            "failed_init_count": sum(one.failed and one.time_ns >= since_ns for one in ready),
            "groups": [_group(one) for one in groups],
            "decided_count": len(decided),
            "causes": _causes([one for _, one in decided]),
            "cold_starts": _shown(answers, decided[:MOST_SHOWN]),
            "trails": _trails(answers, decided),
            "what_if": _what_if(groups, runs.get(service, []), since_ns, until_ns, warm, memory_mb)
            if service
            else None,
        }
    )


def _decided(rows: list[RunRow], ready: list[Ready]) -> list[tuple[str, Decided]]:
    """Decide the causes of one function's cold starts; what was made ready ahead is told by its instance."""
    function = rows[0].function
    runs = [
        Run(
            start_ns=row.start_ns,
            end_ns=row.start_ns + int(row.took_ms * 1e6),
            instance=row.instance,
            cold=row.is_cold,
            ready_ms=row.restore_ms if row.restore_ms is not None else row.init_ms,
            how=row.how,
            version=row.version,
            request_id=row.request_id,
            trace_id=row.trace_id,
        )
        for row in rows
    ]
    failed = [one.time_ns for one in ready if one.failed and one.function == function]
    return [(function, one) for one in decide(runs, failed, whole=len(rows) < MOST_RUNS // MOST_FUNCTIONS)]


def _total(groups: list[Figures], inits: list[float | None], restores: list[float | None]) -> dict[str, Any]:
    count, cold = sum(one.count for one in groups), sum(one.cold_start_count for one in groups)
    return {
        "count": count,
        "cold_start_count": cold,
        "cold_start_share": cold / count if count else None,
        **dict(zip(("init_p50_ms", "init_p95_ms", "init_p99_ms"), inits, strict=True)),
        **dict(zip(("restore_p50_ms", "restore_p95_ms", "restore_p99_ms"), restores, strict=True)),
    }


def _group(one: Figures) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in one.__struct_fields__ if name != "run_ms"}
    return {**told, "cold_start_share": one.cold_start_count / one.count if one.count else None, "package_bytes": None}


def _causes(decided: list[Decided]) -> list[dict[str, Any]]:
    counts = Counter(one.cause for one in decided)
    return [
        {
            "cause": cause,
            "count": counts[cause],
            "share": counts[cause] / len(decided) if decided else None,
            "rule": rule,
        }
        for cause, rule in RULES.items()
    ]


def _shown(answers: Service, decided: list[tuple[str, Decided]]) -> list[dict[str, Any]]:
    units = sorted({unit_of(one.run) for _, one in decided} - {""})
    trail_ids = answers.trails.trails_of(units)
    return [
        {
            "function": function,
            "time": rfc3339(one.run.asked_ns),
            "init_ms": one.run.ready_ms,
            "initialization_type": one.run.how,
            "version": one.run.version,
            "cause": one.cause,
            "request_id": one.run.request_id,
            "trail_id": next(iter(trail_ids.get(unit_of(one.run), ())), None),
        }
        for function, one in decided
    ]


def _trails(answers: Service, decided: list[tuple[str, Decided]]) -> dict[str, Any]:
    """Which trails the newest cold starts were part of, and what share of their duration they account for."""
    began, seen, walked = time.monotonic(), set[str](), 0
    hits: dict[tuple[str, str, str], list[tuple[float, float, str]]] = {}
    for _, one in decided:
        unit = unit_of(one.run)
        if one.cause == "provisioned" or not unit or unit in seen:
            continue
        if walked >= MOST_TRAILS or time.monotonic() - began > WALK_S:
            break
        seen.add(unit)
        walked += 1
        if found := answers.trails.trail(unit):
            trail = found[0]
            origin = trail.origin
            hits.setdefault((origin.kind, origin.service, origin.name), []).append((*_of_trail(trail), trail.trail_id))
    return {
        "walked_count": walked,
        "origins": [
            {
                "kind": kind,
                "service": service,
                "name": name,
                "is_user_facing": kind == "request",
                "count": len(found),
                "init_p50_ms": statistics.median(ms for ms, _, _ in found),
                "share_p50": statistics.median(share for _, share, _ in found),
                "share_max": max(share for _, share, _ in found),
                "trail_id": max(found, key=lambda hit: hit[1])[2],
            }
            for (kind, service, name), found in sorted(hits.items(), key=lambda pair: -len(pair[1]))
        ],
    }


def _of_trail(trail: Trail) -> tuple[float, float]:
    """How long a trail waited for cold starts on its critical path, and the share of its duration."""
    shares = [one for one in trail.critical_shares if one.cause == "init"]
    return sum(one.ms for one in shares), sum(one.share for one in shares)


def _first(price_id: str) -> float:
    return float(PRICES[price_id].regions[BASE_REGION][0].usd)


def lambda_prices() -> Prices:
    """What a GB-second costs in the base region, x86, below the first tier's end."""
    return Prices(
        *map(_first, ("lambda.duration.x86_64", "lambda.provisioned.x86_64", "lambda.provisioned_duration.x86_64"))
    )


def _what_if(
    groups: list[Figures], rows: list[RunRow], since_ns: int, until_ns: int, warm: int | None, memory_mb: int | None
) -> dict[str, Any] | None:
    """Answer for one function; the replay takes the runs of the range that were read."""
    inside = [row for row in rows if row.start_ns >= since_ns]
    memory = max((one.memory_mb or 0 for one in groups), default=0)
    waits = [ms for row in inside if row.is_cold and (ms := row.restore_ms if row.init_ms is None else row.init_ms)]
    if not inside:
        return None
    init_ms = statistics.fmean(waits) if waits else 0.0
    covered_ns = until_ns - max(since_ns, inside[0].start_ns if len(inside) >= MOST_RUNS else since_ns)
    prices = lambda_prices()
    arrivals = [Arrival(row.start_ns, row.took_ms) for row in inside]
    asked = [warm] if warm is not None else [1, 2, 5]
    told = [
        with_warm(
            arrivals,
            warm=n,
            idle_s=300.0,
            init_ms=init_ms,
            memory_mb=memory or 128,
            range_s=covered_ns / 1e9,
            prices=prices,
        )
        for n in asked
    ]
    sizes = [memory_mb] if memory_mb is not None else [memory * 2, memory * 4] if memory else []
    return {
        "run_count": len(inside),
        "covered_s": covered_ns / 1e9,
        "init_mean_ms": init_ms,
        "memory_mb": memory or None,
        "region": BASE_REGION,
        "architecture": "x86_64",
        "warm": [{name: getattr(one, name) for name in one.__struct_fields__} for one in told],
        "memory": [
            {name: getattr(one, name) for name in one.__struct_fields__}
            for size in sizes
            if memory and size <= MOST_MEMORY_MB
            for one in [
                with_memory(
                    memory_mb=memory,
                    other_mb=size,
                    init_ms=init_ms,
                    cold_starts=sum(row.is_cold for row in inside),
                    run_ms=sum(row.took_ms for row in inside),
                    prices=prices,
                )
            ]
        ],
    }


router = Router(path="/", route_handlers=[cold_starts], tags=["cold starts"])

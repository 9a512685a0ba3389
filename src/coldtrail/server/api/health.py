"""Is it working: health, what was received, what was set aside, which services there are."""

from __future__ import annotations

import shutil

from litestar import Response, Router, get
from litestar.datastructures import State

from coldtrail import __version__
from coldtrail.model.times import rfc3339
from coldtrail.server.api.service import Service, json
from coldtrail.store.engine_errors import EngineError

_SIZES = """
SELECT sumIf(rows, table = 'spans'), sumIf(rows, table = 'logs'), sumIf(rows, table IN ('metrics', 'metric_points')), sum(bytes_on_disk)
FROM system.parts WHERE active AND database = currentDatabase()
"""


@get("/health", sync_to_thread=True)
def health(state: State) -> Response[bytes]:
    """Say whether signals are taken in, loaded and answered; a store that is away has no numbers."""
    service: Service = state.service
    failing = service.loader.failing
    rows: tuple[int | None, ...] = (None, None, None, None)
    try:
        rows = service.engine.rows(_SIZES)[0]
    except EngineError as error:
        failing = failing or str(error)
    disk = shutil.disk_usage(service.data_dir)
    return json(
        {
            "status": "degraded" if failing else "ok",
            "version": __version__,
            "store": {
                "engine": "chdb" if service.engine.embedded else "clickhouse",
                "spans": rows[0],
                "logs": rows[1],
                "metric_points": rows[2],
                "bytes_on_disk": rows[3],
                "disk_free_bytes": disk.free,
                "failing": failing,
            },
            "wal": {
                "pending_bytes": service.wal.pending_bytes,
                "bound_bytes": service.wal.bound_bytes,
                "quarantined": len(service.loader.quarantined()),
            },
            "listeners": service.listeners(),
            "data_dir": str(service.data_dir),
        }
    )


@get("/received", sync_to_thread=False)
def received(state: State) -> Response[bytes]:
    """Count what each protocol brought since start, and what was refused and why."""
    return json(state.service.received())


@get("/quarantine", sync_to_thread=True)
def quarantine(state: State) -> Response[bytes]:
    """List the bodies that the engine refused."""
    found = state.service.loader.quarantined()
    return json(
        {
            "segments": [
                {
                    "name": one.name,
                    "signal": one.signal,
                    "bytes": one.size_bytes,
                    "reason": one.reason,
                    "time": rfc3339(int(one.time_s * 1e9)),
                }
                for one in found
            ]
        }
    )


@get("/services", sync_to_thread=True)
def services(state: State) -> Response[bytes]:
    """List every service and function that was seen."""
    rows = state.service.engine.rows(
        """SELECT name, max(kind) AS kind, toUnixTimestamp64Nano(min(first)), toUnixTimestamp64Nano(max(last)) FROM (
            SELECT name, 'service' AS kind, toDateTime64(min(minute), 9) AS first, toDateTime64(max(minute), 9) AS last
            FROM red WHERE grouping = 'service' GROUP BY name
            UNION ALL
            SELECT toString(function) AS name, 'function' AS kind, min(time) AS first, max(time) AS last
            FROM invocations WHERE source != 'span' GROUP BY name)
        GROUP BY name ORDER BY name LIMIT 2000"""
    )
    listed = [
        {"name": name, "kind": kind, "first_seen": rfc3339(first), "last_seen": rfc3339(last)}
        for name, kind, first, last in rows
    ]
    return json({"services": listed})


router = Router(path="/", route_handlers=[health, received, quarantine, services], tags=["health"])

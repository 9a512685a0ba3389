"""What reconstruction costs: CPU of the background pass, time of a trail's detail, time to a corrected trail."""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.reconstruction.feed import BODIES_A_REQUEST, feed, send_logs
from bench.reconstruction.levels import REQUEST, spans_of
from bench.reconstruction.recording import LogEvents, Signal
from bench.server import Server
from coldtrail.receivers.attributes import key_value

Row = tuple[str, str, str]

WITHOUT_PASS = [sys.executable, "-m", "bench.reconstruction.without_pass", "up"]
SIZES = (100, 1_000, 5_000)
LATE_TRAILS = 8
QUIET_S = 4.0
QUIET_CPU = 0.06


def idle(server: Server, most_s: float = 180.0) -> float:
    """Wait until the server did next to nothing twice in a row; return its CPU seconds so far.

    Twice, because a trail that seems complete is looked at again some seconds later.
    """
    deadline, before, quiet = time.monotonic() + most_s, server.cpu_s(), 0
    while time.monotonic() < deadline and quiet < 2:
        time.sleep(QUIET_S)
        now = server.cpu_s()
        quiet = quiet + 1 if now - before < QUIET_S * QUIET_CPU else 0
        before = now
    return before


def measure(signals: list[Signal], late: list[str], folder: Path) -> list[Row]:
    """Return the rows. ``late``: request ids of invocations that are told of last, one of a trail each."""
    kept, held = hold_back(signals, set(late[:LATE_TRAILS]))
    rows: list[Row] = []
    for way, bodies, goal in ((f"{BODIES_A_REQUEST} exports a request", BODIES_A_REQUEST, ""), ("as they were sent", 1, "<= 40 %")):
        plain_s, _ = _taken_in(kept, bodies, folder / f"plain-{bodies}", WITHOUT_PASS)
        passed_s, listed = _taken_in(kept, bodies, folder / f"passed-{bodies}")
        nodes = sum(row["node_count"] for row in listed)
        pass_s = max(0.01, passed_s - plain_s)
        rows += [
            (f"CPU to take in without the pass, {way}", f"{plain_s:.1f} s", ""),
            (f"CPU that the pass adds, {way}", f"{pass_s:.1f} s, {pass_s / plain_s:.0%}", goal),
            (
                f"nodes per CPU-second of the pass, {way}",
                f"{nodes / pass_s:,.0f} ({nodes:,} nodes, {len(listed):,} trails)",
                "",
            ),
        ]
    with Server(folder / "passed-1") as server:
        return rows + lateness(server, held) + details(server, listed)


def _taken_in(
    signals: list[Signal], bodies: int, folder: Path, command: list[str] | None = None
) -> tuple[float, list[dict[str, Any]]]:
    """CPU seconds of a fresh server until all is loaded and looked at, and its list of trails."""
    with Server(folder, command) as server:
        began_s = server.cpu_s()
        feed(server, signals, bodies)
        return idle(server) - began_s, all_trails(server)


def all_trails(server: Server, **since: str) -> list[dict[str, Any]]:
    """Return every row of the list; with ``since``, from a start on."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = server.get("/trails", limit=500, **since, **cursor)
        rows += page["trails"]
        if not page["cursor"]:
            return rows
        cursor = {"cursor": page["cursor"]}


def details(server: Server, listed: list[dict[str, Any]]) -> list[Row]:
    """Time of `GET /trails/{id}` by size: the lab's own trails, then made ones of a known size."""
    dice = random.Random(5)
    by_size: dict[str, list[str]] = {}
    for row in listed:
        size = row["node_count"]
        name = "1-10" if size <= 10 else "11-30" if size <= 30 else "31-100" if size <= 100 else "over 100"
        by_size.setdefault(name, []).append(row["trail_id"])
    rows = []
    for name, ids in sorted(by_size.items(), key=lambda item: int(item[0].split("-")[0].split()[-1])):
        chosen = dice.sample(ids, min(40, len(ids)))
        rows.append((f"a trail of {name} nodes", _times([_took(server, one) for one in chosen]), ""))
    for size in SIZES:
        trace_id = wide_trail(server, size)
        server.settle(3)
        goal = "<= 150 ms" if size == 1_000 else ""
        rows.append((f"a trail of {size:,} nodes", _times([_took(server, trace_id) for _ in range(7)]), goal))
    return rows


def _took(server: Server, trail_id: str) -> float:
    began = time.perf_counter()
    server.get(f"/trails/{trail_id}")
    return (time.perf_counter() - began) * 1e3


def _times(times_ms: list[float]) -> str:
    ordered = sorted(times_ms)
    return f"p50 {statistics.median(ordered):.0f} / worst {ordered[-1]:.0f} ms (of {len(ordered)})"


def wide_trail(server: Server, nodes: int, began_ns: int = 0) -> str:
    """Send one trace of ``nodes`` nodes that sends a message for every three: send, message, consumer. Began now unless told."""
    dice = random.Random(nodes)
    request = ExportTraceServiceRequest()
    sender = _scope(request, "fan-out")
    taker = _scope(request, "worker")
    trace_id, root, now_ns = dice.randbytes(16), dice.randbytes(8), began_ns or time.time_ns()
    sender.spans.add(
        trace_id=trace_id,
        span_id=root,
        name="POST /batch",
        kind=2,
        start_time_unix_nano=now_ns,
        end_time_unix_nano=now_ns + 10**9,
    )
    for number in range((nodes - 1) // 3):
        message_id, at_ns = f"{dice.getrandbits(128):032x}", now_ns + number * 100_000
        send = sender.spans.add(
            trace_id=trace_id, span_id=dice.randbytes(8), parent_span_id=root, name="send jobs", kind=4
        )
        take = taker.spans.add(trace_id=dice.randbytes(16), span_id=dice.randbytes(8), name="process jobs", kind=5)
        for span, start_ns, operation in ((send, at_ns, "send"), (take, at_ns + 5_000_000, "process")):
            span.start_time_unix_nano, span.end_time_unix_nano = start_ns, start_ns + 2_000_000
            attributes = {"messaging.message.id": message_id, "messaging.operation.type": operation}
            span.attributes.extend(
                key_value(name, value)
                for name, value in {
                    "messaging.system": "aws_sqs",
                    "messaging.destination.name": "jobs",
                    **attributes,
                }.items()
            )
    with httpx.Client(base_url=server.otlp_http, timeout=60) as client:
        answer = client.post(
            "/v1/traces", content=request.SerializeToString(), headers={"content-type": "application/x-protobuf"}
        )
        answer.raise_for_status()
    return trace_id.hex()


def _scope(request: ExportTraceServiceRequest, service: str) -> Any:
    group = request.resource_spans.add()
    group.resource.attributes.append(key_value("service.name", service))
    return group.scope_spans.add()


def hold_back(signals: list[Signal], request_ids: set[str]) -> tuple[list[Signal], dict[str, list[Signal]]]:
    """Return the signals without those of some invocations, and those by request id."""
    held: dict[str, list[Signal]] = {request_id: [] for request_id in request_ids}
    traces: dict[str, str] = {}
    for signal in signals:
        if isinstance(signal, ExportTraceServiceRequest):
            for _, span in spans_of(signal):
                for pair in span.attributes:
                    if pair.key == "faas.invocation_id" and pair.value.string_value in request_ids:
                        traces[span.trace_id.hex()] = pair.value.string_value
    kept: list[Signal] = []
    for signal in signals:
        if isinstance(signal, ExportTraceServiceRequest):
            found = {traces.get(span.trace_id.hex(), "") for _, span in spans_of(signal)}
            owner = found.pop() if len(found) == 1 else ""
            (held[owner] if owner else kept).append(signal)
        elif isinstance(signal, LogEvents):
            rest, current = [], ""
            for event in signal.events:
                named = REQUEST.search(event["message"])
                current = named[1] if named else current
                if current in held:
                    held[current].append(LogEvents(signal.group, signal.stream, [event]))
                else:
                    rest.append(event)
            if rest:
                kept.append(LogEvents(signal.group, signal.stream, rest))
        else:
            kept.append(signal)
    return kept, held


def lateness(server: Server, held: dict[str, list[Signal]]) -> list[Row]:
    """Time from sending the last signals of an invocation to a trail, and a list, that have it."""
    shown, listed = [], []
    with httpx.Client(base_url=server.otlp_http, timeout=60) as client:
        for request_id, signals in held.items():
            began = time.perf_counter()
            for signal in signals:
                if isinstance(signal, ExportTraceServiceRequest):
                    body = signal.SerializeToString()
                    client.post("/v1/traces", content=body, headers={"content-type": "application/x-protobuf"})
            send_logs(client, [signal for signal in signals if isinstance(signal, LogEvents)])
            trail = _until(lambda request_id=request_id: _whole(server, request_id))
            shown.append(time.perf_counter() - began)
            _until(lambda trail=trail: _listed(server, trail))
            listed.append(time.perf_counter() - began)
    return [
        ("late signals to the corrected trail", f"p50 {statistics.median(shown):.1f} / worst {max(shown):.1f} s", ""),
        (
            "late signals to the corrected list",
            f"p50 {statistics.median(listed):.1f} / worst {max(listed):.1f} s",
            "<= 5 s",
        ),
    ]


def _until(ask: Any, most_s: float = 60.0) -> Any:
    deadline = time.monotonic() + most_s
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise RuntimeError("the trail was not corrected within a minute")


def _whole(server: Server, request_id: str) -> dict[str, Any] | None:
    """The trail of an invocation, once it has the invocation and what was before it."""
    answer = server.api.get(f"/trails/{request_id}")
    if answer.status_code != 200:
        return None
    trail: dict[str, Any] = answer.json()
    mine = [
        node for node in trail["nodes"] if node["keys"].get("request_id") == request_id and node["kind"] == "invocation"
    ]
    return trail if mine and len(trail["nodes"]) > 3 and mine[0]["status"] != "open" else None


def _listed(server: Server, trail: dict[str, Any]) -> bool:
    rows = all_trails(server, since=trail["start"])
    return any(row["trail_id"] == trail["trail_id"] and row["node_count"] == len(trail["nodes"]) for row in rows)

"""Live updates: one server-sent event after every load."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from litestar import Router, get
from litestar.datastructures import State
from litestar.response import Stream

from coldtrail.model.times import rfc3339
from coldtrail.server.api.service import Service

QUEUE_LENGTH = 8
"""A page that does not listen misses ticks; it never holds them in our memory."""

KEEP_ALIVE_S = 15.0


@get("/live")
async def live(state: State) -> Stream:
    """Stream `event: loaded` with the counts of the store after every load."""
    subscribers: set[asyncio.Queue[bytes]] = state.service.subscribers

    async def events() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_LENGTH)
        subscribers.add(queue)
        try:
            yield b"retry: 2000\n\n"
            while True:
                try:
                    yield b"event: loaded\ndata: " + await asyncio.wait_for(queue.get(), KEEP_ALIVE_S) + b"\n\n"
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            subscribers.discard(queue)

    return Stream(events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


def publish(service: Service, newest_ns: int) -> None:
    """Tell the pages that listen what was received so far, and until when. Called in the event loop's thread."""
    received = service.received()
    counts = {signal: received[signal] for signal in ("spans", "logs", "metrics")}
    tick = msgspec.json.encode({**counts, "newest": rfc3339(newest_ns)})
    for queue in list(service.subscribers):
        with contextlib.suppress(asyncio.QueueFull):
            queue.put_nowait(tick)


router = Router(path="/", route_handlers=[live], tags=["live"])

"""Live updates: one server-sent event after every load."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from litestar import Router, get
from litestar.datastructures import State
from litestar.response import Stream

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


router = Router(path="/", route_handlers=[live], tags=["live"])

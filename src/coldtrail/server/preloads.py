"""What the page needs first, told in the header of its document: a browser then fetches it all at once, not step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

APP, OVERVIEW = "app", "overview"
"""Names of files in which the build puts what they need together (web/vite.config.ts)."""

FIRST = {"/": OVERVIEW, "/overview": OVERVIEW}
"""The screen that a path opens on, where nothing else says so early."""


def preloads(folder: Path, path: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header for the document at ``path``: the modules of the page and of its first screen; none where it is not built.

    Source: WHATWG HTML, "Link type `modulepreload`"; RFC 8288.
    """
    try:
        chunks = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=dict[str, dict[str, Any]])
    except (OSError, msgspec.DecodeError):
        return ()
    files: dict[str, None] = {}
    first = (APP, FIRST.get(path, APP))
    for key in [key for key, chunk in chunks.items() if chunk.get("name") in first]:
        _gather(chunks, key, files)
    links = ", ".join(f"</{file}>; rel=modulepreload" for file in files)
    return ((b"link", links.encode()),) if links else ()


def _gather(chunks: dict[str, dict[str, Any]], name: str, files: dict[str, None]) -> None:
    chunk = chunks.get(name)
    if chunk and chunk["file"] not in files:
        files[chunk["file"]] = None
        for other in chunk.get("imports", ()):
            _gather(chunks, other, files)

"""Port 4319: API v1 and the page, guarded; the page's files come from the package."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
from isal import isal_zlib

from coldtrail.server.listening.asgi import App, Receive, Scope, Send, answer
from coldtrail.server.listening.guard import COOKIE, Guard
from coldtrail.server.preloads import FIRST, preloads

FOLDER = Path(__file__).parent / "page"
API = "/api/v1"
LIVE = f"{API}/live"
"""Stays open as long as a page does."""

JAEGER = "/jaeger/api"
PROMETHEUS = "/prometheus/api"

SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        b"img-src 'self' data:; font-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
        b"form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

NOT_BUILT = b"""<!doctype html><meta charset="utf-8"><title>coldtrail</title>
<h1>The page is not built</h1><p>Run <code>make setup</code> (or <code>npm ci &amp;&amp; npm run build</code> in
<code>web/</code>) and reload. The API works: <a href="/api/v1/health">/api/v1/health</a>.</p>"""

_COMPRESSIBLE = (".js", ".css", ".html", ".svg", ".json", ".map")


class Page:
    """The ASGI application on port 4319. ``answering`` is entered while somebody waits for an answer."""

    def __init__(
        self,
        api: App,
        guard: Guard,
        folder: Path = FOLDER,
        answering: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._api = api
        self._answering = answering
        self._guard = guard
        self._folder = folder.resolve()
        self._zipped: dict[tuple[Path, int], bytes] = {}
        self._first: dict[tuple[str, int], tuple[tuple[bytes, bytes], ...]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._api(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        if await self._signs_in(scope, send):
            return
        refusal = self._guard.refusal(dict(scope["headers"]), cookies=True)
        if refusal:
            problem = {"type": "about:blank", "title": "Refused", "status": refusal[0], "detail": refusal[1]}
            await answer(send, refusal[0], msgspec.json.encode(problem), b"application/problem+json", SECURITY)
        elif scope["path"] == LIVE:
            await self._api(scope, receive, send)
        elif scope["path"].startswith((API, JAEGER, PROMETHEUS)) or scope["path"] == "/mcp":
            with self._answering():
                await self._api(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, b"", b"text/plain", SECURITY)
        else:
            with self._answering():
                await self._file(scope, send)

    async def _signs_in(self, scope: Scope, send: Send) -> bool:
        """`/?token=...` sets the cookie once and takes the token out of the address."""
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if not self._guard.token or not given or scope["path"] != "/" or not self._guard.token_matches(given):
            return False
        cookie = f"{COOKIE}={self._guard.token}; HttpOnly; SameSite=Strict; Path=/"
        await answer(send, 303, b"", b"text/plain", ((b"location", b"/"), (b"set-cookie", cookie.encode()), *SECURITY))
        return True

    async def _file(self, scope: Scope, send: Send) -> None:
        path = (self._folder / scope["path"].lstrip("/")).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            if scope["path"].startswith("/assets/") or ("." in scope["path"] and scope["path"].count("/") == 1):
                await answer(send, 404, b"not found", b"text/plain", SECURITY)
                return
            path = self._folder / "index.html"
        if not path.is_file():
            await answer(send, 503, NOT_BUILT, b"text/html; charset=utf-8", SECURITY)
            return
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        hashed = path.parent.name == "assets"
        cache = b"public, max-age=31536000, immutable" if hashed else b"no-cache"
        body, headers = self._encoded(path, dict(scope["headers"]).get(b"accept-encoding", b""))
        if path.name == "index.html":
            headers += self._preloads(scope["path"], path.stat().st_mtime_ns)
        await answer(send, 200, body, kind.encode(), ((b"cache-control", cache), *headers, *SECURITY))

    def _preloads(self, path: str, built_ns: int) -> tuple[tuple[bytes, bytes], ...]:
        key = (path if path in FIRST else "", built_ns)
        if key not in self._first:
            self._first[key] = preloads(self._folder, path)
        return self._first[key]

    def _encoded(self, path: Path, accepted: bytes) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
        if path.suffix not in _COMPRESSIBLE or b"gzip" not in accepted:
            return path.read_bytes(), ()
        key = (path, path.stat().st_mtime_ns)
        if key not in self._zipped:
            stream = isal_zlib.compressobj(level=3, wbits=31)
            self._zipped[key] = stream.compress(path.read_bytes()) + stream.flush()
        return self._zipped[key], ((b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))

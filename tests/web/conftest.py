"""A running coldtrail with story 1 inside, and a real browser."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from running import Coldtrail, serving
from together import LASTING

sys.path.insert(0, str(Path(__file__).parent))

from told import Told, tell

# A busy machine takes many times as long as an idle one.
expect.set_options(timeout=60_000)

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = Path(__file__).parents[2] / "src/coldtrail/server/page/index.html"
OURS = ("http://127.0.0.1:", "data:", "blob:")


@pytest.fixture(scope="session", autouse=True)
def built_page() -> None:
    if not PAGE.is_file():
        pytest.fail("the page is not built: run `npm ci && npm run build` in web/")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Coldtrail:
    """A server that nothing was ever sent to, kept for the files that ask for it."""
    return LASTING.get("empty", lambda: serving(tmp_path_factory.mktemp("empty") / "data"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Story 1, told once for all files that ask for it."""

    @contextlib.contextmanager
    def telling() -> Iterator[Told]:
        with serving(tmp_path_factory.mktemp("told") / "data") as running:
            yield tell(running)

    return LASTING.get("told", telling)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"])
    made.set_default_timeout(60_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab whose errors fail the test: exceptions, CSP violations, requests to another origin."""
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(f"exception: {error}"))
    tab.on("console", lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None)
    tab.on("request", lambda request: None if request.url.startswith(OURS) else wrong.append(request.url))
    yield tab
    assert wrong == []

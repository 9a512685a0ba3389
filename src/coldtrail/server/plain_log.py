"""The process's own log: lines for people, and of what failed how it came, without what variables held."""

from __future__ import annotations

import sys

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback


def log_plainly() -> None:
    """Keep structlog's defaults but for its tracebacks: those write down variables, and so telemetry and maybe secrets."""
    *processors, _ = structlog.get_config()["processors"]
    structlog.configure(
        processors=[*processors, ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain_traceback)]
    )

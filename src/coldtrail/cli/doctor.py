"""What may be wrong with this machine or the running coldtrail, each with what to do."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path
from typing import Any

Check = dict[str, Any]


def _check(name: str, ok: bool, detail: str, advice: str = "", *, warning: bool = False) -> Check:
    status = "ok" if ok else "warning" if warning else "failed"
    return {"name": name, "status": status, "detail": detail, "advice": "" if ok else advice}


def checks(url: str, token: str, data: Path) -> list[Check]:
    """Return the checks of the machine, then those of the process at ``url``."""
    return [_python(), _processor(), _disk(data), _page(), *_process(url, token)]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return _check("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _processor() -> Check:
    """The embedded engine's wheel wants AVX2, and glibc on Linux or macOS."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else "avx2"
    able = platform.machine() not in ("x86_64", "AMD64") or "avx2" in flags
    return _check(
        "processor", able, f"{platform.system()} {platform.machine()}", "no AVX2: use --store clickhouse://... instead"
    )


def _disk(data: Path) -> Check:
    folder = next(path for path in (data.resolve(), *data.resolve().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    return _check(
        "disk",
        free > 2 << 30,
        f"{free / 2**30:.1f} GiB free at {folder}",
        "free some space, or move --data",
        warning=True,
    )


def _page() -> Check:
    from coldtrail.server.page import FOLDER

    built = (FOLDER / "index.html").is_file()
    return _check(
        "page", built, "built" if built else "not built", "run 'make setup', or npm ci && npm run build in web/"
    )


def _process(url: str, token: str) -> list[Check]:
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        health = httpx.get(f"{url.rstrip('/')}/api/v1/health", headers=headers, timeout=10).json()
    except (httpx.HTTPError, ValueError) as error:
        return [_check("process", False, f"{url}: {error}", "start it with 'coldtrail up'", warning=True)]
    if "store" not in health:
        return [
            _check("process", False, str(health.get("detail", health))[:200], "give the --token it was started with")
        ]
    store, wal = health["store"], health["wal"]
    return [
        _check(
            "process", health["status"] == "ok", f"{url} {health['version']} {health['status']}", str(store["failing"])
        ),
        _check(
            "log",
            wal["pending_bytes"] < wal["bound_bytes"] / 2,
            f"{wal['pending_bytes']} bytes wait to be loaded",
            "the store is slower than the senders",
        ),
        _check(
            "quarantine",
            not wal["quarantined"],
            f"{wal['quarantined']} bodies set aside",
            f"see {url}/api/v1/quarantine",
            warning=True,
        ),
    ]


def show_checks(found: list[Check]) -> None:
    """Print one line a check."""
    import typer

    colour = {"ok": "green", "warning": "yellow", "failed": "red"}
    for check in found:
        typer.secho(f"{check['status']:8}", fg=colour[check["status"]], nl=False)
        typer.echo(f"{check['name']:12}{check['detail']}" + (f"\n{'':20}{check['advice']}" if check["advice"] else ""))

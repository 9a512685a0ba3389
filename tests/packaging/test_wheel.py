"""What `pip install` gives: a wheel with the page inside, which works far from this folder."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

import running
from otlp import span, traces
from running import serving

ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT], check=True)
    return next(folder.glob("coldtrail-*.whl"))


def test_the_wheel_holds_every_module_and_the_whole_page(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    for source, package in ((ROOT / "src", "coldtrail"), (ROOT / "lab", "coldtrail_lab")):
        modules = {path.relative_to(source).as_posix() for path in (source / package).rglob("*.py")}
        assert modules - held == set()
    page = zipfile.ZipFile(wheel).read("coldtrail/server/page/index.html").decode()
    wanted = {f"coldtrail/server/page{path}" for path in re.findall(r'(?:src|href)="(/[^"]+)"', page)}
    assert any(path.endswith(".js") for path in wanted)
    assert wanted - held == set()
    assert not [path for path in held if path.startswith(("tests/", "bench/", "web/"))]


def test_the_source_distribution_needs_no_node_to_be_installed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as distribution:
        held = distribution.getnames()
    assert [path for path in held if path.endswith("server/page/index.html")]
    assert not [path for path in held if "node_modules" in path or "/.venv/" in path]


def test_an_installed_wheel_serves_its_page_and_takes_a_span_from_any_folder(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([*PIP, "--python", python, "install", "--no-deps", "--no-index", wheel], check=True)
    site = next((tmp_path / "venv/lib").glob("python*/site-packages"))
    # The libraries are those of these tests: nothing is downloaded. A path in a .pth does not bring that folder's own .pth files.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    ours = subprocess.run([python, "-c", "import coldtrail, coldtrail_lab; print(coldtrail.__file__, coldtrail_lab.__file__)"], cwd=tmp_path, env={}, check=True, capture_output=True, text=True)
    assert ours.stdout.count(str(site)) == 2
    monkeypatch.setattr(running, "COMMAND", python.with_name("coldtrail"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with serving(elsewhere / "data") as installed:
        page = httpx.get(f"{installed.url}/")
        script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
        assert script
        assert httpx.get(installed.url + script[1]).status_code == 200
        one = span()
        assert installed.post("/v1/traces", traces(one)).status_code == 200
        installed.eventually("/spans", lambda answer: len(answer["spans"]) == 1, trace_id=one["trace_id"].hex())

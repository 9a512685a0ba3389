"""The documentation is true: commands exist, links lead somewhere, no package registry is named."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from running import COMMAND

ROOT = Path(__file__).parents[2]
TRACKED = [ROOT / name for name in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()]
PAGES = [path for path in TRACKED if path.suffix == ".md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_command_and_flag_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    helps = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for command in set(re.findall(r"`coldtrail (\w+)", readme)):
        assert command in helps, command
    up = subprocess.run([COMMAND, "up", "--help"], capture_output=True, text=True, check=True, env={"COLUMNS": "200", "PATH": "/usr/bin"}).stdout
    for flag in set(re.findall(r"`(--[a-z-]+)`", readme)):
        assert flag in up + "--help --json", flag
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`?make (\w+)", readme)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_setting_is_documented() -> None:
    from coldtrail.server.settings.settings import Settings

    page = (ROOT / "docs/settings.md").read_text()
    for name in Settings.model_fields:
        assert f"`{name}" in page or f"`{name}." in page or name in ("insecure",), name


def test_no_file_names_a_package_registry() -> None:
    hosts = [b"py" + b"pi.org", b"files.python" + b"hosted", b"registry." + b"npmjs", b"deb.de" + b"bian.org"]
    for path in TRACKED:
        if path.is_file():
            data = path.read_bytes()
            assert not [host for host in hosts if host in data], path

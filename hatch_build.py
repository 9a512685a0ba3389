"""Puts the built page into the wheel and the source distribution, building it first where it is missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before either is made; an editable install leaves the page alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatch gives it
        """Build web/ into src/coldtrail/server/page/ unless it is there."""
        root = Path(self.root)
        if version == "editable" or (root / "src/coldtrail/server/page/index.html").is_file():
            return
        npm = shutil.which("npm")
        if not npm:
            raise RuntimeError("the page is not built and npm is missing: install Node.js 20 or newer, then try again")
        for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            subprocess.run([npm, *command], cwd=root / "web", check=True)

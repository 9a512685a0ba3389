"""`coldtrail up` without its background pass, to tell what the pass costs; for the benchmark alone."""

from __future__ import annotations

from coldtrail.cli.main import app
from coldtrail.server.reconstruction.clockwork import Reconstruction

if __name__ == "__main__":
    setattr(Reconstruction, "start", lambda self: None)  # noqa: B010 - a patch, and meant as one
    app()

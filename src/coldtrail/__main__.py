"""`python -m coldtrail`."""

from coldtrail.cli.main import app

app()

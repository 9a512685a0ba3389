"""Secrets are named where they are used and read when they are: from the environment, or from a file of a folder for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

MOST_BYTES = 8 << 10
FOLDERS = ("/run/secrets", "/etc/coldtrail/secrets")
OURS = ("COLDTRAIL_", "AWS_")
"""Variables of these names hold what coldtrail itself is trusted with; who may define a route must not send them anywhere."""

MAY = "COLDTRAIL_SECRET_"

Read = Callable[[str], str]


class NoSecret(ValueError):
    """A secret cannot be read; the message says which and why, never what it is."""


def read_secret(reference: str, environment: Mapping[str, str], folders: tuple[str, ...] = FOLDERS) -> str:
    """Return what `env:NAME` or `file:/path` holds, without white space at its ends.

    Raises:
        NoSecret: there is none, or it is not one that routes may use.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        if name.startswith(OURS) and not name.startswith(MAY):
            raise NoSecret(f"{reference} is none that a route may use: name it {MAY}..., or anything of your own")
        value = environment.get(name, "").strip()
    elif kind == "file":
        value = _of_file(reference, name, folders)
    else:
        raise NoSecret("a secret is named as env:NAME or file:/path")
    if not value or any(ord(letter) < 32 for letter in value):
        raise NoSecret(f"{reference} is empty, or no single line")
    return value


def of_process(folders: tuple[str, ...] = FOLDERS) -> Read:
    """Return a reader of this process's secrets."""
    return lambda reference: read_secret(reference, os.environ, folders)


def _of_file(reference: str, name: str, folders: tuple[str, ...]) -> str:
    try:
        path = Path(name).resolve(strict=True)
        if not any(path.is_relative_to(Path(folder).resolve()) for folder in folders):
            raise NoSecret(f"{reference} lies in none of the folders of secrets: {', '.join(folders)}")
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoSecret(f"{reference} cannot be read: {type(error).__name__}") from None

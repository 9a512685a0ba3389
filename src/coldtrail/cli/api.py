"""The API as the command line asks it: the options that say where it is, and errors that say what to do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Url = Annotated[str, typer.Option("--url", envvar="COLDTRAIL_URL", help="Where coldtrail's page and API are.")]
Token = Annotated[str, typer.Option("--token", envvar="COLDTRAIL_TOKEN", help="The token, where one is set.")]
DEFAULT_URL = "http://127.0.0.1:4319"
ANSWERED = (200, 201)


class Refused(Exception):
    """The API did not do what it was asked; the message says why."""


def fail(message: str) -> typer.Exit:
    """Print what is wrong and return the exit to raise."""
    typer.secho(f"coldtrail: {message}", fg="red", err=True)
    return typer.Exit(1)


def ask(url: str, token: str, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the API's answer, or end with what is wrong and what to do."""
    return _request("GET", url, token, path, params=params)


def ask_text(url: str, token: str, path: str) -> str:
    """Return an answer that is a text, such as Markdown, or end with what is wrong and what to do."""
    try:
        return str(_sent("GET", url, token, path).text)
    except Refused as error:
        raise fail(str(error)) from None


def tell(url: str, token: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send something to the API and return its answer, or end with what is wrong and what to do."""
    return _request("POST", url, token, path, json=body)


def ask_to(method: str, url: str, token: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Have the API do something and return its answer.

    Raises:
        Refused: it was not done.
    """
    return _answered(method, url, token, path, **({} if body is None else {"json": body}))


def keep(url: str, token: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Put something in place of what was there and return the API's answer, or end with what is wrong and what to do."""
    return _request("PUT", url, token, path, json=body)


def _request(method: str, url: str, token: str, path: str, **more: Any) -> dict[str, Any]:
    try:
        return _answered(method, url, token, path, **more)
    except Refused as error:
        raise fail(str(error)) from None


def _answered(method: str, url: str, token: str, path: str, **more: Any) -> dict[str, Any]:
    response = _sent(method, url, token, path, **more)
    answer: dict[str, Any] = response.json() if _is_json(response) else {}
    return answer


def _sent(method: str, url: str, token: str, path: str, **more: Any) -> Any:
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        response = httpx.request(method, f"{url.rstrip('/')}/api/v1{path}", headers=headers, timeout=60, **more)
    except httpx.HTTPError as error:
        raise fail(
            f"nothing answers at {url} ({error}); start it with 'coldtrail up', or say where it is with --url"
        ) from None
    if response.status_code not in ANSWERED:
        told = response.json() if _is_json(response) else {}
        raise Refused(str(told.get("detail", f"{url} answered {response.status_code}")))
    return response


def _is_json(response: Any) -> bool:
    return "json" in response.headers.get("content-type", "")

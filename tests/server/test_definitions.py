"""Definitions over HTTP: what is kept, what is refused and why."""

from __future__ import annotations

import httpx
import pytest

from coldtrail.model.definitions import NAME, SPECS, BadDefinition, check_name, read_spec
from running import Coldtrail

PATH = "/api/v1/definitions"


def test_an_unknown_kind_a_bad_name_and_a_bad_body_are_refused_with_the_reason(coldtrail: Coldtrail) -> None:
    with httpx.Client(base_url=coldtrail.url, timeout=90) as client:
        unknown = client.put(f"{PATH}/riddle/one", json={"spec": {}})
        assert (unknown.status_code, unknown.headers["content-type"]) == (400, "application/problem+json")
        assert 'there is no kind "riddle"' in unknown.json()["detail"]
        assert "no name" in client.put(f"{PATH}/riddle/One%20Two", json={"spec": {}}).json()["detail"]
        assert client.put(f"{PATH}/riddle/one", content=b"{").status_code == 400
        assert client.put(f"{PATH}/riddle/one", json={"spec": {}, "more": 1}).status_code == 400
        assert client.put(f"{PATH}/riddle/one", content=b" " * (300 << 10)).status_code == 413


def test_what_was_never_defined_is_not_there(coldtrail: Coldtrail) -> None:
    with httpx.Client(base_url=coldtrail.url, timeout=90) as client:
        assert client.get(f"{PATH}/dashboard/nobody-made-this").status_code == 404
        assert client.delete(f"{PATH}/dashboard/nobody-made-this").status_code == 404
        assert client.get(PATH).json()["kinds"] == sorted(SPECS)


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a/b", "a" * 64, "é"])
def test_names_fit_into_links_and_files(name: str) -> None:
    assert not NAME.fullmatch(name)
    with pytest.raises(BadDefinition, match="no name"):
        check_name(name)


def test_a_kind_tells_where_its_body_is_wrong() -> None:
    for kind in SPECS:
        with pytest.raises(BadDefinition) as told:
            read_spec(kind, {"surely_unknown": 1})
        assert told.value.path.startswith("$")

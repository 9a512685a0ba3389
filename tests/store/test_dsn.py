"""What `--store` may say, and that a password in it is never said back."""

from __future__ import annotations

import pytest

from coldtrail.store.dsn import BadDsn, Embedded, Server, parse_dsn


@pytest.mark.parametrize(("text", "meaning"), [
    ("chdb:///data/store", Embedded("/data/store")),
    ("chdb:///data/it's a #1 folder", Embedded("/data/it's a #1 folder")),
    ("clickhouse://ch.example", Server("ch.example", 8123, "coldtrail")),
    ("clickhouse://ch.example:9000/spans", Server("ch.example", 9000, "spans")),
    ("clickhouse://me:p%40ss%2Fword@[::1]:8123/spans", Server("::1", 8123, "spans", "me", "p@ss/word")),
    ("clickhouse://me@ch.example/spans?secure=true", Server("ch.example", 8443, "spans", "me", secure=True)),
    ("clickhouse://ch.example:8443/spans?verify=false&ca_cert=/etc/ca.pem", Server("ch.example", 8443, "spans", secure=True, verify=False, ca_cert="/etc/ca.pem")),
])
def test_a_dsn_says_where_the_store_is(text: str, meaning: Embedded | Server) -> None:
    assert parse_dsn(text) == meaning


@pytest.mark.parametrize(("text", "said"), [
    ("postgres://me:s3cret@host/db", '"chdb:///path" or "clickhouse://'),
    ("clickhouse:me:s3cret@host/db", '"chdb:///path" or "clickhouse://'),
    ("chdb://relative/path", '"chdb:///path" or "clickhouse://'),
    ("clickhouse://me:s3cret@/db", "names no host"),
    ("clickhouse://me:s3cret@host:eighty/db", "is not an address"),
    ("clickhouse://me:s3cret@host/my-db", "letters, digits"),
    ("clickhouse://me:s3cret@host/db?compress=1", '"compress" is not an option; there are secure, verify, ca_cert'),
    ("clickhouse://me:s3cret@host/db?secure=perhaps", 'secure must be true or false, got "perhaps"'),
    ("clickhouse://me:s3cret/2@host/db", "in a password %2F"),
    ("clickhouse://me:s3cret:s3cret@host/d-b", "clickhouse://me:***@host/d-b"),
])
def test_a_wrong_dsn_is_explained_without_its_password(text: str, said: str) -> None:
    with pytest.raises(BadDsn) as raised:
        parse_dsn(text)
    assert said in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_a_server_is_shown_without_its_password() -> None:
    server = parse_dsn("clickhouse://me:s3cret@host/db")
    assert (repr(server), f"{server}") == ("clickhouse://me@host:8123/db",) * 2

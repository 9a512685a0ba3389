"""What each way out sends, byte for byte; and that none of them can be aimed at what only this server can reach."""

from __future__ import annotations

import email
import json
import os
import socketserver
import threading
from collections.abc import Iterator
from email import policy
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest

from coldtrail.model.alerting import Happening, Notification, Part
from coldtrail.model.routes import Route
from coldtrail.watch.ways_out import WRITES, NotSent, Outside, send
from coldtrail.watch.ways_out.mail import letter
from coldtrail.watch.ways_out.outside import Request
from coldtrail.watch.ways_out.secret import NoSecret, read_secret
from coldtrail.watch.ways_out.sns import published
from coldtrail.watch.ways_out.webhook import signature
from receiver import receiving

GOLDEN = Path(__file__).parent / "ways_out_golden"
START = 1_795_210_200 * 10**9
WAYS: dict[str, dict[str, Any]] = {
    "webhook": {"type": "webhook", "url": "https://hooks.example/coldtrail"},
    "slack": {"type": "slack", "url": "env:SLACK"},
    "pagerduty": {"type": "pagerduty", "secret": "env:KEY"},
    "opsgenie": {"type": "opsgenie", "secret": "env:KEY", "endpoint": "https://api.eu.opsgenie.com"},
    "alertmanager": {"type": "alertmanager", "url": "https://am.example/", "secret": "env:KEY"},
    "sns": {"type": "sns", "topic_arn": "arn:aws:sns:eu-central-1:123456789012:alerts.fifo"},
    "email": {"type": "email", "to": ["a@example.com", "b@example.com"], "sender": "coldtrail@example.com", "host": "smtp.example.com"},
}
SECRETS = {"env:SLACK": "https://hooks.slack.example/services/T0/B0/hush", "env:KEY": "hush-hush"}
LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


def way(name: str, **more: Any) -> Any:
    return msgspec.convert({"to": {**WAYS[name], **more}}, Route).to


def message(what: Happening) -> Notification:
    parts = (
        Part("orders", 0.41, "orders: error_share 0.41, over 0.05", "orders", "", "0af7651916cd43dd8448eb211c80319c"),
        Part("<evil>&co\n", 0.2, "<evil>&co:\nerror_share 0.2, over 0.05", "evil"),
    )
    return Notification(
        id="d0c1a2b3c4d5e6f7",
        dedup_key="coldtrail-1122334455667788",
        what=what,
        alert="orders-fail",
        group="",
        title="Orders fail\r\nBcc: everybody@example.com",
        severity="high",
        why="orders: error_share 0.41, over 0.05, and 1 more" if what != "recovered" else "orders: error_share 0.01, within 0.05",
        started_ns=START,
        time_ns=START + 90 * 10**9,
        link="https://watch.example/alerts/orders-fail?at=2026-11-20T21%3A30%3A00.000Z",
        value=0.41,
        parts=() if what == "recovered" else parts,
        runbook="https://wiki.example/orders",
        description="Customers cannot order.",
        by="ada" if what == "acknowledged" else "",
    )


def shown(name: str, what: Happening) -> str:
    """What is sent, as a text that one can review."""
    if name == "email":
        return letter(way(name), message(what)).as_string().replace("\r\n", "\n")
    if name == "sns":
        asked = published(way(name), message(what))
        forms = json.loads(asked.pop("Message"))
        forms["default"] = json.loads(forms["default"])
        return f"Publish\n{json.dumps({**asked, 'Message': forms}, indent=2, ensure_ascii=False)}\n"
    request = WRITES[type(way(name))](way(name), message(what), SECRETS.__getitem__)
    if request is None:
        return "nothing\n"
    headers = "".join(f"{key}: {value}\n" for key, value in sorted(request.headers.items()))
    return f"POST {request.url}\n{headers}\n{json.dumps(json.loads(request.body), indent=2, ensure_ascii=False)}\n"


@pytest.mark.parametrize("what", ["fired", "acknowledged", "recovered"])
@pytest.mark.parametrize("name", WAYS)
def test_each_way_out_sends_what_its_documentation_says(name: str, what: Happening) -> None:
    golden = GOLDEN / f"{name}-{what}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(shown(name, what))
    assert shown(name, what) == golden.read_text()


def test_a_mail_has_no_header_that_a_title_brought() -> None:
    parsed = email.message_from_bytes(letter(way("email"), message("fired")).as_bytes(), policy=policy.default)
    assert parsed["Bcc"] is None
    assert "everybody" in parsed["Subject"]


@pytest.mark.parametrize("name", [name for name in WAYS if name not in ("email", "sns")])
def test_each_is_taken_by_a_real_server(name: str) -> None:
    with receiving() as receiver:
        secrets = {**SECRETS, "env:SLACK": f"{receiver.url}/slack"}
        field = {"webhook": "url", "pagerduty": "endpoint", "opsgenie": "endpoint", "alertmanager": "url"}.get(name)
        send(way(name, **({field: receiver.url} if field else {})), message("fired"), Outside(LOOPBACK, secrets.__getitem__))
        (told,) = receiver.told
        assert told.body
        assert told.headers["host"] == receiver.url.removeprefix("http://")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.7", "192.168.1.1", "172.16.0.1", "0.0.0.0", "[fe80::1]", "[fd00::1]",
     "[::ffff:10.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "2130706433", "0x7f.1", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_what_is_not_public_is_not_reached(host: str) -> None:
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        with pytest.raises(NotSent, match=r"not public|no address"):
            Outside(timeout_s=2).post(Request(f"http://{host}:{port}/", b"{}", {}))
        assert receiver.told == []


def test_an_owner_may_allow_one_network_and_no_other() -> None:
    outside = Outside([ip_network("10.2.0.0/16"), ip_network("fd00::/8")])
    assert outside.address_of("10.2.3.4", 80) == "10.2.3.4"
    assert outside.address_of("fd00::7", 80) == "fd00::7"
    for host in ("10.3.0.1", "127.0.0.1", "169.254.169.254"):
        with pytest.raises(NotSent):
            outside.address_of(host, 80)


def test_redirects_are_not_followed_and_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver, receiving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        receiver.answer = lambda told: (307, {"Location": f"{proxy.url}/inside"})
        with pytest.raises(NotSent, match=r"127\.0\.0\.1 answered 307"):
            send(way("webhook", url=receiver.url), message("fired"), Outside(LOOPBACK))
        assert (len(receiver.told), proxy.told) == (1, [])


def test_what_goes_wrong_is_told_without_the_secret() -> None:
    with receiving() as receiver:
        receiver.answer = lambda told: (429, {"Retry-After": "17"})
        with pytest.raises(NotSent) as told:
            send(way("slack"), message("fired"), Outside(LOOPBACK, lambda _: f"{receiver.url}/T0/hush"))
        assert (told.value.retry_after_s, "hush" in str(told.value)) == (17.0, False)
    with pytest.raises(NotSent, match="could not be told: ConnectError") as told:
        send(way("slack"), message("fired"), Outside(LOOPBACK, lambda _: "http://127.0.0.1:1/hush"))
    assert "hush" not in str(told.value)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """moto in server mode; its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_a_topic_of_sns_passes_messages_on_once_and_in_order(moto: str) -> None:
    import boto3

    us = {"region_name": "eu-central-1", "endpoint_url": moto, "aws_access_key_id": "us", "aws_secret_access_key": "us"}
    sns, sqs = boto3.client("sns", **us), boto3.client("sqs", **us)
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
    topics = [sns.create_topic(Name="alerts")["TopicArn"], sns.create_topic(Name="alerts.fifo", Attributes=fifo)["TopicArn"]]
    outside = Outside(LOOPBACK, {"env:SNS_KEY": "hush-hush"}.__getitem__)
    for topic in topics:
        ordered = topic.endswith(".fifo")
        queue = sqs.create_queue(QueueName=topic.rpartition(":")[2], Attributes={"FifoQueue": "true"} if ordered else {})["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": '{"severity": ["high"]}'})
        to = way("sns", topic_arn=topic, endpoint=moto, access_key_id="AKIDME", secret="env:SNS_KEY")
        happened: list[Happening] = ["fired", "fired", "recovered"]
        for what in happened:
            send(to, msgspec.structs.replace(message(what), id=f"id-of-{what}"), outside)
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
        bodies = [json.loads(json.loads(one["Body"])["Message"]) for one in found]
        assert {one["dedup_key"] for one in bodies} == {"coldtrail-1122334455667788"}
        events = [one["event"] for one in bodies]
        assert (events if ordered else sorted(events)) == (["fired", "recovered"] if ordered else happened)
        assert {one["Attributes"].get("MessageGroupId") for one in found} == {"coldtrail-1122334455667788" if ordered else None}
    gone = way("sns", topic_arn=f"{topics[0]}-gone", endpoint=moto, access_key_id="AKIDME", secret="env:SNS_KEY")
    with pytest.raises(NotSent, match="SNS answered 404 NotFound") as told:
        send(gone, message("fired"), outside)
    assert "hush" not in str(told.value)
    with pytest.raises(NotSent, match="not public"):
        send(gone, message("fired"), Outside((), {"env:SNS_KEY": "hush-hush"}.__getitem__))


def test_what_this_process_is_trusted_with_is_not_sent_to_an_endpoint_of_somebody() -> None:
    for endpoint in ("http://sns.eu-central-1.amazonaws.com", "https://evil.example", "https://sns.eu-central-1.amazonaws.com@evil.example",
                     "https://sns.eu-central-1.amazonaws.com.evil.example", "https://x.execute-api.eu-central-1.amazonaws.com"):  # fmt: skip
        with pytest.raises(msgspec.ValidationError, match="endpoint is none of AWS"):
            way("sns", endpoint=endpoint)
    assert way("sns", endpoint="https://vpce-0a-1b.sns.eu-central-1.vpce.amazonaws.com").region == "eu-central-1"


def test_a_message_of_any_length_fits_a_topic() -> None:
    parts = tuple(Part(f"part {at}", 1.0, "\u20ac" * 400, f"scope-{at}") for at in range(500))
    asked = published(way("sns"), msgspec.structs.replace(message("fired"), parts=parts, description="\u20ac" * 2_000, title="T\u00e4st " * 40))
    assert len(asked["Message"].encode()) < 256 << 10
    assert len(asked["Subject"]) <= 100
    assert asked["Subject"].isascii()
    assert json.loads(json.loads(asked["Message"])["default"])["parts"]


def test_a_signature_is_of_the_time_and_the_body() -> None:
    # echo -n '1795210200.{}' | openssl dgst -sha256 -hmac hush-hush
    assert signature(b"{}", "hush-hush", 1_795_210_200) == "t=1795210200,v1=2fce03304ec7b65b6507b5ff911dd398f0d8798301f50a1ced11e6ca2daf55c5"
    assert signature(b"{}", "hush-hush", 1_795_210_201) != signature(b"{}", "hush-hush", 1_795_210_200)


def test_secrets_come_from_where_the_owner_keeps_them(tmp_path: Path) -> None:
    folder, outside = tmp_path / "secrets", tmp_path / "other"
    folder.mkdir()
    (folder / "key").write_text("hush\n")
    outside.write_text("keep-this")
    (folder / "link").symlink_to(outside)
    (folder / "two").write_text("a\nb\n")
    environment = {"KEY": " hush ", "AWS_SECRET_ACCESS_KEY": "no", "COLDTRAIL_TOKEN": "no", "COLDTRAIL_SECRET_X": "yes"}
    folders = (str(folder),)
    assert read_secret(f"file:{folder}/key", {}, folders) == "hush"
    assert read_secret("env:KEY", environment) == "hush"
    assert read_secret("env:COLDTRAIL_SECRET_X", environment) == "yes"
    for reference in ("env:AWS_SECRET_ACCESS_KEY", "env:COLDTRAIL_TOKEN", "env:NONE", "hush", f"file:{outside}", f"file:{folder}/link", f"file:{folder}/two",
                      f"file:{folder}/gone", f"file:{folder}/../other"):  # fmt: skip
        with pytest.raises(NoSecret) as told:
            read_secret(reference, environment, folders)
        assert "keep-this" not in str(told.value)


class Mailbox(socketserver.ThreadingTCPServer):
    """As much of SMTP (RFC 5321) as one mail needs; ``refuse`` is a receiver that it does not know."""

    allow_reuse_address = True
    daemon_threads = True
    refuse = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: list[bytes] = []


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box: Any = self.server
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                box.mails.append(b"".join(lines))
            if word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            unknown = word == b"RCPT" and box.refuse and box.refuse.encode() in line
            self.wfile.write(b"550 nobody\r\n" if unknown else b"250 yes\r\n")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    thread = threading.Thread(target=box.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield box
    box.shutdown()
    thread.join()
    box.server_close()


def test_a_mail_is_handed_to_a_real_server(mailbox: Mailbox) -> None:
    to = way("email", host="127.0.0.1", port=mailbox.server_address[1], tls="none")
    send(to, message("fired"), Outside(LOOPBACK))
    parsed = email.message_from_bytes(mailbox.mails[0], policy=policy.default)
    assert (parsed["To"], parsed["Message-ID"]) == ("a@example.com, b@example.com", "<d0c1a2b3c4d5e6f7@coldtrail.invalid>")
    assert "https://watch.example/alerts/orders-fail" in parsed.get_content()
    mailbox.refuse = "b@example.com"
    with pytest.raises(NotSent, match="refused 1 of 2"):
        send(to, message("fired"), Outside(LOOPBACK))
    with pytest.raises(NotSent, match="not public"):
        send(to, message("fired"), Outside())

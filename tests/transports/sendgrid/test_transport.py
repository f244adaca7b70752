"""SendGrid against a stateful stand-in, by the real package: limits kept, answers told apart, doubt never resolved."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import trustme

from mailer.transports.base import Envelope, Fate, Mailing, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.sendgrid.transport import MOST_CORRECTIONS, SendgridTransport
from tests.patience import HANG_SECONDS, with_growing_patience
from tests.servers.relay import Relay
from tests.servers.sendgrid_fake import Answer, Break, SendgridFake, Stall
from tests.transports.samples import MAILING, envelope

KEY = "SG.a-secret-that-must-not-be-shown"
ACCEPTED, DEFERRED, REFUSED, UNCERTAIN = Fate.ACCEPTED, Fate.DEFERRED, Fate.REFUSED, Fate.UNCERTAIN

# Few and short values, so that a thousand people fit one request.
SHORT = replace(MAILING, subject=("Hello",), text=("Dear ", 0), html=("Dear ", 0))


@pytest.fixture
def fake() -> Iterator[SendgridFake]:
    with SendgridFake(api_key=KEY) as one:
        yield one


def transport(fake: SendgridFake, *, seconds: float = 5.0, key: str = KEY) -> SendgridTransport:
    chosen = Sendgrid(base_url=fake.url, timeout_seconds=seconds)
    return SendgridTransport(chosen, api_key=key, sender="Example <appeals@example.org>")


def short(number: int, value: str = "you") -> Envelope:
    return replace(envelope(number), values=(value,))


def long(number: int) -> Envelope:
    """Nine thousand bytes that no two people share."""
    return short(number, f"{number}".ljust(9000, "x"))


def hand_over(way: SendgridTransport, mailing: Mailing, envelopes: list[Envelope]) -> list[Outcome]:
    with closing(way.connect(mailing)) as connection:
        return list(connection.hand_over(envelopes))


def send(fake: SendgridFake, count: int, *, seconds: float = 5.0, mailing: Mailing = SHORT) -> list[Outcome]:
    return hand_over(transport(fake, seconds=seconds), mailing, [short(n) for n in range(count)])


def fates(outcomes: list[Outcome]) -> list[Fate]:
    return [outcome.fate for outcome in outcomes]


def test_a_thousand_people_go_in_one_request(fake: SendgridFake) -> None:
    outcomes = send(fake, 1000, mailing=replace(SHORT, text=("Dear",), html=("Dear",)))
    assert fates(outcomes) == [ACCEPTED] * 1000
    assert len(fake.requests) == 1
    assert len({one.recipient for one in fake.accepted}) == 1000
    assert {one.provider_id for one in outcomes} == {fake.accepted[0].request}


def test_what_each_person_gets_is_theirs_alone(fake: SendgridFake) -> None:
    hand_over(transport(fake), MAILING, [envelope(n, name=f"Name {n}") for n in (1, 2)])
    one, two = fake.accepted
    assert "Name 1" in one.text
    assert "Name 2" not in one.text
    assert one.custom_args == {"c": "1.1", "c_campaign": MAILING.key}
    assert one.headers["List-Unsubscribe"] == dict(envelope(1).headers)["List-Unsubscribe"]
    assert two.headers["List-Unsubscribe"] == dict(envelope(2).headers)["List-Unsubscribe"]
    assert one.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert one.headers["Message-ID"] == "<1.1@mail.example.org>"


def test_their_tracking_is_off_and_no_personal_data_in_custom_args(fake: SendgridFake) -> None:
    send(fake, 1)
    (request,) = fake.requests
    tracking: dict[str, dict[str, bool]] = request["tracking_settings"]
    assert not any(value for part in tracking.values() for value in part.values())
    assert set(tracking) == {"click_tracking", "open_tracking", "subscription_tracking", "ganalytics"}
    assert "example.org" not in str(request["personalizations"][0]["custom_args"])


def test_names_lose_what_sendgrid_refuses(fake: SendgridFake) -> None:
    hand_over(transport(fake), SHORT, [replace(short(1), name="Smith; Jones, Ltd")])
    assert fake.accepted[0].name == "Smith Jones Ltd"


def test_one_address_twice_goes_in_two_requests(fake: SendgridFake) -> None:
    twice = [short(1), replace(short(2), address="Person1@example.org"), short(3)]
    outcomes = hand_over(transport(fake), SHORT, twice)
    assert fates(list(outcomes)) == [ACCEPTED] * 3
    assert len(fake.requests) == 2


def test_requests_keep_the_limits_on_substitutions(fake: SendgridFake) -> None:
    outcomes = hand_over(transport(fake), SHORT, [long(n) for n in range(12)])
    assert fates(list(outcomes)) == [ACCEPTED] * 12  # the stand-in refuses more than 50,000 bytes
    assert len(fake.requests) == 3


TOO_MUCH: list[tuple[Envelope, str]] = [
    (replace(short(2), values=()), "slot"),
    (replace(short(2), address="jörg@example.org"), "before the @"),
    (replace(short(2), headers=(("Received", "x"),)), "Received"),
    (replace(short(2), headers=(("X-SG-ID", "x"),)), "X-SG-ID"),
    (replace(short(2), headers=(("X-A", "x"), ("x-a", "y"))), "twice"),
    (replace(short(2), headers=(("X-A", "x\r\nBcc: y"),)), "control"),
    (replace(short(2), headers=(("X Y", "x"),)), "name of a header"),
    (replace(short(2), values=("\ud800",)), "surrogate"),
]


@pytest.mark.parametrize(("one", "says"), TOO_MUCH, ids=[says for _, says in TOO_MUCH])
def test_who_breaks_a_limit_alone_is_refused_alone(fake: SendgridFake, one: Envelope, says: str) -> None:
    outcomes = hand_over(transport(fake), SHORT, [short(1), one, short(3)])
    assert fates(outcomes) == [ACCEPTED, REFUSED, ACCEPTED]
    assert says in outcomes[1].detail
    assert len(fake.accepted) == 2


def test_an_empty_subject_is_refused_for_whom_it_is_empty(fake: SendgridFake) -> None:
    outcomes = hand_over(transport(fake), replace(SHORT, subject=(0,)), [short(1), short(2, " ")])
    assert fates(list(outcomes)) == [ACCEPTED, REFUSED]


REFUSED_MAILINGS = [
    (replace(SHORT, text=tuple(range(151))), "merge tags"),
    (replace(SHORT, headers=(("Reply-To", "x"),)), "Reply-To"),
    (replace(SHORT, text=(), html=()), "empty"),
    (replace(SHORT, from_address="jörg@example.org"), "before the @"),
    (replace(SHORT, html=("x" * 21_000_000,)), "larger"),
    (replace(SHORT, key="a" * 10_000), "name is longer"),
]


@pytest.mark.parametrize(("mailing", "says"), REFUSED_MAILINGS, ids=[says for _, says in REFUSED_MAILINGS])
def test_a_mailing_they_cannot_carry_is_refused_before_anybody(fake: SendgridFake, mailing: Mailing, says: str) -> None:
    with pytest.raises(TransportRefused, match=says):
        transport(fake).connect(mailing)
    assert fake.requests == []


def test_a_400_that_names_one_person_refuses_that_one_and_tries_the_rest(fake: SendgridFake) -> None:
    fake.unknown |= {"person3@example.org", "person7@example.org"}
    outcomes = send(fake, 10)
    assert fates(outcomes) == [REFUSED if n in (3, 7) else ACCEPTED for n in range(10)]
    assert (outcomes[3].code, outcomes[3].reply_class) == ("400", ReplyClass.HARD)
    assert "valid address" in outcomes[3].detail
    assert sorted(one.recipient for one in fake.accepted) == [
        f"person{n}@example.org" for n in range(10) if n not in (3, 7)
    ]


def test_bad_requests_come_to_an_end(fake: SendgridFake) -> None:
    """Many of them get an account blocked, so the rest waits; nobody is refused for another's fault."""
    fake.unknown |= {f"person{n}@example.org" for n in range(MOST_CORRECTIONS + 10)}
    outcomes = send(fake, MOST_CORRECTIONS + 20)
    assert len(fake.requests) == MOST_CORRECTIONS + 1
    assert fates(outcomes).count(REFUSED) == MOST_CORRECTIONS + 1
    assert fates(outcomes[MOST_CORRECTIONS + 1 :]) == [DEFERRED] * 19
    assert fake.accepted == []


@pytest.mark.parametrize(
    "errors",
    [
        [{"message": "Bad Request", "field": None, "help": None}],
        [{"message": "Bad Request", "field": "null"}],
        [{"message": "too long", "field": "subject"}],
        [{"message": "?", "field": "personalizations.99.to"}],
        ["not an object"],
        [],
    ],
)
def test_a_400_that_names_nobody_is_our_fault(fake: SendgridFake, errors: list[Any]) -> None:
    fake.on(Answer(400, errors=errors))
    outcomes = send(fake, 3)
    assert {(one.fate, one.code, one.reply_class) for one in outcomes} == {(REFUSED, "400", ReplyClass.OURS)}
    assert len(fake.requests) == 1


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404, 405, 406, 415])
def test_key_permission_and_address_of_the_api_are_for_staff_to_mend(fake: SendgridFake, status: int) -> None:
    fake.on(Answer(status, headers={"Location": f"{fake.url}/elsewhere"}))
    with pytest.raises(TransportRefused, match=str(status)) as caught:
        send(fake, 3)
    assert caught.value.remedy
    assert KEY not in str(caught.value)
    assert len(fake.requests) == 1


def test_a_wrong_key_is_refused_and_not_shown(fake: SendgridFake) -> None:
    with pytest.raises(TransportRefused, match="401") as caught:
        hand_over(transport(fake, key="SG.wrong"), SHORT, [short(1)])
    assert "SG.wrong" not in str(caught.value)


def test_a_complaint_after_others_were_taken_loses_nobody(fake: SendgridFake) -> None:
    fake.on(Answer(403), skip=1)
    outcomes = hand_over(transport(fake), SHORT, [long(n) for n in range(12)])
    assert fates(outcomes) == [ACCEPTED] * 5 + [DEFERRED] * 7
    assert outcomes[-1].reply_class is ReplyClass.OURS


def test_a_request_too_large_is_split(fake: SendgridFake) -> None:
    fake.on(Answer(413), when=lambda people: len(people) > 3)
    assert fates(send(fake, 20)) == [ACCEPTED] * 20
    assert [one.recipient for one in fake.accepted] == [f"person{n}@example.org" for n in range(20)]


def test_a_request_is_never_larger_than_we_send(fake: SendgridFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.transports.sendgrid.transport.MOST_REQUEST_BYTES", 1)
    assert fates(send(fake, 5)) == [ACCEPTED] * 5
    assert [len(request["personalizations"]) for request in fake.requests] == [1] * 5


def test_one_mail_too_large_is_refused_alone(fake: SendgridFake) -> None:
    fake.on(Answer(413), when=lambda people: "person2@example.org" in people)
    assert fates(send(fake, 5)) == [ACCEPTED, ACCEPTED, REFUSED, ACCEPTED, ACCEPTED]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Date": "Tue, 24 Nov 2026 09:00:00 GMT", "X-RateLimit-Reset": "1795510830"}, 30),
        ({"Date": "Tue, 24 Nov 2026 09:00:00 GMT", "X-RateLimit-Reset": "1"}, 1),
        ({"Date": "Tue, 24 Nov 2026 09:00:00 GMT", "X-RateLimit-Reset": "9999999999"}, 3600),
        ({"X-RateLimit-Reset": "soon"}, 60),
        ({}, 60),
    ],
)
def test_a_429_waits_until_the_limit_is_reset(fake: SendgridFake, headers: dict[str, str], seconds: float) -> None:
    fake.on(Answer(429, headers=headers))
    outcomes = send(fake, 3)
    assert {(one.fate, one.retry_after_seconds) for one in outcomes} == {(DEFERRED, seconds)}
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "act", [Answer(500), Answer(500, accepted=True), Answer(502), Answer(503), Answer(200)], ids=str
)
def test_an_answer_that_settles_nothing_leaves_doubt(fake: SendgridFake, act: Answer) -> None:
    fake.on(act)
    outcomes = send(fake, 3)
    assert fates(outcomes) == [UNCERTAIN] * 3
    assert len(fake.requests) == 1


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("act", [Stall(), Stall(read_body=False), Break(), Break(read_body=False)], ids=str)
def test_no_answer_leaves_doubt(fake: SendgridFake, act: Stall | Break, accepted: bool) -> None:
    def attempt(seconds: float) -> None:
        fake.behave()
        fake.on(replace(act, accepted=accepted))
        assert fates(send(fake, 3, seconds=seconds)) == [UNCERTAIN] * 3
        assert len(fake.accepted) % 3 == 0

    with_growing_patience(attempt)


def test_doubt_about_one_request_keeps_the_others_out_of_it(fake: SendgridFake) -> None:
    fake.on(Answer(503), skip=1)
    outcomes = hand_over(transport(fake), SHORT, [long(n) for n in range(14)])
    assert fates(outcomes) == [ACCEPTED] * 5 + [UNCERTAIN] * 5 + [DEFERRED] * 4


def test_nobody_listening_is_unavailable(fake: SendgridFake) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    way = SendgridTransport(Sendgrid(base_url=f"http://127.0.0.1:{port}"), api_key=KEY)
    with pytest.raises(TransportUnavailable, match="refused"):
        hand_over(way, SHORT, [short(1)])


@pytest.mark.parametrize(
    "url", ["https://", "https://api.sendgrid.com:99999", "https://api.sendgrid.com:x", "https://:443"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(TransportRefused, match="is no web address"):
        hand_over(SendgridTransport(Sendgrid(base_url=url), api_key=KEY), SHORT, [short(1)])


def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    way = SendgridTransport(
        Sendgrid(base_url="https://api.sendgrid.invalid", timeout_seconds=HANG_SECONDS), api_key=KEY
    )
    with pytest.raises(TransportUnavailable, match="resolved"):
        hand_over(way, SHORT, [short(1)])


def test_a_certificate_nobody_vouches_for_is_unavailable_and_nothing_was_sent() -> None:
    with Relay(tls="tls") as server:  # any server with a certificate of its own will do
        way = SendgridTransport(
            Sendgrid(base_url=f"https://127.0.0.1:{server.port}", timeout_seconds=HANG_SECONDS), api_key=KEY
        )
        with pytest.raises(TransportUnavailable, match="certificate"):
            hand_over(way, SHORT, [short(1)])


@pytest.mark.parametrize("enabled", [True, False])
def test_compressed_requests_are_for_accounts_that_take_them(fake: SendgridFake, enabled: bool) -> None:
    fake.takes_gzip = enabled
    way = SendgridTransport(Sendgrid(base_url=fake.url, gzip=True), api_key=KEY, sender="appeals@example.org")
    if enabled:
        assert fates(hand_over(way, SHORT, [short(1), short(2)])) == [ACCEPTED] * 2
        assert len(fake.accepted) == 2
    else:
        with pytest.raises(TransportRefused, match="415") as caught:
            way.probe()
        assert "sendgrid.gzip" in str(caught.value.remedy)


def test_many_requests_share_a_connection(fake: SendgridFake) -> None:
    outcomes = hand_over(transport(fake), SHORT, [long(n) for n in range(12)])
    assert fates(outcomes) == [ACCEPTED] * 12
    assert (len(fake.requests), fake.connections) == (3, 1)


def test_an_encrypted_connection_is_kept_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS reads records of its own, such as session tickets; they aren't taken for the end of the connection."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with SendgridFake(api_key=KEY, context=context) as fake, closing(transport(fake).connect(SHORT)) as connection:
        for number in range(3):
            assert fates(list(connection.hand_over([short(number)]))) == [ACCEPTED]
        assert (len(fake.accepted), fake.connections) == (3, 1)


def test_a_connection_that_was_closed_meanwhile_is_opened_again(fake: SendgridFake) -> None:
    """Its end can be read before anything is written, so nothing is in doubt and nobody is mailed twice."""
    fake.leaves_silently = True
    with closing(transport(fake).connect(SHORT)) as connection:
        for round_ in range(3):
            outcomes = connection.hand_over([short(round_)])
            assert fates(list(outcomes)) == [ACCEPTED]
            fake.wait_until_left()
    assert (len(fake.accepted), fake.connections) == (3, 3)


@pytest.mark.parametrize("read_body", [True, False])
def test_a_kept_connection_that_breaks_under_a_request_leaves_doubt(fake: SendgridFake, read_body: bool) -> None:
    """Nobody can tell how much of it was read, so it is not tried again; the next has its own."""
    fake.on(Break(read_body=read_body), skip=1, times=1)
    with closing(transport(fake).connect(SHORT)) as connection:
        found = [fates(list(connection.hand_over([short(n)]))) for n in range(3)]
    assert found == [[ACCEPTED], [UNCERTAIN], [ACCEPTED]]
    assert (len(fake.accepted), fake.connections) == (2, 2)


def test_an_idle_connection_is_given_up(fake: SendgridFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.transports.http_kept.KEPT_SECONDS", 0.0)
    with closing(transport(fake).connect(SHORT)) as connection:
        assert [fates(list(connection.hand_over([short(n)]))) for n in range(2)] == [[ACCEPTED]] * 2
    assert fake.connections == 2


def test_a_hand_over_grows_to_what_a_request_has_room_for(fake: SendgridFake) -> None:
    way = transport(fake)
    with closing(way.connect(SHORT)) as connection:
        first = way.batch
        connection.hand_over([short(n, f"{n:02}".ljust(198, "x")) for n in range(50)])
        assert (first, way.batch) == (100, 230), "50,000 bytes have room for 250 of 200, and some stays free"
    assert SendgridTransport(Sendgrid(merged_bytes_per_request=0), api_key=KEY).batch == 1000
    assert SendgridTransport(Sendgrid(people_per_request=7), api_key=KEY).batch == 7


def test_a_dribbled_answer_is_cut_off_in_time() -> None:
    def attempt(seconds: float) -> None:
        with DribblingServer() as port:
            chosen = Sendgrid(base_url=f"http://127.0.0.1:{port}", timeout_seconds=seconds)
            outcomes = hand_over(SendgridTransport(chosen, api_key=KEY), SHORT, [short(1)])
            assert fates(list(outcomes)) == [UNCERTAIN]

    with_growing_patience(attempt)  # it would dribble for ever, so that this ends at all is what is tested


def test_a_key_missing_malformed_or_in_the_clear_is_refused() -> None:
    for key, url, says in (
        ("", "https://api.sendgrid.com", "no SendGrid API key"),
        ("SG.x\n", "https://api.sendgrid.com", "white space"),
        (KEY, "http://api.sendgrid.invalid", "unencrypted"),
        (KEY, "ftp://127.0.0.1", "no web address"),
    ):
        with pytest.raises(TransportRefused, match=says) as caught:
            SendgridTransport(Sendgrid(base_url=url), api_key=key).connect(SHORT)
        assert KEY not in str(caught.value)


def test_the_package_logs_neither_key_nor_people(fake: SendgridFake, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        send(fake, 1)
    assert KEY not in caplog.text
    assert "person0@example.org" not in caplog.text


def test_probing_uses_the_sandbox(fake: SendgridFake) -> None:
    assert "appeals@example.org" in transport(fake).probe()
    assert fake.requests[0]["mail_settings"] == {"sandbox_mode": {"enable": True}}
    assert fake.accepted == []


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (Answer(401), TransportRefused),
        (Answer(400), TransportRefused),
        (Answer(429), TransportUnavailable),
        (Answer(503), TransportUnavailable),
        (Break(), TransportUnavailable),
    ],
    ids=str,
)
def test_probing_tells_what_is_wrong(fake: SendgridFake, act: Answer | Break, error: type[Exception]) -> None:
    fake.on(act)
    with pytest.raises(error):
        transport(fake).probe()


class DribblingServer:
    """Takes one connection and answers it a byte at a time, each well within a socket's own timeout."""

    def __enter__(self) -> int:
        import threading

        self._server = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return int(self._server.getsockname()[1])

    def _serve(self) -> None:
        one, _ = self._server.accept()
        with one:
            for byte in chain(b"HTTP/1.1 202 Accepted\r\nX-A: ", repeat(ord("x"))):
                if self._stop.wait(0.05):
                    return
                try:
                    one.sendall(bytes((byte,)))
                except OSError:
                    return

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._server.close()


@pytest.mark.parametrize(
    "change", [{"from_name": "Smith, Jones"}, {"reply_to": '"Smith; Jones" <answers@example.org>'}]
)
def test_a_sender_whose_name_would_arrive_as_another_is_refused(fake: SendgridFake, change: dict[str, Any]) -> None:
    with pytest.raises(TransportRefused, match="no comma and no semicolon"):
        transport(fake).connect(replace(MAILING, **change))
    assert fake.requests == []

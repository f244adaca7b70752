"""Mails that came back: what six and more mail systems write is understood, and whatever isn't does nothing."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.store.states import ReturnedKind
from mailer.tracking.return_path import return_path, tag_of, token_of, tokens_in
from mailer.tracking.returned import LOOKED_AT_BYTES, Returned, digest, read
from mailer.tracking.tokens import Named, Purpose, Signer
from tests.patience import effort
from tests.reports.builders import delivery_id

FOLDER = Path(__file__).parent / "returned"
SIGNER = Signer([b"a-signing-key-for-tests-that-is-long-enough"])
STRANGER = Signer([b"another-key-which-is-not-ours-at-all-really"])
MARY = Named(delivery_id(1))
K = ReturnedKind

CASES: dict[str, tuple[ReturnedKind, str]] = {
    "postfix-unknown-user": (K.BOUNCE, "5.1.1"),
    "postfix-mailbox-full": (K.BOUNCE, "5.2.2"),
    "postfix-spam": (K.BOUNCE, "5.7.1"),
    "exim-unknown-user": (K.BOUNCE, "5.0.0"),
    "exim-mailbox-full": (K.BOUNCE, "5.0.0"),
    "exim-no-code": (K.BOUNCE, "5.0.0"),
    "microsoft365-not-found": (K.BOUNCE, "5.1.10"),
    "gmail-not-found": (K.BOUNCE, "5.1.1"),
    "gmail-over-quota-delayed": (K.DELAY, ""),
    "amazon-ses-mailbox-full": (K.BOUNCE, "5.2.2"),
    "sendmail-unknown-user": (K.BOUNCE, "5.1.1"),
    "qmail-unknown-user": (K.BOUNCE, ""),
    "qmail-over-quota": (K.BOUNCE, ""),
    "yahoo-no-such-account": (K.BOUNCE, "5.0.0"),
    "yahoo-complaint": (K.COMPLAINT, ""),
    "vacation": (K.AUTO_REPLY, ""),
    "unsubscribe": (K.UNSUBSCRIBE, ""),
    "unsubscribe-in-the-text": (K.UNSUBSCRIBE, ""),
    "unsubscribe-as-mailed-before": (K.UNSUBSCRIBE, ""),
}


def mail(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def test_every_mail_in_the_folder_is_tried() -> None:
    assert {path.stem for path in FOLDER.glob("*.eml")} == {*CASES, "somebody-writes"}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("crlf", [False, True])
def test_a_mail_is_what_it_is_and_about_whom_it_is(name: str, crlf: bool) -> None:
    raw = mail(name).replace(b"\n", b"\r\n") if crlf else mail(name)
    found = read(raw, SIGNER)
    assert (found.kind, found.status, found.named) == (*CASES[name], MARY)
    assert "@" not in found.words
    assert digest(raw) == digest(mail(name))


@pytest.mark.parametrize("name", CASES)
def test_no_mail_acts_by_a_token_that_we_did_not_sign(name: str) -> None:
    assert read(mail(name), STRANGER).named is None


def test_somebody_who_writes_and_quotes_our_mail_leaves_nothing() -> None:
    found = read(mail("somebody-writes"), SIGNER)
    assert (found.kind, found.named) == (K.UNKNOWN, None)
    assert (found.sender, found.subject) == ("Máry <mary@example.net>", "Re: Ask them")


def test_an_automatic_answer_that_quotes_a_wish_to_leave_leaves_nothing() -> None:
    raw = mail("unsubscribe-in-the-text").replace(b"Subject: please", b"Subject: Automatic reply: please")
    assert read(raw, SIGNER).kind is K.AUTO_REPLY


@pytest.mark.parametrize("kind", ["not-spam", "virus", "opt-out", "", "abusive"])
def test_other_feedback_is_no_complaint(kind: str) -> None:
    raw = mail("yahoo-complaint").replace(b"Feedback-Type: abuse", f"Feedback-Type: {kind}".encode())
    assert read(raw, SIGNER).kind is K.UNKNOWN


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "", "failing"])
def test_only_a_failure_is_a_bounce(action: str) -> None:
    raw = mail("postfix-unknown-user").replace(b"Action: failed", f"Action: {action}".encode())
    found = read(raw, SIGNER)
    assert (found.kind is K.BOUNCE) == (action == "failed")


def test_a_report_without_our_address_is_known_by_the_mail_inside() -> None:
    raw = mail("sendmail-unknown-user")
    tag = tag_of(SIGNER.sign(Purpose.RETURN, MARY)).upper().encode()
    assert raw.count(tag) == 1
    assert read(raw.replace(tag, b"NOBODY"), SIGNER).named == MARY
    inside = SIGNER.sign(Purpose.UNSUBSCRIBE, MARY).encode()
    assert read(raw.replace(tag, b"NOBODY").replace(inside, b"x"), SIGNER).named is None


numbers = st.integers(0, 2**63 - 1)


@given(numbers, st.booleans())
def test_a_return_path_comes_back_in_any_case(number: int, proof: bool) -> None:
    token = SIGNER.sign(Purpose.RETURN, Named(number, proof=proof))
    address = return_path("bounces@example.org", token)
    local, _, _ = address.partition("@")
    assert len(local) <= 64, "RFC 5321 §4.5.3.1.1"
    assert address == address.lower()
    for written in (address, address.upper(), f"Bounces <{address.title()}>", address.replace("+", "-")):
        assert tokens_in(written) == [token]


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567018=@+ "), min_size=30, max_size=45))
def test_a_tag_has_one_spelling(tag: str) -> None:
    token = token_of(tag)
    assert token == "" or tag_of(token) == tag


@given(numbers, st.integers(0, 23), st.integers(1, 255))
def test_a_damaged_token_never_acts(number: int, place: int, change: int) -> None:
    raw = bytearray(urlsafe_b64decode(SIGNER.sign(Purpose.RETURN, Named(number))))
    raw[place] ^= change
    forged = urlsafe_b64encode(raw).decode()
    right = SIGNER.sign(Purpose.UNSUBSCRIBE, MARY).encode()
    report = mail("postfix-unknown-user").replace(right, b"x").replace(
        tag_of(SIGNER.sign(Purpose.RETURN, MARY)).encode(), tag_of(forged).encode()
    )  # fmt: skip
    assert read(report, SIGNER).named is None
    wish = mail("unsubscribe").replace(right, forged.encode())
    assert read(wish, SIGNER).named is None


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.UNSUBSCRIBE])
def test_a_token_for_something_else_lets_nobody_leave(purpose: Purpose) -> None:
    raw = mail("unsubscribe").replace(
        SIGNER.sign(Purpose.UNSUBSCRIBE, MARY).encode(), SIGNER.sign(purpose, MARY).encode()
    )
    assert read(raw, SIGNER).named is None


def nested(depth: int) -> bytes:
    lines = "".join(f"Content-Type: multipart/mixed; boundary={n}\n\n--{n}\n" for n in range(depth))
    return f"To: x\n{lines}".encode()


HOSTILE = {
    "nothing": b"",
    "zeroes": b"\0" * 1000,
    "no headers": b"\n\nhello",
    "deep": nested(3000),
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000,
    "bad charset": b"Subject: =?nonsense?b?////?=\nContent-Type: text/plain; charset=nonsense\n\n\xff\xfe",
    "bad base64": b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n%%%%",
    "empty report": b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b--\n",
    "empty status": b"Content-Type: multipart/report; boundary=b\n\n--b\n"
    b"Content-Type: message/delivery-status\n\n--b--",
    "empty feedback": b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
    b"Content-Type: message/feedback-report\n\n--b--",
    "no boundary": b"Content-Type: multipart/report; report-type=feedback-report\n\nx",
    "long header": b"To: " + b"bounces+" * 50_000 + b"@example.org\n\n",
    "many headers": b"To: a\n" * 60_000 + b"\n",
    "lines of nothing": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + b"\n" * LOOKED_AT_BYTES,
    "half a pair": b"Subject: =?utf-16?b?2AA=?=\n\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_only_unknown(name: str) -> None:
    given: list[Returned] = []
    assert effort(lambda: given.append(read(HOSTILE[name], SIGNER))) < 1000
    (found,) = given
    assert (found.kind in (K.UNKNOWN, K.DELAY), found.named) == (True, None)
    f"{found.sender} {found.subject} {found.words}".encode()


def test_a_bounce_that_returns_fifty_megabytes_is_understood() -> None:
    raw = mail("postfix-unknown-user").replace(b"Dear friend", b"Dear friend\n" + b"x" * 70 * 700_000)
    given: list[Returned] = []
    assert effort(lambda: given.append(read(raw, SIGNER))) < 500
    assert given[0].named == MARY


@settings(max_examples=150)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_a_mail_that_was_damaged_on_its_way_never_fails_or_acts_on_another(name: str, data: st.DataObject) -> None:
    raw = bytearray(mail(name))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(raw)))
        raw[start : start + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=20))
    assert read(bytes(raw), SIGNER).named in (None, MARY)


@given(st.binary(max_size=300))
def test_any_bytes_are_read(raw: bytes) -> None:
    assert isinstance(read(raw, SIGNER), Returned)


def test_a_subject_that_was_encoded_and_folded_is_a_wish_all_the_same() -> None:
    made = EmailMessage()
    made["To"] = "unsubscribe@example.org"
    made["Subject"] = f"Unsubscribe  {SIGNER.sign(Purpose.UNSUBSCRIBE, MARY)}"
    made.set_content("sent from my phone")
    assert read(bytes(made), SIGNER).named == MARY

"""Mails that came back: what six and more mail systems write is understood, and whatever isn't does nothing."""

from __future__ import annotations

import base64
import quopri
from base64 import urlsafe_b64decode, urlsafe_b64encode
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.delivery.feedback.dsn import LOOKED_AT_BYTES, Returned, digest, read
from mailer.store.tables.states import ReturnedKind
from mailer.tracking.return_path import return_path, tag_of, token_of, tokens_in
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


@pytest.mark.parametrize("kind", ["not-spam", "virus", "other", "", "abusive"])
def test_other_feedback_is_no_complaint(kind: str) -> None:
    raw = mail("yahoo-complaint").replace(b"Feedback-Type: abuse", f"Feedback-Type: {kind}".encode())
    assert read(raw, SIGNER).kind is K.UNKNOWN


COMPLAINT = [
    ("Feedback-Type: abuse", "Feedback-Type: ABUSE (spam)"),
    ("Feedback-Type: abuse", "Feedback-Type: fraud"),
    ("Feedback-Type: abuse", "Feedback-Type: opt-out"),
    ("Feedback-Type: abuse", "Feedback-Type: opt-out-list"),
    ("report-type=feedback-report", "x=y"),
    ("report-type=feedback-report", 'report-type="Feedback-Report"'),
    ("multipart/report;", "multipart/mixed;"),
    ("Content-Type: message/feedback-report", "Content-Type: text/plain"),
    ("Content-Type: message/feedback-report", "Content-Type: application/octet-stream; name=report"),
    ("Content-Type: message/rfc822", "Content-Type: text/rfc822-headers"),
    ("Content-Type: message/rfc822", "Content-Type: message/rfc822-headers"),
    ("Content-Type: message/rfc822", "Content-Type: text/plain"),
]


@pytest.mark.parametrize(("wrote", "writes"), COMPLAINT, ids=[writes for _, writes in COMPLAINT])
def test_a_complaint_is_known_by_its_parts(wrote: str, writes: str) -> None:
    raw = mail("yahoo-complaint")
    assert wrote.encode() in raw
    found = read(raw.replace(wrote.encode(), writes.encode()), SIGNER)
    assert (found.kind, found.named) == (K.COMPLAINT, MARY)


def returned_mail(*, marks: str = "") -> str:
    """The beginning of a mail of ours, as it comes back."""
    back = return_path("bounces@example.org", SIGNER.sign(Purpose.RETURN, MARY))
    leave = SIGNER.sign(Purpose.UNSUBSCRIBE, MARY)
    return (
        f"{marks}Return-Path: <{back}>\nFrom: Campaigns <news@example.org>\nTo: ann@example.net\nSubject: Ask them\n"
        f"List-Unsubscribe: <https://act.example.org/u/{leave}>,\n"
        f" <mailto:leave@example.org?subject=unsubscribe%20{leave}>\n"
    )


def attached(content: str, *, kind: str, encoding: str = "") -> str:
    """A part, encoded if asked for."""
    head = f"Content-Type: {kind}\n"
    if encoding:
        head += f"Content-Transfer-Encoding: {encoding}\n"
        raw = content.encode()
        content = (base64.encodebytes(raw) if encoding == "base64" else quopri.encodestring(raw)).decode()
    return f"{head}\n{content}"


def whole(*parts: str, top: str = "multipart/report; report-type=delivery-status") -> bytes:
    body = "".join(f"--b\n{part}\n" for part in parts)
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: news@example.org\nSubject: Undelivered\n"
        f"MIME-Version: 1.0\nContent-Type: {top}; boundary=b\n\n{body}--b--\n"
    ).encode()


@pytest.mark.parametrize("encoding", ["", "base64", "quoted-printable"])
def test_microsofts_complaint_is_our_mail_with_the_readers_address_added(encoding: str) -> None:
    inner = returned_mail(marks="X-HmXmrOriginalRecipient: someone@hotmail.example\n") + "\nhello\n"
    for top in ("multipart/mixed", "multipart/related"):
        found = read(whole(attached(inner, kind="message/rfc822", encoding=encoding), top=top), SIGNER)
        assert (found.kind, found.named) == (K.COMPLAINT, MARY)


def test_a_mail_that_somebody_forwards_is_no_complaint() -> None:
    inner = returned_mail() + "\nhello\n"
    raw = whole(attached("Look!", kind="text/plain"), attached(inner, kind="message/rfc822"), top="multipart/mixed")
    raw = raw.replace(b"From: MAILER-DAEMON@mx.example.net", b"From: Ann <ann@example.net>").replace(
        b"Subject: Undelivered", b"Subject: Fwd: Ask them"
    )
    assert read(raw, SIGNER).named is None


STATUS = (
    "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; ann@example.net\nAction: failed\nStatus: 5.1.1\n"
)
TEXT = attached("Not delivered.", kind="text/plain")
INSIDE = [
    "message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers", "text/rfc822-headers",
    "text/rfc822-header", "TEXT/RFC822-HEADERS", "text/plain; name=headers.txt", "application/octet-stream; name=x.eml",
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["", "base64", "quoted-printable"])
@pytest.mark.parametrize("kind", INSIDE)
def test_the_mail_inside_names_the_person_whatever_its_type_and_encoding(kind: str, encoding: str) -> None:
    status = attached(STATUS, kind="message/delivery-status", encoding=encoding)
    found = read(whole(TEXT, status, attached(returned_mail(), kind=kind, encoding=encoding)), SIGNER)
    assert (found.kind, found.named, found.status) == (K.BOUNCE, MARY, "5.1.1")


@pytest.mark.parametrize("kind", ["message/delivery-status", "message/global-delivery-status", "text/plain"])
@pytest.mark.parametrize(
    "top", ["multipart/report; report-type=delivery-status", "multipart/mixed", "multipart/report"]
)
def test_a_report_is_known_by_its_parts(kind: str, top: str) -> None:
    parts = (TEXT, attached(STATUS, kind=kind), attached(returned_mail(), kind="message/rfc822"))
    found = read(whole(*parts, top=top), SIGNER)
    assert (found.kind, found.named) == (K.BOUNCE, MARY)


@pytest.mark.parametrize(
    "headers",
    [
        "Return-Path: <{back}>", "X-Envelope-From: <{back}>", "X-Return-Path: {back}",
        "Received: from x (envelope-from <{back}>) by y",
        "List-Unsubscribe: <https://act.example.org/u/{leave}>",
        "List-Unsubscribe: <mailto:leave@example.org?subject=unsubscribe%20{leave}>",
        "List-Unsubscribe: <https://links.example/?u=https%3A%2F%2Fact.example.org%2Fu%2F{leave}>",
        "List-Unsubscribe: <https://act.example.org/u/\n {leave}>",
    ],
)  # fmt: skip
def test_one_header_of_the_mail_inside_is_enough(headers: str) -> None:
    back = return_path("bounces@example.org", SIGNER.sign(Purpose.RETURN, MARY))
    said = headers.format(back=back, leave=SIGNER.sign(Purpose.UNSUBSCRIBE, MARY))
    inner = attached(f"{said}\nSubject: x\n", kind="text/rfc822-headers")
    assert read(whole(TEXT, attached(STATUS, kind="message/delivery-status"), inner), SIGNER).named == MARY


@pytest.mark.parametrize(
    ("status", "wanted"),
    [("5.1.1", "5.1.1"), ("#5.1.1", "5.1.1"), ("5.1.1 (bad address)", "5.1.1"), ("nonsense", ""), ("", "")],
)
def test_a_status_is_found_whatever_is_around_it(status: str, wanted: str) -> None:
    part = attached(STATUS.replace("5.1.1", status), kind="message/delivery-status")
    found = read(whole(TEXT, part, attached(returned_mail(), kind="message/rfc822")), SIGNER)
    assert (found.kind, found.status) == (K.BOUNCE, wanted)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("Diagnostic-Code: smtp; 550 gone", "550 gone"),
        ("Diagnostic-Code: 550 gone; really", "550 gone; really"),
        ("X-Supplementary-Info: <192.0.2.5 #5.0.0 smtp; 550 gone>", "<192.0.2.5 #5.0.0 smtp; 550 gone>"),
        ("Diagnostic-Code: smtp; 550-first\n    550 second", "550-first 550 second"),
    ],
)
def test_what_the_other_server_said_is_found(field: str, words: str) -> None:
    part = attached(f"{STATUS}{field}\n", kind="message/delivery-status")
    found = read(whole(TEXT, part, attached(returned_mail(), kind="message/rfc822")), SIGNER)
    assert found.words == words


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("delayed", K.DELAY), ("delivered", K.DELAY), ("relayed", K.DELAY), ("expanded (to list)", K.DELAY),
        ("failed (hard)", K.BOUNCE), ("expired", K.BOUNCE), ("", K.UNKNOWN), ("failing", K.UNKNOWN), ("x", K.UNKNOWN),
    ],
)  # fmt: skip
def test_only_a_failure_is_a_bounce_and_what_is_unclear_is_listed(action: str, kind: ReturnedKind) -> None:
    raw = mail("postfix-unknown-user").replace(b"Action: failed", f"Action: {action}".encode())
    found = read(raw, SIGNER)
    assert (found.kind, found.named) == (kind, MARY)


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

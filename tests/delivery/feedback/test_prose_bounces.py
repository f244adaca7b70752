"""Bounces in prose, told from delays, people's automatic answers and what stays unclear."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailer.delivery.feedback.bounce_mailbox import judge
from mailer.delivery.feedback.dsn import Returned, read
from mailer.store.tables.states import ReturnedKind
from mailer.tracking.return_path import return_path
from mailer.tracking.tokens import Named, Purpose, Signer
from tests.reports.builders import delivery_id

SIGNER = Signer([b"a-signing-key-for-tests-that-is-long-enough"])
MARY = Named(delivery_id(1))
MAILBOX = return_path("bounces@example.org", SIGNER.sign(Purpose.RETURN, MARY))
NOW = datetime(2026, 11, 30, tzinfo=UTC)
K = ReturnedKind


def mail(
    text: str, *, sender: str = "MAILER-DAEMON <>", subject: str = "Mail delivery failed", headers: str = "",
    kind: str = "text/plain", nobody: bool = True, to: str = MAILBOX,
) -> Returned:  # fmt: skip
    raw = (
        f"Return-Path: {'<>' if nobody else '<x@example.net>'}\nDelivered-To: {to}\nFrom: {sender}\nTo: {to}\n"
        f"Subject: {subject}\n{headers}MIME-Version: 1.0\nContent-Type: {kind}; charset=utf-8\n\n{text}\n"
    )
    return read(raw.encode(), SIGNER)


def verdict(found: Returned) -> str:
    """The kind, and of a bounce the class."""
    judged, _ = judge(found, now=NOW)
    return judged.why.partition(":")[0] if found.kind is K.BOUNCE else found.kind.value


DMA = """This is the DragonFly Mail Agent v0.13 at relay.example.org.

There was an error delivering your mail to <ann@example.net>.

mx.example.net [192.0.2.25] did not like our RCPT TO:
{}

Message headers follow.

Subject: Is the user unknown or the mailbox full?
"""
OPENSMTPD = """    Hi!

    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.

    An error has occurred while attempting to deliver a message for
    the following list of recipients:

ann@example.net: {}

    Below is a copy of the original message:

Subject: 550 5.1.1 user unknown
"""
OFFICE = """Delivery has failed to these recipients or groups:

ann@example.net

Diagnostic information for administrators:

ann@example.net
Remote Server returned '{}'

Original message headers:
Subject: user unknown
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ann@example.net
    host mx.example.net [192.0.2.25]
    SMTP error from remote mail server after RCPT TO:<ann@example.net>:
    {}
"""
SENDMAIL = """The original message was received at Sun, 29 Nov 2026 from news.example.org

   ----- The following addresses had permanent fatal errors -----
<ann@example.net>
    (reason: {})

   ----- Transcript of session follows -----
... while talking to mx.example.net.:
>>> RCPT To:<ann@example.net>
<<< {}

   ----- Original message follows -----
Subject: mailbox full
"""
REFUSALS = {
    "550 5.1.1 <ann@example.net>: Recipient address rejected: User unknown": "hard",
    "550 No such user here": "hard",
    "552 5.2.2 mailbox is full": "soft",
    "554 5.7.1 rejected as spam": "policy",
    "550 Sender verify failed": "ours",
    "550 I won't": "soft",  # for good, and who knows of whom it speaks
}


@pytest.mark.parametrize(
    "form", [DMA, OPENSMTPD, OFFICE, EXIM, SENDMAIL], ids=["dma", "opensmtpd", "o365", "exim", "sendmail"]
)
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("marked", [False, True])
def test_a_bounce_in_prose_is_judged_by_the_refusal_that_it_quotes(form: str, refusal: str, marked: bool) -> None:
    headers = "Auto-Submitted: auto-replied\n" if marked else ""
    found = mail(form.replace("{}", refusal), headers=headers)
    assert (found.named, verdict(found)) == (MARY, REFUSALS[refusal])
    assert "@" not in found.words


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_same_in_html_alone(refusal: str) -> None:
    html = "".join(f"<p>{line.replace('<', '&lt;')}</p>" for line in OFFICE.replace("{}", refusal).splitlines())
    found = mail(f"<html><body>{html}</body></html>", kind="text/html", sender="postmaster@tenant.example")
    assert (found.named, verdict(found)) == (MARY, REFUSALS[refusal])


def test_an_empty_sender_our_token_and_a_refusal_are_enough() -> None:
    found = mail("550 5.1.1 gone", sender="Gate <gate@example.net>", subject="About your mail")
    assert verdict(found) == "hard"
    assert (
        verdict(mail("550 5.1.1 gone", sender="Ann <ann@example.net>", subject="Re: Hello", nobody=False)) == "unknown"
    )


def test_failed_recipients_and_no_code_are_judged_by_the_words() -> None:
    text = "|----- Failed addresses follow: -----|\n <ann@example.net> {}\n\n|----- Message header follows: -----|\n"
    headers = "X-Failed-Recipients: ann@example.net\n"
    for words, wanted in {"unknown user": "hard", "Quota exceeded": "soft"}.items():
        assert verdict(mail(text.replace("{}", words), headers=headers)) == wanted


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Keep the library open", "I am away until Monday. The user is unknown to leave before 5.1.1."),
        ("Automatic reply: Keep it open", "Bob no longer works here. His mailbox is no longer in use. Call 555 1234."),
        ("Abwesend: Keep it open", "Ich bin bis 5.1.2027 nicht da. Tel. 550 Ext 12"),
        ("Out of office", "<p>Our address: 550 Fifth Avenue. User unknown.</p>"),
    ],
)
def test_a_persons_automatic_answer_is_no_bounce(subject: str, text: str) -> None:
    for headers in ("Auto-Submitted: auto-replied\n", "X-Autoreply: yes\n"):
        assert verdict(mail(text, sender="Bob <bob@example.net>", subject=subject, headers=headers)) == "auto-reply"


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("Bob <bob@example.net>", "Please confirm your message to me", "Reply to this mail, or it is not delivered."),
        ("Mail Delivery Subsystem <mailer-daemon@example.net>", "Delivery Status Notification (Failure)",
         "The group you tried to contact may not exist, or you may not have permission to post to it."),
        ("postmaster@example.net", "Something happened", "We are not sure what."),
        ("gate@example.net", "Undeliverable: Keep it open", "Your message was stopped."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("headers", ["", "Auto-Submitted: auto-replied\n"])
def test_what_is_unclear_is_listed_and_never_hidden_as_an_automatic_answer(
    sender: str, subject: str, text: str, headers: str
) -> None:
    if sender.startswith("Bob") and headers:
        pytest.skip("a person's automatic answer")
    found = mail(text, sender=sender, subject=subject, headers=headers)
    assert (found.kind, found.named) == (K.UNKNOWN, MARY)


def test_a_delay_is_only_a_delay() -> None:
    text = "A message that you sent has not yet been delivered. Delivery attempts will continue for some time."
    headers = "X-Failed-Recipients: ann@example.net\nAuto-Submitted: auto-replied\n"
    assert verdict(mail(text, subject="Warning: message 1kX delayed 24 hours", headers=headers)) == "delay"


def test_our_own_subject_in_a_bounce_says_nothing_of_anybody() -> None:
    text = "Your message\n\n  To: ann\n  Subject: A user unknown to us: spam, quota, HELO\n\nno: 550 5.1.1 gone"
    assert verdict(mail(text)) == "hard"
    assert verdict(mail(text.replace("5.1.1 gone", "I won't"))) == "soft"


def test_a_token_in_the_copy_names_the_mail_where_the_address_has_none() -> None:
    text = OPENSMTPD.replace("{}", "550 5.1.1 gone") + f"Return-Path: <{MAILBOX}>\n"
    assert mail(text, to="news@example.org").named == MARY
    other = mail(text, to="news@example.org", sender="Ann <ann@example.net>", subject="Re: x", nobody=False)
    assert other.named is None

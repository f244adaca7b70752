"""Wishes to leave by mail: however a program writes the subject, and whatever marks it adds."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.feedback.dsn import Returned, read
from mailer.store.tables.states import ReturnedKind
from mailer.tracking.tokens import Named, Purpose, Signer
from tests.reports.builders import delivery_id

SIGNER = Signer([b"a-signing-key-for-tests-that-is-long-enough"])
MARY = Named(delivery_id(1))
TOKEN = SIGNER.sign(Purpose.UNSUBSCRIBE, MARY)
TRICKY = next(  # one whose own characters mail programs take for something else
    named
    for named in map(Named, range(1, 5_000))
    if (token := SIGNER.sign(Purpose.UNSUBSCRIBE, named)).count("_") > 1 and token[-1] == "-"
)


def wish(subject: str, text: str = "", *, headers: str = "", kind: str = "text/plain") -> Returned:
    raw = (
        f"Return-Path: <mary@example.net>\nFrom: mary@example.net\nTo: leave@example.org\nSubject: {subject}\n{headers}"
        f"MIME-Version: 1.0\nContent-Type: {kind}; charset=utf-8\n\n{text}\n"
    )
    return read(raw.encode(), SIGNER)


SUBJECTS = [
    "unsubscribe {}", "UNSUBSCRIBE {}", "{}", "unsubscribe%20{}", "unsubscribe%2520{}", "unsubscribe+{}",
    "unsubscribe={}", "unsubscribe_{}", "unsubscribe: {}", "unsubscribe <{}>", '"unsubscribe {}"', "unsubscribe {}.",
    "Re: unsubscribe {}", "Fw: unsubscribe {}", "[EXTERNAL] unsubscribe {}", "unsubscribe {} [EXT]", "Abmelden {}",
    "désinscription {}", "unsubscribe\u00a0{}", "unsubscribe=20{}", "unsubscribe\n {}", "Automatische Antwort: {}",
    "unsubscribe&nbsp;{}", "(unsubscribe {})",
]  # fmt: skip


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("named", [MARY, TRICKY], ids=["plain", "tricky"])
def test_a_subject_is_a_wish_however_it_is_written(subject: str, named: Named) -> None:
    token = SIGNER.sign(Purpose.UNSUBSCRIBE, named)
    found = wish(subject.format(token))
    assert (found.kind, found.named) == (ReturnedKind.UNSUBSCRIBE, named)


def test_a_subject_is_decoded_in_either_encoding_and_where_a_blank_was_forgotten() -> None:
    said = f"unsubscribe {TOKEN}"
    assert "_" in TOKEN, "which RFC 2047 takes for a blank, and some programs don't"
    for word in (
        f"=?utf-8?B?{base64.b64encode(said.encode()).decode()}?=",
        f"=?utf-8?Q?{said.replace('_', '=5F').replace(' ', '_')}?=",
        f"=?utf-8?Q?unsubscribe_{TOKEN}?=",
        f"=?utf-8?q?unsubscribe=C2=A0{TOKEN}?=",
    ):
        assert wish(word).named == MARY, word


MARKS = [
    "Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n",  # Apple Mail's own button
    "Auto-Submitted: auto-generated\n",
    "Precedence: auto_reply\n",
    "X-Autoreply: yes\n",
    "X-Auto-Response-Suppress: All\n",
    "Precedence: bulk\nList-Id: <x.example>\n",
]


@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.parametrize("subject", [f"unsubscribe {TOKEN}", "leave"])
def test_a_signed_token_acts_whatever_marks_are_around_it(marks: str, subject: str) -> None:
    found = wish(subject, f"unsubscribe {TOKEN}" if subject == "leave" else "", headers=marks)
    assert (found.kind, found.named) == (ReturnedKind.UNSUBSCRIBE, MARY)


TEXTS = [
    "{}", "unsubscribe {}", "Unsubscribe\n{}", "hello\n\n  unsubscribe: {}.\n\nMary", "unsubscribe%20{}", "<{}>",
    "Please unsubscribe {}",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_line_of_the_text_is_a_wish(text: str) -> None:
    assert wish("please stop", text.format(TOKEN)).named == MARY
    html = (
        "<html><head><style>p {}</style></head><body><p>" + text.format(TOKEN).replace("<", "&lt;") + "<br></p></body>"
    )
    assert wish("unsubscribe", html.replace("\n", "</p><p>"), kind="text/html").named == MARY


@pytest.mark.parametrize(
    "text",
    [
        "> unsubscribe {}", "https://act.example.org/u/{}", "List-Unsubscribe: <https://act.example.org/u/{}>",
        " <mailto:leave@example.org?subject=unsubscribe%20{}>", "They wrote https://act.example.org/u/{} to me",
        "x{}", "{}x",
    ],
)  # fmt: skip
def test_a_token_that_was_only_quoted_is_no_wish(text: str) -> None:
    assert wish("Re: Ask them", text.format(TOKEN)).named is None


@pytest.mark.parametrize("place", ["subject", "text"])
@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.UNSUBSCRIBE])
def test_a_token_for_something_else_is_no_wish(purpose: Purpose, place: str) -> None:
    said = f"unsubscribe {SIGNER.sign(purpose, MARY)}"
    assert wish(said if place == "subject" else "leave", said).named is None


@given(st.text(st.characters(codec="utf-8", exclude_characters="/@\r\n"), max_size=20), st.integers(0, 2**63 - 1))
def test_words_before_the_token_change_nothing(before: str, number: int) -> None:
    made = EmailMessage()
    made["To"] = "leave@example.org"
    made["Subject"] = (
        f"{''.join(sign for sign in before if sign.isprintable())} {SIGNER.sign(Purpose.UNSUBSCRIBE, Named(number))}"
    )
    made.set_content("sent from my phone")
    assert read(bytes(made), SIGNER).named == Named(number)

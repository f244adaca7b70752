"""Replies as providers write them, and what they mean: whose fault, and what becomes of the mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.transports.envelope import Fate, ReplyClass
from mailer.transports.replies import Step, classify, classify_report, outcome, read_reply
from mailer.transports.reply_codes import ENHANCED
from tests.conftest import REPOSITORY

HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS

CASES = [
    (Step.RCPT, "550 5.1.1 The email account that you tried to reach does not exist", HARD),
    (Step.RCPT, "550 5.1.2 bad destination host", HARD),
    (Step.RCPT, "553 5.1.3 bad address syntax", HARD),
    (Step.RCPT, "556 5.1.10 recipient address has null MX", HARD),
    (Step.RCPT, "550 5.2.1 The email account is inactive", HARD),
    (Step.RCPT, "550 5.2.1 This mailbox is receiving mail at a rate that prevents additional messages", SOFT),
    (Step.RCPT, "450 4.2.1 The user is receiving mail too quickly", SOFT),
    (Step.RCPT, "552 5.2.2 mailbox full", SOFT),
    (Step.RCPT, "452 4.2.2 mailbox full", SOFT),
    (Step.RCPT, "550 5.2.3 longer than this mailbox takes", POLICY),
    (Step.END, "552 5.3.4 message too big", POLICY),
    (Step.RCPT, "451 4.3.0 try later", SOFT),
    (Step.RCPT, "550 5.4.7 delivery expired", SOFT),
    (Step.END, "550 5.7.1 looks like spam", POLICY),
    (Step.END, "421 4.7.28 rate of unsolicited mail", POLICY),
    (Step.RCPT, "550 5.7.515 Access denied", POLICY),
    (Step.END, "554 5.6.0 cannot convert", POLICY),
    (Step.MAIL, "553 5.1.8 sender domain does not exist", OURS),
    (Step.MAIL, "553 5.1.7 sender address malformed", OURS),
    (Step.RCPT, "503 5.5.1 need MAIL first", OURS),
    (Step.MAIL, "530 5.7.0 Authentication required", OURS),
    (Step.RCPT, "530 Authentication required", OURS),
    (Step.AUTH, "535 5.7.8 credentials invalid", OURS),
    # No enhanced code: the number, the step and the words.
    (Step.RCPT, "550 user unknown", HARD),
    (Step.RCPT, "550 No such user here", HARD),
    (Step.RCPT, "551 user not local", HARD),
    (Step.RCPT, "550 mailbox unavailable", SOFT),
    (Step.RCPT, "550 blocked by our spam policy", POLICY),
    (Step.RCPT, "554 rejected: see our blacklist", POLICY),
    (Step.RCPT, "450 mailbox busy", SOFT),
    (Step.RCPT, "452 too many recipients", SOFT),
    (Step.END, "550 message content not acceptable", POLICY),
    (Step.END, "554 transaction failed", POLICY),
    (Step.END, "550 no such user", HARD),
    (Step.MAIL, "550 not allowed", OURS),
    (Step.MAIL, "450 busy", SOFT),
    (Step.MAIL, "554 5.7.1 your address is on a list", POLICY),
    (Step.DATA, "421 closing down", SOFT),
    (Step.RCPT, "599 something unheard of", SOFT),
    (Step.RCPT, "550 5.9.9 an unknown subject", SOFT),
    # A code of the wrong kind is not one: the number decides.
    (Step.RCPT, "450 5.1.1 confused", SOFT),
]


@pytest.mark.parametrize(("step", "said", "wanted"), CASES, ids=[said for _, said, _ in CASES])
def test_whose_fault_a_reply_is(step: Step, said: str, wanted: ReplyClass) -> None:
    reply = read_reply(int(said[:3]), said[4:].encode())
    assert classify(reply, step) is wanted
    found = outcome(reply, step)
    assert found.reply_class is wanted
    assert found.fate is (Fate.REFUSED if said[0] == "5" else Fate.DEFERRED)
    assert said.startswith(found.code)
    assert f"{found.code} {found.detail}" == f"{said} (at {step})", "as it was said, and nothing of it twice"


def test_an_acceptance_keeps_the_relays_name_for_the_mail() -> None:
    found = outcome(read_reply(250, b"2.0.0 Ok: queued as 4VfX2k"), Step.END)
    assert (found.fate, found.code, found.provider_id) == (Fate.ACCEPTED, "250 2.0.0", "4VfX2k")


def test_words_are_one_short_line() -> None:
    reply = read_reply(550, b"5.1.1 first\n5.1.1 \x1b[31msecond\r\xff" + b"x" * 9000)
    assert reply.enhanced == "5.1.1"
    assert len(reply.words) <= 500
    assert reply.words.isprintable()
    assert reply.words.isascii()


@given(number=st.integers(400, 599), words=st.text(max_size=80), step=st.sampled_from(list(Step)))
def test_a_temporary_reply_never_condemns_an_address(number: int, words: str, step: Step) -> None:
    reply = read_reply(number, words.encode())
    if number < 500 or step not in (Step.RCPT, Step.DATA, Step.END):
        assert classify(reply, step) is not HARD


def test_every_entry_of_the_table_can_be_reached() -> None:
    for pattern, kind in ENHANCED.items():
        parts = pattern.replace("x", "5").split(".")
        code = ".".join([*parts, *["0"] * (3 - len(parts))])
        assert classify(read_reply(550, f"{code} said".encode()), Step.RCPT) is kind


def test_the_documentation_shows_the_table_as_it_is() -> None:
    text = (REPOSITORY / "docs" / "transports.md").read_text(encoding="utf-8")
    table = text.partition("<!-- the table of mailer/transports/replies.py -->")[2].partition("\n530, ")[0]
    shown: dict[str, ReplyClass] = {}
    for line in table.splitlines():
        codes, _, kind = line.strip("| ").partition("|")
        for code in codes.split(","):
            if code.strip()[:1] in "45x" and "." in code:
                shown[code.strip()] = ReplyClass(kind.strip().partition(";")[0])
    assert shown == ENHANCED


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        ("5.1.1", "550 5.1.1 no such user", HARD),
        ("5.0.0", "550 5.1.1 <x>: unknown", HARD),  # Exim: the better code stands in the words
        ("5.0.0", "550 No such user here", HARD),
        ("", "Sorry, no mailbox here by that name. (#5.1.1)", HARD),
        ("5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account (x) [0]", HARD),
        ("5.2.2", "552 5.2.2 mailbox full", SOFT),
        ("4.4.1", "connect to mx.example.org: Connection timed out", SOFT),
        ("5.4.4", "Host or domain name not found", SOFT),
        ("4.1.1", "450 4.1.1 user unknown in local table", SOFT),  # not for good
        ("5.7.1", "554 5.7.1 spam", POLICY),
        ("5.7.9", "554 5.7.9 Message not accepted for policy reasons", POLICY),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", SOFT),
        ("5.5.0", "550 5.5.0 unknown user", HARD),
        ("", "", SOFT),
        ("nonsense", "nonsense", SOFT),
    ],
)
def test_a_report_is_judged_by_the_same_table(status: str, words: str, kind: ReplyClass) -> None:
    assert classify_report(status, words) is kind


@given(st.text(max_size=12), st.text(max_size=80))
def test_no_report_is_our_own_fault_and_none_makes_it_fail(status: str, words: str) -> None:
    assert classify_report(status, words) in (HARD, SOFT, POLICY)

"""Replies as providers write them, and what they mean: whose fault, and what becomes of the mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.transports.base import Fate, ReplyClass
from mailer.transports.replies.classify import SmtpStep, classify, judge_report, outcome, read_reply
from mailer.transports.replies.codes import ENHANCED
from mailer.transports.replies.phrases import PHRASES, plain, spoken_of
from tests.conftest import REPOSITORY

HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS

CASES = [
    (SmtpStep.RCPT, "550 5.1.1 The email account that you tried to reach does not exist", HARD),
    (SmtpStep.RCPT, "550 5.1.2 bad destination host", HARD),
    (SmtpStep.RCPT, "553 5.1.3 bad address syntax", HARD),
    (SmtpStep.RCPT, "556 5.1.10 recipient address has null MX", HARD),
    (SmtpStep.RCPT, "550 5.2.1 The email account is inactive", HARD),
    (SmtpStep.RCPT, "550 5.2.1 This mailbox is receiving mail at a rate that prevents additional messages", SOFT),
    (SmtpStep.RCPT, "450 4.2.1 The user is receiving mail too quickly", SOFT),
    (SmtpStep.RCPT, "552 5.2.2 mailbox full", SOFT),
    (SmtpStep.RCPT, "452 4.2.2 mailbox full", SOFT),
    (SmtpStep.RCPT, "550 5.2.3 longer than this mailbox takes", POLICY),
    (SmtpStep.END, "552 5.3.4 message too big", POLICY),
    (SmtpStep.RCPT, "451 4.3.0 try later", SOFT),
    (SmtpStep.RCPT, "550 5.4.7 delivery expired", SOFT),
    (SmtpStep.END, "550 5.7.1 looks like spam", POLICY),
    (SmtpStep.END, "421 4.7.28 rate of unsolicited mail", POLICY),
    (SmtpStep.RCPT, "550 5.7.515 Access denied", POLICY),
    (SmtpStep.END, "554 5.6.0 cannot convert", POLICY),
    (SmtpStep.MAIL, "553 5.1.8 sender domain does not exist", OURS),
    (SmtpStep.MAIL, "553 5.1.7 sender address malformed", OURS),
    (SmtpStep.RCPT, "503 5.5.1 need MAIL first", OURS),
    (SmtpStep.MAIL, "530 5.7.0 Authentication required", OURS),
    (SmtpStep.RCPT, "530 Authentication required", OURS),
    (SmtpStep.AUTH, "535 5.7.8 credentials invalid", OURS),
    # No enhanced code: the number, the step and the words.
    (SmtpStep.RCPT, "550 user unknown", HARD),
    (SmtpStep.RCPT, "550 No such user here", HARD),
    (SmtpStep.RCPT, "551 user not local", HARD),
    (SmtpStep.RCPT, "550 mailbox unavailable", SOFT),
    (SmtpStep.RCPT, "550 blocked by our spam policy", POLICY),
    (SmtpStep.RCPT, "554 rejected: see our blacklist", POLICY),
    (SmtpStep.RCPT, "450 mailbox busy", SOFT),
    (SmtpStep.RCPT, "452 too many recipients", SOFT),
    (SmtpStep.END, "550 message content not acceptable", POLICY),
    (SmtpStep.END, "554 transaction failed", POLICY),
    (SmtpStep.END, "550 no such user", HARD),
    (SmtpStep.MAIL, "550 not allowed", OURS),
    (SmtpStep.MAIL, "450 busy", SOFT),
    (SmtpStep.MAIL, "554 5.7.1 your address is on a list", POLICY),
    (SmtpStep.DATA, "421 closing down", SOFT),
    (SmtpStep.RCPT, "599 something unheard of", SOFT),
    (SmtpStep.RCPT, "550 5.9.9 an unknown subject", SOFT),
    # Who is spoken of decides before the code does: our sender, our host, the relay …
    (SmtpStep.RCPT, "550 5.1.8 <us@example.org>: Sender address rejected: Domain not found", OURS),
    (SmtpStep.RCPT, "550 <us@example.org>: Sender address rejected: User unknown in local recipient table", OURS),
    (SmtpStep.RCPT, "550 5.1.1 Sender verify failed", OURS),
    (SmtpStep.RCPT, "554 5.7.1 <us@example.org>: Sender address rejected: not owned by user news", OURS),
    (SmtpStep.RCPT, "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname", OURS),
    (SmtpStep.RCPT, "550 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.9]", OURS),
    (SmtpStep.RCPT, "554 5.7.1 <ann@example.net>: Relay access denied", OURS),
    (SmtpStep.END, "550 5.7.60 Client does not have permissions to send as this sender", OURS),
    (SmtpStep.RCPT, "450 4.1.8 <us@example.org>: Sender address rejected: Domain not found", OURS),
    # … a full mailbox, a rate, a blocklist or the content, whatever the code …
    (SmtpStep.RCPT, "550 5.1.1 Over quota", SOFT),
    (SmtpStep.RCPT, "552 5.1.1 user has too many messages on the server", SOFT),
    (SmtpStep.RCPT, "550 5.1.1 You are sending at a rate that is too high", SOFT),
    (SmtpStep.RCPT, "550 5.1.1 Your IP is on a block list", POLICY),
    (SmtpStep.RCPT, "550 5.1.1 <ann@example.net>: temporarily locked, try again later", SOFT),
    (SmtpStep.RCPT, "550 5.7.133 Sender not authenticated for group", POLICY),
    # … and a missing person, whatever a code says that is given for everything.
    (SmtpStep.RCPT, "550 Recipient address rejected: User unknown", HARD),
    (SmtpStep.RCPT, "550 <ann@example.net>: Recipient address rejected: User unknown in virtual mailbox table", HARD),
    (SmtpStep.RCPT, "550 5.7.1 <ann@example.net>: Recipient address rejected: User unknown", HARD),
    (SmtpStep.RCPT, "550 5.1.0 Unknown address error", HARD),
    (SmtpStep.RCPT, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", HARD),
    (SmtpStep.RCPT, "550 5.5.0 No such user here", HARD),
    (SmtpStep.RCPT, "550 Destinataire inconnu", HARD),
    (SmtpStep.RCPT, "550 Empfaenger unbekannt", HARD),
    (SmtpStep.RCPT, "550 El usuario no existe", HARD),
    (SmtpStep.RCPT, "552 5.2.2 user unknown or over quota", SOFT),
    (SmtpStep.MAIL, "550 5.1.1 user unknown", OURS),
    (SmtpStep.MAIL, "450 4.1.1 user unknown", SOFT),
    # A code of the wrong kind is not one: the number decides.
    (SmtpStep.RCPT, "450 5.1.1 confused", SOFT),
]


@pytest.mark.parametrize(("step", "said", "wanted"), CASES, ids=[said for _, said, _ in CASES])
def test_whose_fault_a_reply_is(step: SmtpStep, said: str, wanted: ReplyClass) -> None:
    reply = read_reply(int(said[:3]), said[4:].encode())
    assert classify(reply, step) is wanted
    found = outcome(reply, step)
    assert found.reply_class is wanted
    assert found.fate is (Fate.REFUSED if said[0] == "5" else Fate.DEFERRED)
    assert said.startswith(found.code)
    assert f"{found.code} {found.detail}" == f"{said} (at {step})", "as it was said, and nothing of it twice"


def test_an_acceptance_keeps_the_relays_name_for_the_mail() -> None:
    found = outcome(read_reply(250, b"2.0.0 Ok: queued as 4VfX2k"), SmtpStep.END)
    assert (found.fate, found.code, found.provider_id) == (Fate.ACCEPTED, "250 2.0.0", "4VfX2k")


def test_words_are_one_short_line() -> None:
    reply = read_reply(550, b"5.1.1 first\n5.1.1 \x1b[31msecond\r\xff" + b"x" * 9000)
    assert reply.enhanced == "5.1.1"
    assert len(reply.words) <= 500
    assert reply.words.isprintable()
    assert reply.words.isascii()


@given(number=st.integers(400, 599), words=st.text(max_size=80), step=st.sampled_from(list(SmtpStep)))
def test_a_temporary_reply_never_condemns_an_address(number: int, words: str, step: SmtpStep) -> None:
    reply = read_reply(number, words.encode())
    if number < 500 or step not in (SmtpStep.RCPT, SmtpStep.DATA, SmtpStep.END):
        assert classify(reply, step) is not HARD


def test_every_entry_of_the_table_can_be_reached() -> None:
    for pattern, kind in ENHANCED.items():
        parts = pattern.replace("x", "5").split(".")
        code = ".".join([*parts, *["0"] * (3 - len(parts))])
        assert classify(read_reply(550, f"{code} said".encode()), SmtpStep.RCPT) is kind


def documented(mark: str) -> list[list[str]]:
    """The cells of the table after a mark, without its heading."""
    text = (REPOSITORY / "docs" / "transports.md").read_text(encoding="utf-8").partition(f"<!-- {mark} -->")[2]
    rows = [line.strip("| ").split(" | ") for line in text.partition("|\n\n")[0].splitlines() if line.startswith("|")]
    return rows[2:]


def test_the_documentation_shows_the_codes_as_they_are() -> None:
    rows = documented("the table of mailer/transports/replies/codes.py")
    assert {code.strip(): ReplyClass(kind) for codes, kind in rows for code in codes.split(",")} == ENHANCED


def test_the_documentation_shows_the_words_in_their_order() -> None:
    rows = documented("the rows of mailer/transports/replies/phrases.py")
    assert [(about.partition(":")[0], kind) for about, _, kind in rows] == [
        (row.about.value, row.reply_class.value) for row in PHRASES
    ]
    for (_, examples, _), row in zip(rows, PHRASES, strict=True):
        assert row.pattern.search(plain(examples)), examples


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
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)", HARD),
        ("5.4.4", "Host or domain name not found. Name service error for name=x type=AAAA: Host not found", HARD),
        ("4.4.3", "Host or domain name not found. Name service error: Host not found, try again", SOFT),
        # The code that the other server gave beats the report's own …
        ("5.1.1", "552 5.2.2 Requested mail action aborted", SOFT),
        ("5.0.0", "5.1.0 - Unknown address error 550-'5.1.1 <x>... gone'", HARD),
        ("4.0.0", "554 Blocked - see a page", POLICY),
        ("5.1.1", "450 4.7.1 come again", SOFT),
        # … also at which command it was given.
        ("5.1.1", "550 5.1.1 user unknown (in reply to MAIL FROM command)", OURS),
        ("5.0.0", "550 not so (in reply to end of DATA command)", POLICY),
        # Of us.
        ("5.1.7", "501 5.1.7 Invalid address", OURS),
        ("5.1.8", "", OURS),
        ("5.0.0", "550-Verification failed for <x>\n550-No Such User Here\n550 Sender verify failed", OURS),
        ("5.0.0", "550-Called: 192.0.2.7 550-Response: 550 5.1.1 User unknown 550 Sender verify failed", OURS),
        ("5.0.0", "554 Reverse lookup of your address failed: address unknown", OURS),
        ("5.0.0", "550 HELO address invalid", OURS),
        ("5.0.0", "550 Your account is disabled for sending", OURS),
        # A report can't be about our login or our syntax, since the mail had been taken.
        ("5.5.4", "501 5.5.4 odd", SOFT),
        ("5.7.8", "535 5.7.8 odd", POLICY),
        ("", "", SOFT),
        ("nonsense", "nonsense", SOFT),
    ],
)
def test_a_report_is_judged_by_the_same_table(status: str, words: str, kind: ReplyClass) -> None:
    assert judge_report(status, words).reply_class is kind


@given(st.text(max_size=12), st.text(max_size=80))
def test_no_report_makes_it_fail(status: str, words: str) -> None:
    assert isinstance(judge_report(status, words).reply_class, ReplyClass)


MISSING = [
    "User unknown",
    "No such user here",
    "mailbox not found",
    "5.1.1 unknown",
    "Destinataire inconnu",
    "account disabled",
]
OTHERS = {
    SOFT: ["mailbox is full", "over quota", "too many messages per hour", "temporarily deferred, try again later"],
    POLICY: ["listed at bl.example.org, a blocklist", "looks like spam", "your reputation is poor", "DMARC failed"],
    OURS: ["Sender address rejected", "Sender verify failed", "HELO rejected", "Relay access denied", "no PTR record"],
}  # fmt: skip
SPOKEN = st.sampled_from([(kind, words) for kind, all_words in OTHERS.items() for words in all_words])
CODES = st.sampled_from(["", "5.0.0 ", "5.1.0 ", "5.1.1 ", "5.1.2 ", "5.2.1 ", "5.5.0 ", "5.7.1 "])


@given(st.sampled_from([550, 551, 553, 554]), CODES, st.sampled_from(MISSING), SPOKEN, st.booleans())
def test_whoever_else_is_spoken_of_no_person_is_taken_for_missing(
    number: int, code: str, missing: str, other: tuple[ReplyClass, str], first: bool
) -> None:
    """The law behind the table: suppressing somebody needs words that speak of them alone."""
    said = f"{other[1]}; {missing}" if first else f"{missing}; {other[1]}"
    assert classify(read_reply(number, f"{code}{said}".encode()), SmtpStep.RCPT) is not HARD
    assert judge_report(code.strip(), f"{number} {code}{said}").reply_class is not HARD


@given(st.sampled_from([550, 551, 553, 554]), st.sampled_from(["", "5.0.0 ", "5.1.0 ", "5.4.1 ", "5.5.0 ", "5.7.1 "]))
def test_exact_words_of_a_missing_person_beat_a_code_given_for_everything(number: int, code: str) -> None:
    for words in MISSING:
        assert classify(read_reply(number, f"{code}{words}".encode()), SmtpStep.RCPT) is HARD
        assert judge_report(code.strip() or "5.0.0", f"{number} {words}").reply_class is HARD


@given(st.sampled_from(MISSING), SPOKEN, st.booleans())
def test_only_a_refusal_of_us_for_good_says_so(missing: str, other: tuple[ReplyClass, str], for_good: bool) -> None:
    kind, words = other
    number = 550 if for_good else 450
    assert outcome(read_reply(number, words.encode()), SmtpStep.RCPT).refuses_us == (kind is OURS and for_good)
    assert not outcome(read_reply(number, missing.encode()), SmtpStep.RCPT).refuses_us
    assert not outcome(read_reply(503, b"5.5.1 need MAIL first"), SmtpStep.RCPT).refuses_us


# One reply for each row of the table of words, in its order.
ROWS = [
    "mailbox is full", "listed at zen.spamhaus.org", "looks like spam", "not authorized to send to this group",
    "sender address rejected", "no reverse DNS for your host", "relaying denied", "message too large",
    "too many connections", "try again later", "account suspended", "no such user", "unknown host", "account closed",
    "against our policy", "rejected",
]  # fmt: skip


def test_every_row_of_the_words_can_be_reached() -> None:
    assert len(ROWS) == len(PHRASES)
    for row, words in zip(PHRASES, ROWS, strict=True):
        assert spoken_of(words) is row, words
        assert spoken_of(words.upper()) is row


@given(st.text(max_size=300))
def test_any_words_are_looked_at(words: str) -> None:
    row = spoken_of(words)
    assert row is None or row in PHRASES
    assert "@" not in plain(f"{words} ann@example.net") or "@" in words


def test_words_are_compared_without_accents_capitals_and_addresses() -> None:
    said = "Boîte de <ann@example.net> ‘PLEINE’ –  EMPFÄNGER Straße"
    assert plain(said) == "boite de <address> 'pleine' – empfanger strasse"

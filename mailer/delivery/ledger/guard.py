"""Guard rails: when a campaign must pause itself, and the sentence that says why. Pure: outcomes in, words out.

One bad address never stops the others. What several workers have seen together, `guard_state` keeps; the limits and
their sources are in `settings.schema`. Pausing itself, and whether it was allowed, is for the engine and
`campaigns.lifecycle`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from mailer.errors import MailerError
from mailer.settings import Guard as Limits
from mailer.store.tables.core import EPOCH
from mailer.transports.base import Fate, Outcome, ReplyClass, TransportRefused

TROUBLES_IN_A_ROW = 5  # failed connections before a worker leaves the rest to a later run
LONGEST_WAIT_SECONDS = 10.0  # a transport that asks for more is left to a later run, too
QUEUED, THEN = "; everybody who was not mailed yet stays queued. ", "; then: mailer resume "  # around the remedy
TAKEN, REFUSED = ".", "x"  # the last outcomes, as `GuardCounts.recent` has them


@dataclass(frozen=True, slots=True)
class GuardCounts:
    """What all workers together know of a campaign since its launch or its last resume, counted in people."""

    accepted: int = 0
    refused: int = 0  # for good
    hard: int = 0  # of these: there is no such person
    recent: str = ""  # the last outcomes, oldest first
    bounced: int = 0  # taken by the transport, and came back hard
    complained: int = 0  # reported as spam
    troubles: int = 0  # failures of the transport in a row
    since: datetime = EPOCH

    @property
    def mailed(self) -> int:
        """Everybody whose mail was answered for good: what rates are measured by."""
        return self.accepted + self.refused


@dataclass(frozen=True, slots=True)
class Halt:
    """Why to stop. `pause`: the campaign must not go on until staff resume it; otherwise a later run goes on."""

    reason: str
    pause: bool


class GuardRails:
    """The rails of one worker on one campaign."""

    def __init__(self, limits: Limits, *, slug: str, transport: str) -> None:
        self._limits = limits
        self._slug = slug
        self._transport = transport
        self._known = GuardCounts()
        self._recent: deque[str] = deque(maxlen=limits.refused_of)
        self._refused_lately = 0
        self._ours = 0
        self._troubles = 0
        self._forget_fresh()

    @property
    def fresh(self) -> GuardCounts:
        """What this worker noted since it last heard from the others."""
        return GuardCounts(self._accepted, self._refused, self._hard, "".join(self._fresh))

    def note(self, outcome: Outcome, *, people: int = 1, given_up: int = 0) -> Halt | None:
        """Take one answer in, which may be that of many people. `given_up`: how many of them are not tried again,
        though it doesn't refuse them for good, since they were put off for too long."""
        self._troubles = 0
        self._ours = self._ours + people if outcome.reply_class is ReplyClass.OURS else 0
        if outcome.refuses_us or self._ours >= self._limits.refusals_of_us:
            return self._pause(
                f"the {self._transport} transport refuses {'our sender or host' if outcome.refuses_us else 'us'}:"
                f" {_words(outcome)}",
                "Correct the login or the sender it names (mailer doctor)",
            )
        if outcome.fate is Fate.REFUSED and outcome.reply_class is not ReplyClass.OURS:
            self._refused += people
            self._hard += people * (outcome.reply_class is ReplyClass.HARD)
            self._remember(REFUSED * people)
            return self._judge_recent(outcome)
        if outcome.fate is Fate.ACCEPTED:
            self._accepted += people
            self._remember(TAKEN * people)
        if given_up:
            self._refused += given_up
            return self._judge_given_up(outcome)
        return None

    def trouble(self, error: MailerError) -> Halt | None:
        """Take a failure of the transport in, when surely nothing was handed over."""
        if isinstance(error, TransportRefused):
            return self._pause(
                error.message, error.remedy or "Fix it (mailer doctor tries it without mailing anybody)."
            )
        self._troubles += 1
        later = getattr(error, "retry_after_seconds", None) or 0.0
        if self._troubles < TROUBLES_IN_A_ROW and later <= LONGEST_WAIT_SECONDS:
            return None
        return Halt(f"{error.message}; the rest stays queued", pause=False)

    def learn(self, counts: GuardCounts) -> Halt | None:
        """Judge by what all workers have seen, our own latest included."""
        self._known = counts
        self._forget_fresh()
        self._recent = deque(counts.recent, maxlen=self._limits.refused_of)
        self._refused_lately = self._recent.count(REFUSED)
        return self._judge_recent(None) or self._judge_rates()

    def judge_troubles(self, in_a_row: int, error: MailerError) -> Halt | None:
        """Whether the transport has failed for so many runs that somebody must look."""
        if not self._limits.troubles or in_a_row < self._limits.troubles:
            return None
        return self._pause(
            f"the {self._transport} transport has failed {in_a_row:,} times in a row, most recently: {error.message}",
            error.remedy or "Fix it (mailer doctor tries it without mailing anybody).",
        )

    def _forget_fresh(self) -> None:
        self._accepted = self._refused = self._hard = 0
        self._fresh: deque[str] = deque(maxlen=self._limits.refused_of)

    def _remember(self, what: str) -> None:
        if self._refused_lately or what[0] == REFUSED:
            self._recent.extend(what)
            self._refused_lately = self._recent.count(REFUSED)
        else:
            self._recent.extend(what)
        self._fresh.extend(what)

    def _judge_recent(self, outcome: Outcome | None) -> Halt | None:
        share, of = self._limits.refused_share, self._limits.refused_of
        # So many are too many whatever the next replies are, so waiting until `of` people were mailed gains nothing.
        if not share or self._refused_lately <= share * of:
            return None
        lately = f", most recently with {_words(outcome)}" if outcome else ""
        return self._pause(
            f"{self._refused_lately:,} of the last {len(self._recent):,} people were refused for good{lately}",
            "A blocklist, a refused sender or an old list causes this: fix what the replies say",
        )

    def _judge_given_up(self, outcome: Outcome) -> Halt | None:
        """Judge by everybody mailed. In any campaign many of the last ones may be given up on: deferred recipients come
        last, and two days later the hopeless ones come one after another."""
        share = self._limits.refused_share
        refused = self._known.refused + self._refused
        mailed = self._known.mailed + self._accepted + self._refused
        if not share or refused <= share * max(mailed, self._limits.refused_of):
            return None
        return self._pause(
            f"{refused:,} of {mailed:,} people were refused for good, or put off for two days and given up on, most"
            f" recently with {_words(outcome)}",
            "Anyone tried again now and deferred once more is given up on too, so first fix what the replies say",
        )

    def _judge_rates(self) -> Halt | None:
        known, limits = self._known, self._limits
        bounced = known.hard + known.bounced
        if passes(bounced, of=known.mailed, rate=limits.bounce_rate, at_least=limits.bounces_at_least):
            return self._pause(
                f"{bounced:,} of {known.mailed:,} people bounced: there is nobody at these addresses"
                f" ({bounced / known.mailed:.1%}, and the limit is {limits.bounce_rate:.1%})",
                "The list is old or was not collected by you: mail only people you have heard from recently",
            )
        complained = known.complained
        if passes(complained, of=known.mailed, rate=limits.complaint_rate, at_least=limits.complaints_at_least):
            return self._pause(
                f"{complained:,} of {known.mailed:,} people reported the mail as spam"
                f" ({complained / known.mailed:.2%}, and the limit is {limits.complaint_rate:.2%})",
                "Ask whether they expect this mail, and mail only those who do",
            )
        return None

    def _pause(self, what: str, remedy: str) -> Halt:
        return Halt(f"{what.strip()}{QUEUED}{remedy.strip().rstrip('.')}{THEN}{self._slug}", pause=True)


def why_paused(why: str) -> tuple[str, str]:
    """A pause's reason without the words for a terminal: what a guard rail found, and what to do about it, "" when it
    was paused by hand."""
    what, _, remedy = why.partition(QUEUED)
    return what, remedy.rpartition(THEN)[0]


def once_finished(why: str) -> str:
    """What a pause's reason still tells when nobody was left to mail; "" when no guard rail gave it."""
    what, ours, remedy = why.partition(QUEUED)
    return f"{what}; it would have paused, had anybody been left to mail. {remedy.rpartition(THEN)[0]}." if ours else ""


def passes(count: int, *, of: int, rate: float, at_least: int) -> bool:
    """Whether so many of those mailed are too many; never at a rate of 0."""
    return bool(rate) and count >= at_least and of > 0 and count >= rate * of


def _words(outcome: Outcome) -> str:
    return f"{outcome.code} {outcome.detail}".strip()[:200]

"""How fast one worker may go: it spends the permits that it takes, in small blocks, from the limits all workers share.

Who is mailed next is the engine's business; `permits` decides how permits are given out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mailer.delivery.ledger.permits import LATE_SECONDS, TOTAL, Permits, RateLimit
from mailer.settings import Pace


class Giver(Protocol):
    """Where permits are taken: `permits.SharedPace`, or a stand-in."""

    def take(self, limits: Sequence[RateLimit], wanted: int) -> Permits:
        """Permits in all of `limits` at once, or none."""
        ...


@dataclass(slots=True)
class Hand:
    """One limit's permits that this worker holds, and how many it had better take next time."""

    limit: RateLimit
    size: int
    times: deque[float] = field(default_factory=deque[float])
    with_total: bool = False  # each of these permits is one of the total as well
    given_at: float = 0.0  # the block in hand
    given: int = 0
    used: int = 0
    behind_seconds: float = 0.0  # how long the last permit used had been waiting for somebody to mail

    def drop_late(self, now: float) -> None:
        """Forget permits whose time is over: the next worker has taken what follows."""
        while self.times and self.times[0] < now - LATE_SECONDS:
            self.times.popleft()

    def next_size(self) -> int:
        """A worker that is slower than the pace takes what it can use in time, so that the others get the rest."""
        if self.used < self.given:
            return max(1, self.used)
        if self.behind_seconds > LATE_SECONDS / 2:
            return self.size
        return min(self.limit.most, self.size + 1 + self.size // 4)

    def fill(self, times: Sequence[float], *, now: float) -> None:
        self.times.extend(times)
        self.size, self.given = len(times), len(self.times)
        self.given_at, self.used, self.behind_seconds = now, 0, 0.0

    def spend(self, now: float) -> None:
        self.behind_seconds = now - max(self.times.popleft(), self.given_at)
        self.used += 1


class Pacer:
    """The pace of one worker, within what is allowed to all. Used by one thread; times are monotonic seconds."""

    def __init__(self, pace: Pace, giver: Giver) -> None:
        self._giver = giver
        self._total = _hand(RateLimit(TOTAL, pace.per_second)) if pace.per_second else None
        self._domains = {domain: _hand(RateLimit(domain, per_second)) for domain, per_second in pace.domains.items()}
        self._ask_again_at: dict[tuple[str, ...], float] = {}  # by limits that gave nothing

    @property
    def unlimited(self) -> bool:
        """Whether no pace is set at all."""
        return self._total is None and not self._domains

    def limit_of(self, domain: str) -> str:
        """What to sort people by who wait together: their domain when it has a limit of its own, else `TOTAL`."""
        return domain if domain in self._domains else TOTAL

    def wait(self, domain: str, now: float) -> float:
        """Seconds until a mail to `domain` may go; 0 when it may go now. May read and write the database.

        Somebody held back by their domain's limit keeps nothing of the total from the others. Raises `DatabaseTrouble`.
        """
        hand, total = self._domains.get(domain), self._total
        for held in (hand, total):
            if held is not None:
                held.drop_late(now)
        if hand is not None and not hand.times and (left := self._fill_domain(hand, now)):
            return left
        wait = hand.times[0] - now if hand is not None else 0.0
        if total is not None and not (hand is not None and hand.with_total):
            kept = self._kept_of_total() if hand is None else 0
            if len(total.times) <= kept and (left := self._fill([total], total.next_size(), now)):
                return left
            wait = max(wait, total.times[0] - now)
        return max(0.0, wait)

    def take(self, domain: str, now: float) -> None:
        """Count one mail to `domain`, for which `wait` has just said 0."""
        hand = self._domains.get(domain)
        if hand is not None:
            hand.spend(now)
        if self._total is not None and not (hand is not None and hand.with_total):
            self._total.spend(now)

    def _kept_of_total(self) -> int:
        """How many of the total's permits in hand are kept for permits of domains, so that these are not in vain."""
        return sum(len(hand.times) for hand in self._domains.values() if not hand.with_total)

    def _fill_domain(self, hand: Hand, now: float) -> float:
        """Permits of a domain: beside those of the total in hand, as many as fit, since another worker may have one for
        those that follow; or else, if there is a total, permits in both limits at once."""
        wanted, total = hand.next_size(), self._total
        hand.with_total = total is not None and not total.times
        if total is None or hand.with_total:
            return self._fill([hand] if total is None else [hand, total], wanted, now)
        fitting = 1 + int(max(0.0, total.times[-1] - now) * hand.limit.per_second)
        return self._fill([hand], min(wanted, fitting), now)

    def _fill(self, hands: Sequence[Hand], wanted: int, now: float) -> float:
        """Take permits in the limits of all `hands` into the first. 0, or the seconds until asking again helps."""
        key = tuple(hand.limit.domain for hand in hands)
        left = self._ask_again_at.get(key, now) - now
        if left > 0:
            return left
        permits = self._giver.take([hand.limit for hand in hands], wanted)
        self._ask_again_at[key] = permits.ask_again_at
        if not permits.times:
            return max(permits.ask_again_at - now, 0.001)
        hands[0].fill(permits.times, now=now)
        return 0.0


def _hand(limit: RateLimit) -> Hand:
    return Hand(limit, size=max(1, limit.most // 8))

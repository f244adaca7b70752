"""The people a worker has put aside and not begun yet, sorted by the limit they wait for.

So recipients held back by a per-domain limit don't block others, and aren't rescanned for everybody who is free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from mailer.delivery.ledger.pacer import Pacer
from mailer.delivery.ledger.permits import TOTAL
from mailer.delivery.sending.connections.hand_over import Addressed


class Ahead:
    """First come, first served within each limit; a domain's comes before the rest, since its permits are scarcer."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._anybody: deque[Addressed] = deque()  # bound by the total alone
        self._domains: dict[str, deque[Addressed]] = {}

    def __len__(self) -> int:
        return len(self._anybody) + sum(map(len, self._domains.values()))

    @property
    def all_wait_for_domains(self) -> bool:
        """Whether to put more people aside: those here can't use what the total allows."""
        return not self._anybody

    def extend(self, people: Iterable[Addressed]) -> None:
        """Put more people aside."""
        if self._pacer.unlimited:
            self._anybody.extend(people)
            return
        for one in people:
            domain = one[1].domain if one[1] else ""
            limit = self._pacer.limit_of(domain)
            (self._anybody if limit == TOTAL else self._domains.setdefault(limit, deque())).append(one)

    def take(self, most: int, *, now: float, longest: float) -> tuple[list[Addressed], float]:
        """At most `most` people that the pace allows now; and how long until it allows another, `longest` at most."""
        people: list[Addressed] = []
        if self._pacer.unlimited:
            return [self._anybody.popleft() for _ in range(min(most, len(self._anybody)))], longest
        for waiting in (*self._domains.values(), self._anybody):
            while waiting and len(people) < most:
                recipient = waiting[0][1]
                # Who was forgotten meanwhile is mailed nothing, so needs no permit.
                if recipient and (wait := self._pacer.wait(recipient.domain, now)):
                    longest = min(longest, wait)
                    break
                if recipient:
                    self._pacer.take(recipient.domain, now)
                people.append(waiting.popleft())
        return people, longest

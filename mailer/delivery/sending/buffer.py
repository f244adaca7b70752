"""The people a worker has put aside and not begun yet, sorted by the limit they wait for.

So recipients held back by a per-domain limit don't block others, and aren't rescanned for everybody who is free.
Without a limit they are sorted by what their mails say, for transports whose requests hold that once.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable

from mailer.delivery.ledger.pacer import Pacer
from mailer.delivery.ledger.permits import TOTAL
from mailer.delivery.sending.connections.hand_over import Addressed


def _all_alike(one: Addressed) -> Hashable:
    return None


class Ahead:
    """First come, first served within each limit; a domain's comes before the rest, since its permits are scarcer.

    `kind_of` is the same for people whose mails say the same. They are taken together, unless a limit holds them back.
    """

    def __init__(self, pacer: Pacer, kind_of: Callable[[Addressed], Hashable] = _all_alike) -> None:
        self._pacer = pacer
        self._kind_of = kind_of
        self._kinds: defaultdict[Hashable, deque[Addressed]] = defaultdict(deque)  # bound by nothing
        self._anybody: deque[Addressed] = deque()  # bound by the total alone
        self._domains: dict[str, deque[Addressed]] = {}

    def __len__(self) -> int:
        return sum(map(len, (*self._kinds.values(), self._anybody, *self._domains.values())))

    @property
    def all_wait_for_domains(self) -> bool:
        """Whether to put more people aside: those here can't use what the total allows."""
        return not (self._kinds or self._anybody)

    def extend(self, people: Iterable[Addressed]) -> None:
        """Put more people aside."""
        for one in people:
            if self._pacer.unlimited:
                self._kinds[self._kind_of(one)].append(one)
                continue
            domain = one[1].domain if one[1] else ""
            limit = self._pacer.limit_of(domain)
            (self._anybody if limit == TOTAL else self._domains.setdefault(limit, deque())).append(one)

    def take(self, most: int, *, now: float, longest: float) -> tuple[list[Addressed], float]:
        """At most `most` people that the pace allows now; and how long until it allows another, `longest` at most."""
        if self._pacer.unlimited:
            return self._alike(most), longest
        people: list[Addressed] = []
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

    def _alike(self, most: int) -> list[Addressed]:
        """People of the most frequent kind; of several when those fill less than a quarter of what is asked for."""
        people: list[Addressed] = []
        for kind in sorted(self._kinds, key=lambda kind: len(self._kinds[kind]), reverse=True):
            waiting = self._kinds[kind]
            people += [waiting.popleft() for _ in range(min(most - len(people), len(waiting)))]
            if not waiting:
                del self._kinds[kind]
            if len(people) * 4 >= most:
                break
        return people

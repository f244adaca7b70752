"""Draws who gets which version of a test: everybody who was chosen, once, when the campaign is launched.

A person's number goes through a keyed permutation of all numbers, and where it comes out says the version: the lowest
get a, the next b, and so on; most stay the *rest*, who get the version that wins. The key is made of the campaign and a
seed that is kept, so anybody's version can be worked out again from it. Since a permutation gives no two people
the same number, each version gets exactly as many as planned.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, FromClause, case, func, literal, select

from mailer.audience.selection.select import PRIME, places
from mailer.compose.message import ARMS, REST, Message
from mailer.experiments.beliefs import Prior
from mailer.experiments.sampling import recommended_share


@dataclass(frozen=True, slots=True)
class Draw:
    """`cuts`: where each version's part of the permuted numbers ends, the last of them below the rest's."""

    campaign_id: int
    seed: int
    cuts: tuple[int, ...]

    def arm_of(self, person_id: int) -> str:
        """Who gets what: a, b, c, d or "rest"."""
        a, b, c, d = _key(self.seed, self.campaign_id)
        mixed = (person_id % PRIME * a + b) % PRIME
        number = (pow(mixed, 5, PRIME) * c + d) % PRIME
        return next((ARMS[at] for at, cut in enumerate(self.cuts) if number <= cut), REST)

    @property
    def drawn(self) -> FromClause:
        """The people in `places`, each with `n`, `person_id`, `language` and `arm`."""
        number = _numbered(self.seed, self.campaign_id)
        arm = case(*((number.c.drawn <= cut, ARMS[at]) for at, cut in enumerate(self.cuts)), else_=REST)
        return select(number.c.n, number.c.person_id, number.c.language, arm.label("arm")).subquery()


def share_of(message: Message, people: int, prior: Prior) -> float:
    """The share of so many people that all versions together are tried on."""
    if message.test is not None and message.test.share is not None:
        return message.test.share
    return recommended_share(people, len(message.arms), prior)


def people_of_each(share: float, people: int, arms: int) -> int:
    """How many of `people` get each version: the same for all, and somebody wherever there are enough people."""
    return min(people // arms, max(1, round(share * people / arms)))


def draw(connection: Connection, *, campaign_id: int, arms: int, each: int) -> Draw:
    """Draw `each` people for each of so many versions from those in `places`."""
    seed = secrets.randbits(62)
    number = _numbered(seed, campaign_id)
    ranked = select(number.c.drawn, func.row_number().over(order_by=number.c.drawn).label("rank")).subquery()
    wanted = [each * (at + 1) for at in range(arms)]
    rows = connection.execute(select(ranked.c.rank, ranked.c.drawn).where(ranked.c.rank.in_(wanted)))
    cuts = {int(rank): int(drawn) for rank, drawn in rows}
    return Draw(campaign_id, seed, tuple(cuts.get(one, -1) for one in wanted))


def _numbered(seed: int, campaign_id: int) -> FromClause:
    """The people in `places` with the number that each comes out at."""
    return select(*places.c, _permuted(places.c.person_id, seed, campaign_id)).subquery()


def _permuted(person: ColumnElement[int], seed: int, campaign_id: int) -> ColumnElement[int]:
    """x ↦ c·(a·x + b)⁵ + d modulo the prime 2³¹ − 1, which is a permutation: 5 doesn't divide 2³¹ − 2. Products fit
    64 bits, and without the seed nobody sees an order in it."""
    a, b, c, d = (literal(one, BigInteger) for one in _key(seed, campaign_id))
    mixed = (person % PRIME * a + b) % PRIME
    squared = mixed * mixed % PRIME
    fifth = squared * squared % PRIME * mixed % PRIME
    return ((fifth * c + d) % PRIME).label("drawn")


def _key(seed: int, campaign_id: int) -> tuple[int, int, int, int]:
    digest = hashlib.sha256(f"{seed}:{campaign_id}".encode()).digest()
    a, b, c, d = (int.from_bytes(digest[at : at + 8]) % (PRIME - 1) + 1 for at in range(0, 32, 8))
    return a, b, c, d

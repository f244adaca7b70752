"""What a group's own past mails say of how well the next one does, and how far its versions may differ."""

from __future__ import annotations

from sqlalchemy import Connection, exists, func, select

from mailer.compose.message import Message
from mailer.delivery.experiments.draw import people_of_each, share_of
from mailer.delivery.experiments.kept import all_tests
from mailer.experiments.beliefs import Prior
from mailer.experiments.learning import learn
from mailer.store.tables.core import APART, QUEUE, campaigns, deliveries, links
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import CHOSEN, CampaignState

LAST = 20  # campaigns that say how well the next does
LEAST_SENT = 100  # people; of fewer, one signature more or less is a different rate


def past_prior(connection: Connection) -> Prior:
    """What is expected of a message that nobody got yet: the median of the last campaigns that asked people to sign,
    and the spread that past tests showed. Without a past it is what others have seen."""
    tests = [test.decision.counts for test in all_tests(connection) if test.decision is not None]
    return learn(_rates(connection), tests)


def planned_sizes(connection: Connection, message: Message, people: int) -> tuple[Prior, float, int]:
    """What is known of past mails, the share that is tested, and how many of so many people get each version."""
    prior = past_prior(connection)
    share = share_of(message, people, prior)
    return prior, share, people_of_each(share, people, len(message.arms))


def _rates(connection: Connection) -> list[float]:
    """Signatures per mail sent of the last campaigns that ended and had an action link."""
    number, mine = campaigns.c.id, deliveries.c.campaign_id == campaigns.c.id
    # All that was neither sent nor is in the small index of other states was sent.
    apart = select(func.count()).where(APART, mine).correlate(campaigns).scalar_subquery()
    queued = select(func.count()).where(QUEUE, mine).correlate(campaigns).scalar_subquery()
    signed = select(func.count()).where(signatures.c.campaign_id == number).correlate(campaigns).scalar_subquery()
    rows = connection.execute(
        select(campaigns.c.counts, signed, apart + queued)
        .where(
            campaigns.c.state == CampaignState.FINISHED,
            exists().where(links.c.campaign_id == number, links.c.is_action),
        )
        .order_by(campaigns.c.launched_at.desc())
        .limit(LAST)
    )
    found = [(int(people), int(counts.get(CHOSEN, 0)) - int(unsent)) for counts, people, unsent in rows]
    return [min(1.0, people / sent) for people, sent in found if sent >= LEAST_SENT]

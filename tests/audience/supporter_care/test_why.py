"""Why somebody got a newsletter or not: the same answer as the selection gives, and that of the moment it left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, select, update

from mailer.audience.consent.changes import leave, leave_everything, list_id, suppress
from mailer.audience.consent.changes import subscribe as put_on_list
from mailer.audience.selection.select import chosen
from mailer.audience.selection.spec import Audience, to_json
from mailer.audience.supporter_care.why import RuleKind, Why, why
from mailer.audience.supporter_care.why_words import headline, reason, title
from mailer.audience.tags import add_tags
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, events, people
from mailer.store.tables.states import DeliveryState, Feedback, Membership, SuppressionReason
from mailer.workspace import Workspace
from tests.audience.world import add_campaign, add_person, deliver, put_name, subscribe
from tests.conftest import NOW

DAY = timedelta(days=1)
LATE = NOW + DAY
SUPPORTERS = Audience(("supporters",))
AUDIENCES = (
    SUPPORTERS,
    Audience(("supporters", "news")),
    Audience(("supporters",), exclude=("news",)),
    Audience(("supporters",), segment='tagged("swimmer") and not signed("river")'),
    Audience(("supporters",), segment='supporter.country == "GB" or signed("river")'),
    Audience(("supporters",), not_mailed_within_hours=48),
    Audience(("supporters",), not_mailed_by=("before",)),
    Audience(("supporters",), urgent=True),
)


def fill(connection: Connection) -> None:
    """Fourteen people, each with another reason."""
    supporters, news = list_id(connection, "supporters"), list_id(connection, "news")
    for n in range(1, 15):
        add_person(connection, n, country="GB" if n % 2 else "IE", created_at=NOW - 9 * DAY)
    for n in range(2, 14):
        subscribe(connection, n, supporters, Membership.PENDING if n == 3 else Membership.SUBSCRIBED)
    for n in (1, 3, 5):
        subscribe(connection, n, news)
    leave(connection, person_id=4, list_ids=[supporters], how="link", source="x", at=NOW)
    leave_everything(connection, person_id=6, how="link", source="x", at=NOW)
    hashed = {row.id: row.address_hash for row in connection.execute(select(people.c.id, people.c.address_hash))}
    for n, stop in ((7, SuppressionReason.BOUNCED), (8, SuppressionReason.STAFF)):
        suppress(connection, address_hash=hashed[n], reason=stop, at=NOW)
    before, river = add_campaign(connection, 1, "before"), "river"
    deliver(connection, before, 9, number=1)
    deliver(connection, before, 10, number=2, state=DeliveryState.FAILED)
    put_name(connection, river, 11)
    put_name(connection, river, 12)
    add_tags(connection, select(people.c.id).where(people.c.id.in_([2, 12, 13])), ["Swimmer"], source="x", at=NOW)
    for n, wish in ((10, "monthly"), (9, "monthly"), (13, "urgent")):
        connection.execute(update(people).where(people.c.id == n).values(frequency=wish))


def launch(connection: Connection, audience: Audience, **values: object) -> None:
    add_campaign(connection, 2, "appeal")
    found = {"audience": to_json(audience), **values}
    connection.execute(update(campaigns).where(campaigns.c.id == 2).values(**found))


def ask(connection: Connection, workspace: Workspace, number: int) -> Why:
    return why(connection, workspace, person_id=number, slug="appeal", now=LATE)


@pytest.mark.parametrize("audience", AUDIENCES, ids=lambda one: str(AUDIENCES.index(one)))
def test_what_speaks_against_it_is_what_the_selection_goes_by(
    database: Database, workspace: Workspace, audience: Audience
) -> None:
    with database.write() as connection:
        fill(connection)
        launch(connection, audience)
        getting = set(connection.execute(chosen(audience, now=LATE)).scalars())
        answers = {n: ask(connection, workspace, n) for n in range(1, 15)}
    assert {n for n, answer in answers.items() if answer.against is None} == getting
    assert getting
    for n, answer in answers.items():
        said = headline(answer, "Gwen") + reason(answer, "Gwen", **NAMED)
        assert ("won’t" in said) is (n not in getting), said
        assert all(title(rule, **NAMED) for rule in answer.rules)


def name(text: str) -> str:
    return text


NAMED = {"lists": name, "newsletters": name, "expressions": name}


def test_consent_is_that_of_the_moment_it_left(database: Database, workspace: Workspace) -> None:
    with database.write() as connection:
        number = list_id(connection, "supporters")
        for n in (1, 2):
            add_person(connection, n, created_at=NOW - 9 * DAY)
        put_on_list(connection, person_id=1, list_id=number, how="form", source="join", wording="Yes!", at=NOW - DAY)
        leave(connection, person_id=1, list_ids=[number], how="link", source="x", at=NOW + DAY / 2)
        put_on_list(
            connection, person_id=2, list_id=number, how="form", source="join", wording="Yes!", at=NOW + DAY / 2
        )
        launch(connection, SUPPORTERS, launched_at=NOW)
        left, came = ask(connection, workspace, 1), ask(connection, workspace, 2)
    (then,) = left.consents
    assert (then.then, then.now, then.how, then.wording) == ("subscribed", "unsubscribed", "form", "Yes!")
    assert left.against is None
    assert "nothing that is known now explains it" in headline(left, "Gwen")
    assert came.against is not None
    assert came.against.kind is RuleKind.LIST
    assert reason(came, "Gwen", **NAMED) == "Gwen was not on supporters when it left."


@pytest.mark.parametrize(
    ("state", "feedback", "words"),
    [
        (DeliveryState.SENT, Feedback.NONE, "Gwen got it"),
        (DeliveryState.SENT, Feedback.BOUNCED, "came back"),
        (DeliveryState.SENT, Feedback.COMPLAINED, "reported it as spam"),
        (DeliveryState.UNCERTAIN, Feedback.NONE, "may or may not have got it"),
        (DeliveryState.SKIPPED, Feedback.NONE, "changed before the mail’s turn: unsubscribed"),
        (DeliveryState.CANCELLED, Feedback.NONE, "was stopped"),
    ],
)
def test_the_life_of_a_mail(
    database: Database, workspace: Workspace, state: DeliveryState, feedback: Feedback, words: str
) -> None:
    with database.write() as connection:
        add_person(connection, 1)
        launch(connection, SUPPORTERS, launched_at=NOW)
        number = deliver(connection, 2, 1, number=1, state=state, at=NOW + timedelta(minutes=5))
        code = "unsubscribed" if state is DeliveryState.SKIPPED else ""
        connection.exec_driver_sql(f"UPDATE deliveries SET feedback = '{feedback}', code = '{code}'")
        row = {"campaign_id": 2, "delivery_id": number, "at": NOW, "kind": "deferred", "detail": "451 later"}
        connection.execute(insert(events).values(row))
        answer = ask(connection, workspace, 1)
    assert [step.kind for step in answer.steps] == ["deferred", state.value]
    assert words in headline(answer, "Gwen")
    assert reason(answer, "Gwen", **NAMED) == ""


def test_a_draft_is_asked_as_it_is_saved(database: Database, workspace: Workspace) -> None:
    folder = workspace.newsletters / "appeal"
    folder.mkdir()
    (folder / "message.md").write_text("---\nsubject: x\nlist: supporters\n---\nText.\n")
    with database.write() as connection:
        add_person(connection, 1)
        assert headline(ask(connection, workspace, 1), "Gwen") == "Gwen won’t get it, as things are now."
        subscribe(connection, 1, list_id(connection, "supporters"))
        assert headline(ask(connection, workspace, 1), "Gwen") == "Gwen will get it, as things are now."
        (folder / "message.md").write_text("---\nsubject: x\nlist: nolist\naudience: {include: [x]}\n---\nText.\n")
        with pytest.raises(MailerError, match="audience"):
            ask(connection, workspace, 1)

"""The room by HTTP: who sees and does what, and that nothing is approved which nobody looked at."""

from __future__ import annotations

import re
from datetime import datetime
from email import message_from_bytes, policy
from html import escape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mailer.review.approvals import WROTE, steps_of
from mailer.review.comments import threads
from mailer.review.content import PlannedTime
from mailer.review.planned import planned_time
from mailer.review.reviewers import Reviewer, reviewers_of
from mailer.staff import audit
from mailer.staff.accounts import account_at
from mailer.staff.rights import Role
from mailer.store.tables.states import ReviewStep
from mailer.web.studio.preview.sample_readers import reader_of
from tests.web.client import Reply
from tests.web.studio.conftest import BODY, FRONT, SLUG, House

ROOM = f"/newsletters/{SLUG}/review"
pytestmark = pytest.mark.sqlite


def set_approvals(house: House, settings: str = "approvals = 1") -> None:
    file = house.workspace.root / "mailer.toml"
    file.write_text(file.read_text(encoding="utf-8") + f"\n[studio]\n{settings}\n", encoding="utf-8")


def wrote(house: House, address: str) -> None:
    with house.studio.database.write() as connection:
        actor = account_at(connection, address).actor("studio")
        audit.record(connection, actor, WROTE[0], at=house.studio.clock(), subject=audit.newsletter_subject(SLUG))


def post(house: House, path: str, cookie: str, **fields: str | list[str]) -> Reply:
    return house.post(f"{ROOM}/{path}", urlencode(fields, doseq=True).encode(), cookie=cookie)


def seen(reply: Reply) -> str:
    found = re.search(r'name="seen" value="(\w+)"', reply.text)
    assert found, reply.text
    return found[1]


def taken(house: House) -> list[str]:
    with house.studio.database.read() as connection:
        return [one.step for one in steps_of(connection, SLUG)]


def test_the_way_from_asking_to_approved(house: House) -> None:
    set_approvals(house)
    writer, amina = house.sign_in(Role.WRITER, "Rhiannon"), house.sign_in(Role.APPROVER, "Amina")
    assert "These may approve it: <bdi>Amina</bdi>" in house.get(ROOM, cookie=writer).text
    assert post(house, "ask", writer).headers["location"] == f"{ROOM}?done=asked"
    page = house.get(ROOM, cookie=amina)
    assert "<bdi>Rhiannon</bdi> asked for approval" in page.text
    assert "In review" in page.text
    assert "Approve “Our appeal”" in house.get("/", cookie=amina).text
    assert "Approve “" not in house.get("/", cookie=writer).text, "who can't do it isn't asked"
    assert post(house, "approve", amina, seen=seen(page)).headers["location"] == f"{ROOM}?done=approved"
    page = house.get(ROOM, cookie=amina)
    assert "Exactly this" in page.text
    assert "Take my approval back" in page.text
    assert "Approved</span>" in house.get("/newsletters", cookie=amina).text
    assert "Approve “" not in house.get("/", cookie=amina).text
    assert 'name="seen"' not in page.text, "nobody approves twice"
    assert '<span class="g">Approved</span>' in page.text
    assert post(house, "withdraw", amina).headers["location"] == f"{ROOM}?done=withdrawn"
    assert taken(house) == [ReviewStep.ASKED, ReviewStep.APPROVED, ReviewStep.WITHDRAWN]


def test_a_changed_word_voids_it_and_is_shown(house: House) -> None:
    set_approvals(house)
    amina = house.sign_in(Role.APPROVER, "Amina")
    post(house, "approve", amina, seen=seen(house.get(ROOM, cookie=amina)))
    house.write(BODY.replace("Ask them **now**", "Tell them **now**"))
    assert "Approved</span>" not in house.get("/newsletters", cookie=amina).text
    page = house.get(ROOM, cookie=amina)
    assert "No longer counts" in page.text
    assert "<del>Ask</del><ins>Tell</ins> them" in page.text
    assert "All else is as Amina approved it: subject," in page.text
    assert '<span class="w">Approval no longer counts</span>' in page.text


def test_what_changed_while_somebody_looked_is_not_approved(house: House) -> None:
    amina = house.sign_in(Role.APPROVER, "Amina")
    looked_at = seen(house.get(ROOM, cookie=amina))
    house.write(BODY.replace("Ask them **now**", "Tell them **now**"))
    reply = post(house, "approve", amina, seen=looked_at)
    assert reply.status == 422
    assert "It was changed while you looked at it" in reply.text
    assert "Changed while you looked" in reply.text
    assert "<del>Ask</del><ins>Tell</ins>" in reply.text
    assert seen(reply) != looked_at, "now they look at what is there"
    for nothing in ("", "x"):
        assert post(house, "approve", amina, seen=nothing).status == 422
    assert taken(house) == []


def test_what_has_a_fault_is_neither_asked_for_nor_approved(house: House) -> None:
    amina = house.sign_in(Role.APPROVER, "Amina")
    looked_at = seen(house.get(ROOM, cookie=amina))
    house.write(BODY + "\n[Here](not an address)\n\n{{ supporter.nothing }}\n")
    for path in ("ask", "approve"):
        reply = post(house, path, amina, seen=looked_at)
        assert reply.status == 422
        assert "There is something to fix first" in reply.text
    assert taken(house) == []


def test_who_wrote_it_is_told_who_may_approve(house: House) -> None:
    set_approvals(house, "approvals = 2")
    amina, _ = house.sign_in(Role.APPROVER, "Amina"), house.sign_in(Role.ADMIN, "Tom")
    looked_at = seen(house.get(ROOM, cookie=amina))
    wrote(house, "approveramina@example.org")
    page = house.get(ROOM, cookie=amina).text
    assert "Two people must approve it, but not Amina, who wrote some of it." in page
    assert "so somebody else approves it: <bdi>Tom</bdi>" in page
    assert post(house, "approve", amina, seen=looked_at).status == 422
    assert taken(house) == []


def test_a_viewer_sees_all_of_it_and_does_nothing(house: House) -> None:
    viewer = house.sign_in(Role.VIEWER)
    for part in ("mail", "page", "people", "thanks", "x"):
        page = house.get(f"{ROOM}?part={part}&count=1", cookie=viewer)
        assert page.status == 200
        assert not re.search(r'<form method="post"', page.text)
    for path in ("approve", "withdraw", "ask", "time", "comments", "comments/1/done", "proofs", "reviewers"):
        assert post(house, path, viewer, text="x").status == 403


def test_comments_stay_at_their_line_and_say_when_it_changed(house: House) -> None:
    writer = house.sign_in(Role.WRITER, "Rhiannon")
    words = "Ask them **now**. Or read [the sources](https://example.org/sources)."
    line = (FRONT + BODY).split("\n").index(words) + 1
    fields = {"file": "message.md", "line": str(line), "quote": f"\r\n{words}".lstrip(), "text": "Which <ones>?"}
    assert post(house, "comments", writer, **fields).status == 303
    page = house.get(ROOM, cookie=writer).text
    where = page.index(f'id="line-{line}"')
    assert where < page.index("Which &lt;ones&gt;?") < page.index('id="line-', where + 10)
    assert "1 open comment" in page
    house.write(BODY.replace("Ask them **now**", "Tell them **today**"))
    page = house.get(ROOM, cookie=writer).text
    assert "These words changed since" in page
    assert page.index(f'id="line-{line}"') < page.index("Which &lt;ones&gt;?")
    house.write("\nAll of it is new.\n")
    assert "About the whole newsletter, or about words that are gone" in house.get(ROOM, cookie=writer).text
    with house.studio.database.read() as connection:
        (thread,) = threads(connection, SLUG)
    assert post(house, f"comments/{thread.id}/answer", writer, text="All of them.").status == 303
    assert post(house, f"comments/{thread.id}/done", writer).status == 303
    page = house.get(ROOM, cookie=writer).text
    assert "Done: “Which &lt;ones&gt;?”" in page
    assert "0 open comments, 1 done" in page
    assert post(house, "comments", writer, text=" ").status == 422
    assert post(house, "comments", writer, text="x", line="9" * 30).status == 303
    assert post(house, "comments/77/answer", writer, text="x").status == 422


def test_the_time_is_part_of_what_is_approved(house: House, now: datetime) -> None:
    amina = house.sign_in(Role.APPROVER, "Amina")
    post(house, "approve", amina, seen=seen(house.get(ROOM, cookie=amina)))
    assert post(house, "time", amina, at="2031-12-01T09:00").status == 303
    with house.studio.database.read() as connection:
        leaves = planned_time(connection, SLUG)
    assert leaves is not None
    assert (leaves.zone, f"{leaves.at:%Y-%m-%d %H:%M}") == ("UTC", "2031-12-01 09:00")
    page = house.get(ROOM, cookie=amina).text
    assert "Mon 1 Dec 2031, 09:00 UTC" in page
    assert "<del>as soon as it is sent</del>" in page
    assert "No longer counts" in page
    for wrong in ("2001-01-01T09:00", f"{now:%Y-%m-%d}T09:09", "soon", "2031-13-01T09:00"):
        assert post(house, "time", amina, at=wrong).status == 422
    post(house, "time", amina, at="")
    assert "Exactly this" in house.get(ROOM, cookie=amina).text, "as it was approved again"
    assert isinstance(leaves, PlannedTime)


def outbox(house: House) -> list[str]:
    """Who was mailed as whom, by the greeting."""
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(house_outbox(house))]
    told: list[str] = []
    for mail in found:
        body = mail.get_body(("plain",))
        assert body is not None
        greeting = next(line for line in body.get_content().splitlines() if line.startswith("Dear "))
        told.append(f"{mail['to'].addresses[0].username}: {greeting}")
    return sorted(told)


def house_outbox(house: House) -> list[Path]:
    return list((house.workspace.root / "outbox" / "new").iterdir())


def test_proofs_go_to_each_reviewer_as_each_reader(house: House) -> None:
    set_approvals(house, 'url = "https://studio.example.org"')
    writer = house.sign_in(Role.WRITER)
    assert post(house, "reviewers", writer, name="Tom", address="Tom@example.org").status == 303
    assert post(house, "reviewers", writer, address="kim@example.org").status == 303
    assert post(house, "reviewers", writer, address="nobody").status == 422
    page = house.get(ROOM, cookie=writer).text
    assert "Made-up readers" in page
    assert "p1" not in re.findall(r'name="as" value="([\w-]+)"', page)
    everybody = ["kim@example.org", "tom@example.org", "stranger@example.org"]
    reply = post(house, "proofs", writer, to=everybody, **{"as": ["ada", "no-name", "p1"]})
    assert "4 proofs went to 2 reviewers" in reply.text, "p1 is Ada for who sees no names; a stranger gets nothing"
    greetings = ("Dear Ada,", "Dear friend,")
    assert outbox(house) == sorted(f"{one}: {greeting}" for one in ("tom", "kim") for greeting in greetings)
    for path in house_outbox(house):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            assert body is not None
            assert f"https://studio.example.org{ROOM}" in body.get_content()
    page = house.get(ROOM, cookie=writer).text
    assert "To 2 reviewers, as Somebody ordinary, No name" in page
    house.write(BODY + "\nMore.\n")
    assert "The mail has changed since" in house.get(ROOM, cookie=writer).text
    assert post(house, "reviewers/remove", writer, address="kim@example.org").status == 303
    with house.studio.database.read() as connection:
        assert reviewers_of(connection) == [Reviewer("tom@example.org", "Tom")]


def test_real_readers_are_for_those_who_see_people_and_named_nowhere(house: House) -> None:
    admin = house.sign_in(Role.ADMIN)
    post(house, "reviewers", admin, address="tom@example.org")
    page = house.get(ROOM, cookie=admin).text
    real = re.findall(r'name="as" value="(p\d+)"', page)
    assert len(real) == 3
    with house.studio.database.read() as connection:
        person = reader_of(connection, real[0])
    assert escape(person.label) in page
    post(house, "proofs", admin, to="tom@example.org", **{"as": real})
    assert len(outbox(house)) == 3
    with house.studio.database.read() as connection:
        (sent,) = [one for one in audit.entries(connection) if one.action == "proofs sent"]
    assert sent.detail == "to 1 reviewer, as somebody on the list"


@pytest.mark.parametrize(
    "fields", [{"to": "tom@example.org"}, {"as": "ada"}, {}, {"to": "tom@example.org", "as": ["ada"] * 100}]
)
def test_proofs_need_a_reviewer_and_a_reader(house: House, fields: dict[str, str]) -> None:
    writer = house.sign_in(Role.WRITER)
    post(house, "reviewers", writer, address="tom@example.org")
    reply = post(house, "proofs", writer, **fields)
    assert (reply.status == 422) == (len(fields) < 2)


def test_what_is_counted_follows(house: House) -> None:
    page = house.get(ROOM).text
    assert "Being counted" in page
    assert "<b>3 people</b>" in house.get(f"{ROOM}/facts").text
    assert "<b>3 people</b>" in house.get(ROOM).text, "counted a moment ago"
    house.write(BODY + "\nMore.\n")
    assert "Being counted" in house.get(ROOM).text
    assert "<b>3 people</b>" in house.get(f"{ROOM}?count=1").text


def test_a_reviewer_comes_from_the_mail_by_way_of_the_sign_in(house: House) -> None:
    house.sign_in(Role.VIEWER)
    reply = house.get(ROOM, cookie="", Accept="text/html")
    assert (reply.status, reply.headers["location"]) == (303, f"/sign-in?to={ROOM.replace('/', '%2F')}")
    assert taken(house) == []


def test_the_page_and_the_thanks_are_read_and_spoken_of(house: House) -> None:
    writer = house.sign_in(Role.WRITER)
    page = (
        "---\nheadline: Make them pay\nstatement: |\n  We ask the **minister**\n  to fine the company.\nfields:\n"
        "  country: required\nshow_names: true\nthanks: Now tell [a friend](https://example.org/tell).\n---\n\nOurs.\n"
    )
    (house.file.parent / "action.md").write_text(page, encoding="utf-8")
    shown = house.get(f"{ROOM}?part=page", cookie=writer).text
    for words in ("<strong>minister</strong>", "country: required", "<p>yes</p>", "<p>Ours.</p>"):
        assert words in shown
    statement = "  We ask the **minister**\n  to fine the company."
    assert f">\n{statement}</textarea>" in shown
    post(house, "comments", writer, file="action.md", line="4", quote=statement, part="page", text="Which one?")
    shown = house.get(f"{ROOM}?part=page", cookie=writer).text
    assert shown.index('id="line-4"') < shown.index("Which one?") < shown.index('id="line-6"')
    assert "Which one?" not in house.get(ROOM, cookie=writer).text
    assert 'href="https://example.org/tell"' in house.get(f"{ROOM}?part=thanks", cookie=writer).text
    house.file.write_text(
        FRONT.replace(
            "list: supporters", "list: supporters\naudience:\n  segment: supporter.country != 'FR'\n  limit: 2"
        )
        + BODY
    )
    assert "only where country isn’t “FR”; 2 of them at most" in house.get(ROOM, cookie=writer).text

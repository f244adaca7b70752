"""The petition's room: comments let through and hidden, the bundle by right, and the delivery, each in the log."""

from __future__ import annotations

import io
import zipfile
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, text, update

from mailer.audience.petition.signatures import SignatureOrigin, sign
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.store.tables.inbound import TO_DECIDE, signatures
from tests.audience.world import signing_as
from tests.web.studio.conftest import HERE, SLUG, House

ROOM = f"{HERE}petition"
PAGE = "---\nheadline: Keep it\nstatement: We ask.\nfields:\n  comment: optional\nshow_comments: {}\n---\n\nText.\n"


@pytest.fixture
def petition(house: House) -> House:
    (house.file.parent / "action.md").write_text(PAGE.format("held"), encoding="utf-8")
    with house.studio.database.write() as connection:
        for person, (name, comment, shown) in enumerate(
            (("Ana", "Because <b>fish</b>.", True), ("Bo", "Buy mine.", True), ("Cy", "Quietly.", False)), 1
        ):
            who = signing_as(name, "Liddell", comment=comment, shown=shown)
            sign(
                connection, page=SLUG, statement="We ask.", person_id=person, who=who, origin=SignatureOrigin(),
                at=house.studio.clock(),
            )  # fmt: skip
    return house


def decided(house: House, deed: str, number: int | str, role: Role = Role.SENDER) -> int:
    body = urlencode({deed: number}).encode()
    return house.post(f"{ROOM}/comments", body, cookie=house.sign_in(role)).status


def log(house: House) -> list[str]:
    with house.studio.database.read() as connection:
        found = entries(connection, AuditFilter(subject=f"newsletter {SLUG}"))
    return [f"{one.action}: {one.detail}" for one in found]


def test_comments_are_read_shown_and_hidden(petition: House) -> None:
    html = petition.get(ROOM, cookie=petition.sign_in(Role.SENDER)).text
    assert "2 comments wait to be read" in html
    assert "Because &lt;b&gt;fish&lt;/b&gt;." in html
    assert "did not agree to be shown" in html
    assert [decided(petition, "show", 1), decided(petition, "hide", 2)] == [303, 303]
    html = petition.get(ROOM, cookie=petition.sign_in(Role.SENDER)).text
    assert "Every comment has been read" in html
    assert html.index("On the page") < html.index("fish") < html.index("Not on the page") < html.index("Buy mine")
    assert decided(petition, "hold", 1) == 303
    assert log(petition) == [
        "comments held: signatures 1",
        "comments hidden: signatures 2",
        "comments shown: signatures 1",
    ]
    assert "Comments shown on the page" in petition.get(f"{HERE}history", cookie=petition.sign_in(Role.VIEWER)).text
    assert [decided(petition, *wrong) for wrong in (("show", "x"), ("burn", 1), ("show", 99))] == [400, 400, 422]


@pytest.mark.parametrize(("how", "read"), [("held", "Read 2 comments"), ("true", "Read 1 comment<"), ("false", "")])
def test_comments_that_wait_are_on_the_front_page_of_who_may_decide(petition: House, how: str, read: str) -> None:
    (petition.file.parent / "action.md").write_text(PAGE.format(how), encoding="utf-8")
    with petition.studio.database.write() as connection:
        connection.execute(update(signatures).where(signatures.c.id == 2).values(comment="See www.example.org"))
    sender = petition.sign_in(Role.SENDER)
    html = petition.get("/", cookie=sender).text
    assert (read in html) if read else ("Read " not in html)
    assert (f'href="{ROOM}"' in html) is bool(read)
    for role, lists in ((Role.WRITER, None), (Role.SENDER, ("another",))):
        assert f'href="{ROOM}"' not in petition.get("/", cookie=petition.sign_in(role, str(lists), lists=lists)).text
    assert [decided(petition, "show", 1), decided(petition, "hide", 2)] == [303, 303]
    assert f'href="{ROOM}"' not in petition.get("/", cookie=sender).text


@pytest.mark.sqlite
def test_what_nobody_wrote_is_not_read_through(petition: House) -> None:
    asked = select(signatures.c.id).where(signatures.c.page == SLUG, TO_DECIDE).limit(1)
    with petition.studio.database.read() as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {asked.compile(compile_kwargs={'literal_binds': True})}"))
        assert "ix_signatures_to_decide" in str(plan.all())


def test_names_and_comments_are_for_those_who_may_see_people(petition: House) -> None:
    for role in (Role.VIEWER, Role.WRITER, Role.APPROVER):
        html = petition.get(ROOM, cookie=petition.sign_in(role)).text
        assert "for those who may see people" in html
        assert "fish" not in html
        assert "masked.zip" not in html
        assert decided(petition, "show", 1, role) == 403
        assert petition.post(f"{ROOM}/masked.zip", cookie=petition.sign_in(role)).status == 403
    assert log(petition) == []


def test_whole_names_leave_only_with_those_who_may_export_people(petition: House) -> None:
    names: dict[str, str] = {}
    for role, kind in ((Role.SENDER, "masked"), (Role.ADMIN, "full-names")):
        reply = petition.post(f"{ROOM}/{kind}.zip", cookie=petition.sign_in(role))
        assert reply.status == 200
        assert f'filename="{SLUG}-petition.zip"' in reply.headers["content-disposition"]
        with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
            names[kind] = archive.read("signatures.csv").decode("utf-8-sig")
    assert names["masked"].count("Liddell") == 2, "those who agreed to be shown"
    assert names["full-names"].count("Liddell") == 3
    sender = petition.sign_in(Role.SENDER)
    assert "full-names.zip" not in petition.get(ROOM, cookie=sender).text
    assert petition.post(f"{ROOM}/full-names.zip", cookie=sender).status == 403
    assert log(petition) == ["petition bundle made: full names", "petition bundle made: names masked"]


def test_a_delivery_is_noted_told_and_taken_back(petition: House) -> None:
    writer = petition.sign_in(Role.WRITER)
    assert petition.post(f"{ROOM}/delivered", b"day=", cookie=writer).status == 422
    assert petition.post(f"{ROOM}/delivered", b"day=2026-11-20&note=To+the+mayor.", cookie=writer).status == 303
    html = petition.get(ROOM, cookie=petition.sign_in(Role.VIEWER)).text
    assert "Delivered on 20 Nov" in html
    assert "with 3 signatures" in html
    assert "To the mayor." in html
    assert "Delivered 20 Nov" in petition.get(HERE, cookie=writer).text, "on the way, in each room"
    assert petition.post(f"{ROOM}/delivered", b"not=1", cookie=petition.sign_in(Role.VIEWER)).status == 403
    assert petition.post(f"{ROOM}/delivered", b"not=1", cookie=writer).status == 303
    assert "It was delivered" in petition.get(ROOM, cookie=writer).text


@pytest.mark.parametrize(
    ("how", "said"), [("false", "shows no comments"), ("held", "wait here"), ("true", "show on the page at once")]
)
def test_an_empty_room_says_what_will_be_in_it(house: House, how: str, said: str) -> None:
    assert house.get(ROOM).status == 404, "it has no page to sign"
    (house.file.parent / "action.md").write_text(PAGE.format(how), encoding="utf-8")
    html = house.get(ROOM).text
    assert "Nobody has written anything yet" in html
    assert said in html
    assert house.post(f"{ROOM}/masked.zip").status == 422, "nobody has signed"
    (house.file.parent / "action.md").write_text("---\nheadline: x\n---\n", encoding="utf-8")
    assert "The page has faults" in house.get(ROOM).text

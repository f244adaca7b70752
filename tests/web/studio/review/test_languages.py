"""People who approve read every language, and a change in any of them asks again."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from mailer.staff.rights import Role
from mailer.store.tables.core import people
from tests.web.studio.compose.test_languages import MAIL
from tests.web.studio.compose.test_pages import HEAD, TEXT
from tests.web.studio.conftest import BODY, FRONT, House
from tests.web.studio.review.test_room import ROOM, post, seen, set_approvals

pytestmark = pytest.mark.sqlite
FRENCH_PAGE = """\
---
headline: Gardons notre bibliothèque
statement: Nous demandons au conseil de la garder.
opt_in:
  wording: Écrivez-moi
thanks: Le conseil vote jeudi.
---
Elle ferme.
"""


@pytest.fixture
def french(house: House) -> House:
    folder = house.file.parent
    led = FRONT.replace("url: https://act.example.org/ask?who={{ supporter.country }}", "page: true")
    house.file.write_text(led + BODY, encoding="utf-8")
    for name, text in (("message.fr.md", MAIL), ("action.md", HEAD + TEXT), ("action.fr.md", FRENCH_PAGE)):
        (folder / name).write_text(text, encoding="utf-8")
    return house


def test_each_language_can_be_read(french: House) -> None:
    assert "Original" in french.get(ROOM).text
    for part, words in (
        ("mail.fr", "Demandez-leur"), ("page.fr", "Gardons notre"), ("thanks.fr", "Le conseil vote"),
        ("mail", "Ask them"), ("mail.de", "Ask them"), ("mail.%00", "Ask them"),
    ):  # fmt: skip
        found = french.get(f"{ROOM}?part={part}")
        assert found.status == 200
        assert words in found.text, part
    (french.file.parent / "action.fr.md").unlink()
    assert "Demandez-leur" in french.get(f"{ROOM}?part=page.fr").text, "the mail, where the page isn't in it"


def test_a_change_of_a_translation_asks_again_and_is_shown(french: House) -> None:
    set_approvals(french)
    approver = french.sign_in(Role.APPROVER)
    before = seen(french.get(ROOM, cookie=approver))
    done = post(french, "approve", approver, seen=before)
    assert done.status == 303, re.findall(r"note bad.*?</p>", done.text)
    for name, old, new in (("message.fr.md", "maintenant", "demain"), ("action.fr.md", "Elle ferme", "On la ferme")):
        path = french.file.parent / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        page = french.get(ROOM, cookie=approver).text
        assert "no longer counts" in page
        assert "(fr)" in page
        path.write_text(path.read_text(encoding="utf-8").replace(new, old), encoding="utf-8")
        assert "no longer counts" not in french.get(ROOM, cookie=approver).text, "as it was, it is approved"


def test_as_somebody_gets_it_is_in_their_language(french: House) -> None:
    page = french.get(f"{ROOM}?part=people").text
    source = page.partition('<iframe id="mail"')[2].partition('src="')[2].partition('"')[0].replace("&amp;", "&")
    assert "whose=theirs" in source
    with french.studio.database.write() as connection:
        number = connection.execute(select(people.c.id).limit(1)).scalar_one()
        connection.execute(update(people).where(people.c.id == number).values(language="fr-CA"))
    mail = french.get(source.replace("as=ada", f"as=p{number}")).text
    assert "Demandez-leur" in mail
    link = mail.partition('href="')[2].partition('"')[0]
    assert french.get(link).status == 200, "it tells where it leads"


def test_a_comment_on_a_line_of_a_translation(french: House) -> None:
    assert post(french, "comments", french.cookie, text="Trop long", file="message.fr.md", line="3", quote="Une minute",
                part="mail.fr").headers["location"].endswith("?part=mail.fr#said")  # fmt: skip
    assert "Trop long" in french.get(f"{ROOM}?part=mail.fr").text
    assert "Trop long" not in french.get(f"{ROOM}?part=mail").text

"""Each language of a newsletter has its tabs: begun, written, kept up to date with the original, taken away."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from mailer.compose.source.message_file import read_source
from mailer.compose.source.wording import mark_of, message_words
from mailer.store.tables.staff import audit_log
from mailer.store.tables.writing import translated_texts
from tests.web.studio.compose.test_pages import HEAD, PAGE, TEXT
from tests.web.studio.conftest import BODY, FRONT, HERE, House

FRENCH = f"{HERE}in/fr/"
MAIL = """\
---
# par nous
subject: Une minute
preheader: "Douze d’entre eux ont demandé, et n’ont reçu aucune réponse qui dise quelque chose."
action:
  label: Je signe
---

Bonjour {{ supporter.first_name | default("à vous") }},

Demandez-leur **maintenant**.

::: ask
:::
"""


def form(house: House, path: str, **sent: str) -> tuple[int, str]:
    reply = house.post(path, urlencode(sent).encode(), Content_Type="application/x-www-form-urlencoded")
    return reply.status, reply.headers.get("location", "")


def send(house: House, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:
    reply = house.post(path, json.dumps(sent).encode(), Content_Type="application/json")
    return reply.status, json.loads(reply.text) if reply.text.startswith("{") else {}


def names(house: House) -> set[str]:
    return {path.name for path in house.file.parent.iterdir() if path.suffix == ".md"}


@pytest.fixture
def french(house: House) -> House:
    (house.file.parent / "message.fr.md").write_text(MAIL, encoding="utf-8")
    return house


def test_another_language_begins_with_the_original_and_stops_sending_until_it_is_written(house: House) -> None:
    (house.file.parent / "action.md").write_text(HEAD + TEXT, encoding="utf-8")
    assert "Another language" in house.get(HERE).text
    assert form(house, f"{HERE}in", language="fr", text="page/") == (303, f"{FRENCH}page/")
    assert names(house) == {"message.md", "message.fr.md", "action.md", "action.fr.md"}
    begun = (house.file.parent / "message.fr.md").read_text(encoding="utf-8")
    mark = mark_of(message_words(read_source(house.workspace.newsletter(HERE.split("/")[2]))))
    assert begun == f'---\nsubject: ""\noriginal: {mark}\n---\n{BODY}'
    page = house.get(FRENCH).text
    for label, href in (("Mail", FRENCH), ("Sign page", f"{FRENCH}page/"), ("Thanks", f"{FRENCH}thanks/")):
        assert f'<a href="{href}"' in page, label
    assert f'<a href="{HERE}" data-tab>English</a>' in page
    assert f'<a href="{FRENCH}" aria-current="page" data-tab>Français</a>' in page
    assert "Subject is missing" in page
    whole = f"{HERE}send?whole=1"
    send_room = house.get(whole).text
    assert "Subject is missing (French)" in send_room, "what is in the way says where"
    assert f'href="{FRENCH}"' in send_room
    with house.studio.database.read() as connection:
        assert "translation begun" in connection.execute(select(audit_log.c.action)).scalars().all()
        assert len(connection.execute(select(translated_texts.c.text)).scalars().all()) == 2


@pytest.mark.parametrize("language", ["en", "old", "", "../x", "fr-", "français"])
def test_what_is_no_other_language_is_refused(house: House, language: str) -> None:
    status, _ = form(house, f"{HERE}in", language=language, text="")
    assert status in (400, 404, 409, 422), status
    assert names(house) == {"message.md"}


def test_opening_a_translation_changes_nothing_and_shows_it(french: House) -> None:
    page = french.get(FRENCH).text
    assert "Demandez-leur **maintenant**" in page
    assert 'lang="fr"' in page
    assert "Dear {{ supporter.first_name" in page, "the original is beside it"
    assert french.file.read_text(encoding="utf-8") == FRONT + BODY
    assert (french.file.parent / "message.fr.md").read_text(encoding="utf-8") == MAIL


def test_saving_one_changes_that_file_by_that_value(french: House) -> None:
    new = MAIL.partition("---\n\n")[2]
    status, done = send(french, f"{FRENCH}save", base=MAIL, body=f"\n{new}".replace("maintenant", "vite"),
                        fields={"subject": "Deux minutes"})  # fmt: skip
    assert (status, done["state"]) == (200, "saved")
    expected = MAIL.replace("maintenant", "vite").replace("Une minute", "Deux minutes")
    assert (french.file.parent / "message.fr.md").read_text(encoding="utf-8") == expected == done["base"]
    assert french.file.read_text(encoding="utf-8") == FRONT + BODY
    assert send(french, f"{FRENCH}save", base=expected, body="x", fields={"list": "updates"})[0] == 400


def test_the_look_is_of_what_is_being_written_in_that_language(french: House) -> None:
    status, found = send(french, f"{FRENCH}look", body="\nBonjour à tous, écrivez-leur.\n\n::: ask\n:::\n", fields={},
                         view={})  # fmt: skip
    assert status == 200
    assert found["can"], found
    mail = french.get(f"{HERE}look/{found['look']}/mail?as=ada&shape=phone").text
    assert "écrivez-leur" in mail
    assert "Je signe" in mail
    assert '<html lang="fr"' in mail
    assert "Une minute" in found["inboxes"]


def test_drafts_are_kept_for_each_language(french: House) -> None:
    assert send(french, f"{FRENCH}draft", base=MAIL, body="Brouillon", fields={})[0] == 200
    assert len(json.loads(french.get(f"{FRENCH}drafts").text)) == 1
    assert json.loads(french.get(f"{HERE}drafts").text) == []


def test_what_changed_in_the_original_since(french: House) -> None:
    assert "has changed since" not in french.get(FRENCH).text
    assert form(french, f"{FRENCH}current") == (303, FRENCH)
    text = (french.file.parent / "message.fr.md").read_text(encoding="utf-8")
    assert text.replace(text.partition("original: ")[2][:12], "…").replace("original: …\n", "") == MAIL
    french.file.write_text((FRONT + BODY).replace("Ask them **now**", "Ask them **today**"), encoding="utf-8")
    page = french.get(FRENCH).text
    assert "The original has changed since this was translated." in page
    assert "<del>" in page
    assert "now" in page.partition("<del>")[2].partition("</del>")[0]
    assert "today" in page.partition("<ins>")[2].partition("</ins>")[0]
    assert "has changed since" not in french.get(HERE).text
    assert form(french, f"{FRENCH}current")[0] == 303
    assert "has changed since" not in french.get(FRENCH).text


def test_a_change_whose_words_nobody_here_knows_is_told_all_the_same(french: House) -> None:
    path = french.file.parent / "message.fr.md"
    path.write_text(MAIL.replace("action:", "original: abcdefghijkl\naction:"), encoding="utf-8")
    page = french.get(FRENCH).text
    assert "The original has changed since this was translated." in page
    assert "isn’t known here" in page


def test_a_language_is_taken_away_and_kept_as_a_draft(french: House) -> None:
    assert form(french, f"{FRENCH}remove") == (303, HERE)
    assert names(french) == {"message.md"}
    assert french.get(FRENCH).status == 404
    assert form(french, f"{HERE}in", language="fr", text="")[0] == 303
    (draft,) = json.loads(french.get(f"{FRENCH}drafts").text)
    kept = json.loads(french.get(f"{FRENCH}drafts/{draft['id']}").text)
    assert kept["base"] == MAIL
    assert kept["body"].startswith("\nBonjour")


def test_the_page_of_a_language_that_has_none_is_offered(french: House) -> None:
    assert "no sign page yet" in french.get(f"{FRENCH}page/").text
    (french.file.parent / "action.md").write_text(HEAD + TEXT, encoding="utf-8")
    assert "isn’t in this language yet" in french.get(f"{FRENCH}page/").text
    assert form(french, f"{HERE}in", language="fr", text="page/") == (303, f"{FRENCH}page/")
    page = french.get(f"{FRENCH}page/").text
    assert "What the box for news says" in page
    assert "Signatures you hope for" not in page, "the goal is the original's"
    base = (french.file.parent / "action.fr.md").read_text(encoding="utf-8")
    status, found = send(french, f"{FRENCH}page/save", base=base, body="\nElle ferme.\n", fields={
        "headline": "Gardons-la", "statement": "Nous le demandons.", "opt_in.wording": "Écrivez-moi",
    })  # fmt: skip
    assert (status, found["state"]) == (200, "saved")
    shown = french.get(f"{FRENCH}page/").text
    look = shown.partition('data-look="')[2].partition('"')[0]
    assert "Gardons-la" in french.get(f"{FRENCH}page/look/{look}/page").text
    assert french.get(PAGE).status == 200

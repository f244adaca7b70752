"""The thanks mail has a tab as the mail has: begun, written, looked at, proved, switched off, in each language."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from mailer.compose.source.message_file import read_source
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.workspace import THANKS_FILE
from tests.web.studio.compose.test_languages import form, send
from tests.web.studio.compose.test_pages import HEAD, TEXT
from tests.web.studio.conftest import HERE, SLUG, House

TAB, FRENCH = f"{HERE}thanks-mail/", f"{HERE}in/fr/thanks-mail/"


@pytest.fixture
def signed(house: House) -> House:
    """A newsletter with a sign page."""
    (house.file.parent / "action.md").write_text(HEAD + TEXT, encoding="utf-8")
    return house


@pytest.fixture
def thanks(signed: House) -> House:
    """… and its thanks mail, written."""
    assert form(signed, f"{HERE}thanks-mail") == (303, TAB)
    path = signed.file.parent / THANKS_FILE
    path.write_text(path.read_text(encoding="utf-8").replace("[[", "").replace("]]", ""), encoding="utf-8")
    return signed


def text(house: House, name: str = THANKS_FILE) -> str:
    return (house.file.parent / name).read_text(encoding="utf-8")


def seen(house: House, found: dict[str, object], reader: str) -> str:
    return house.get(f"{HERE}look/{found['look']}/mail?as={reader}&shape=phone").text


def test_it_begins_once_there_is_a_page(house: House) -> None:
    html = house.get(TAB).text
    assert "there is none yet" in html
    assert "Make the sign page" in html
    assert f'<a href="{TAB}" aria-current="page" data-tab>Thanks mail</a>' in html
    (house.file.parent / "action.md").write_text(HEAD + TEXT, encoding="utf-8")
    assert "Nobody is thanked by mail yet" in house.get(TAB).text
    assert form(house, f"{HERE}thanks-mail") == (303, TAB)
    html = house.get(TAB).text
    assert "was to be filled in" in html, "the draft waits for its words"
    assert "Goes out" in html
    with house.studio.database.read() as connection:
        assert "mail of thanks begun" in {one.action for one in entries(connection, AuditFilter())}
    assert form(house, f"{HERE}thanks-mail")[0] != 303, "and begins once"


def test_who_only_looks_begins_nothing(signed: House) -> None:
    viewer = signed.sign_in(Role.VIEWER)
    assert "Begin the thanks mail" not in signed.get(TAB, cookie=viewer).text
    assert signed.post(f"{HERE}thanks-mail", cookie=viewer).status == 403
    assert not (signed.file.parent / THANKS_FILE).exists()


def test_saving_changes_that_file_by_that_value(thanks: House) -> None:
    before, mail = text(thanks), thanks.file.read_bytes()
    body = before.partition("---\n\n")[2]
    status, done = send(
        thanks, f"{TAB}save", base=before, body=f"\n{body}Truly.\n", fields={"subject": "Diolch", "send": "false"}
    )
    assert (status, done["state"]) == (200, "saved"), done
    expected = before.replace('"Thank you for signing"', '"Diolch"').replace("\n---\n\n", "\nsend: false\n---\n\n")
    assert text(thanks) == f"{expected}Truly.\n"
    assert thanks.file.read_bytes() == mail
    assert "It is switched off, so nobody gets it" in thanks.get(TAB).text
    assert send(thanks, f"{TAB}save", base=text(thanks), body=f"\n{body}", fields={"send": ""})[0] == 200
    assert "send:" not in text(thanks)
    assert send(thanks, f"{TAB}save", base=text(thanks), body="x", fields={"audience.segment": "1"})[0] == 400


def test_the_look_is_of_what_is_being_written_for_both_kinds_of_people(thanks: House) -> None:
    status, found = send(thanks, f"{TAB}look", body="\nThank you, truly, for {{ petition.headline }}.\n", fields={},
                         view={"as": "typed", "shape": "text"})  # fmt: skip
    assert status == 200
    assert found["can"], found
    assert "Keep our library open" in found["text"]
    named, typed = seen(thanks, found, "ada"), seen(thanks, found, "typed")
    assert "Thank you, Ada" in named
    assert "/confirm/" not in named
    assert "Thank you, Ada" not in typed
    assert "/confirm/preview" in typed, "who ticked the box confirms in it"
    assert "/go/phone/" not in named + typed, "its links aren’t counted"
    readers = thanks.get(f"{HERE}readers?{urlencode({'look': found['look']})}").text
    assert "An address that was typed" in readers
    assert "A name or an address" not in readers, "it has no audience to look in"


def test_the_editor_offers_what_a_thanks_mail_can_name(thanks: House) -> None:
    html = thanks.get(TAB).text
    told = json.loads(
        html.partition('<script type="application/json" id="editor"')[2].partition(">")[2].partition("<")[0]
    )
    tags = {one["tag"] for one in told["tags"]}
    assert {"petition.headline", "petition.url", "supporter.first_name"} <= tags
    assert "unsubscribe_url" not in tags
    assert "{{ petition.url }}" in {one["address"] for one in told["pages"]}


def test_without_script_it_is_saved_by_its_form_and_drafts_are_its_own(thanks: House) -> None:
    sent = {"body": "\nThank you.\n", "subject": "Thanks", "if-match": "", "based-on": "", "save-it": "1"}
    reply = thanks.post(TAB, urlencode(sent).encode())
    assert "Two versions" in reply.text, "a base that isn’t known is not merged"
    assert len(json.loads(thanks.get(f"{TAB}drafts").text)) == 1, "what wasn’t saved is kept"
    assert json.loads(thanks.get(f"{HERE}drafts").text) == []


def test_an_earlier_version_comes_back_and_the_review_shows_it(thanks: House) -> None:
    before = text(thanks)
    assert send(thanks, f"{TAB}save", base=before, body="\nAnother.\n", fields={})[0] == 200
    history = thanks.get(f"{HERE}history").text
    digest = history.rpartition(f"{HERE}history/")[2][:16]
    shown = thanks.get(f"{HERE}history/{digest}").text
    assert "The thanks mail as it was" in shown
    review = thanks.get(f"{HERE}review?part=thanks-mail").text
    assert "Another." in review
    assert ">Thanks mail<" in review


def test_each_language_has_one(thanks: House) -> None:
    assert form(thanks, f"{HERE}in", language="fr", text="thanks-mail/") == (303, FRENCH)
    begun = text(thanks, "thanks.fr.md")
    assert begun.startswith('---\nsubject: ""\noriginal: ')
    base = thanks.get(FRENCH).text
    assert "Subject is missing" in base
    assert "Goes out" not in base, "the original says that for all"
    assert "The original" in base
    status, done = send(thanks, f"{FRENCH}save", base=begun, body="\nMerci beaucoup.\n", fields={"subject": "Merci"})
    assert (status, done["state"]) == (200, "saved")
    found = read_source(thanks.workspace.newsletter(SLUG), THANKS_FILE)
    assert [one.subject for one in found.translations] == ["Merci"]
    _, look = send(thanks, f"{FRENCH}look", body="\nMerci beaucoup.\n", fields={}, view={})
    assert "Merci beaucoup" in seen(thanks, look, "ada")
    path = thanks.file.parent / THANKS_FILE
    path.write_text(text(thanks).replace("Your name is on it", "You are in"), encoding="utf-8")
    assert "The original has changed since this was translated." in thanks.get(FRENCH).text
    assert form(thanks, f"{FRENCH}current") == (303, FRENCH)
    assert "has changed since" not in thanks.get(FRENCH).text
    assert form(thanks, f"{HERE}in/fr/remove")[0] == 303
    assert not (thanks.file.parent / "thanks.fr.md").exists()


def test_a_page_in_a_language_without_its_thanks_says_who_gets_which(thanks: House) -> None:
    (thanks.file.parent / "message.fr.md").write_text("---\nsubject: Un\n---\nBonjour.\n", encoding="utf-8")
    assert "isn’t in this language yet" in thanks.get(FRENCH).text
    (thanks.file.parent / THANKS_FILE).unlink()
    assert "Write the original first" in thanks.get(FRENCH).text

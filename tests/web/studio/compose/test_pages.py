"""The sign page and the thanks beside the mail: the same editor and saving, and the look that people get."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

from mailer.staff.accounts import add_account
from mailer.staff.actor import terminal
from mailer.staff.rights import Role
from mailer.staff.sessions import open_session
from mailer.web.studio.core.access import cookie_name
from tests.web.studio.conftest import FRONT, HERE, House

HEAD = """\
---
# ours
headline: "Keep our library open"
statement: |
  We ask the council to keep it open.
fields:
  postcode: required
opt_in:
  list: supporters
  wording: Send me news
target: 5000 # for now
thanks: |
  The council votes on **Thursday**.
---
"""
TEXT = "\nIt closes.[^1] Read [why](https://example.org/why).\n\n[^1]: A source\n"
PAGE, THANKS = f"{HERE}page/", f"{HERE}thanks/"


@pytest.fixture
def page(house: House) -> House:
    (house.file.parent / "action.md").write_text(HEAD + TEXT, encoding="utf-8")
    return house


def file(house: House) -> str:
    return (house.file.parent / "action.md").read_text(encoding="utf-8")


def post(house: House, path: str, cookie: str | None = None, **sent: Any) -> tuple[int, dict[str, Any]]:
    reply = house.post(path, json.dumps(sent).encode(), cookie=cookie, Content_Type="application/json")
    return reply.status, json.loads(reply.text) if reply.text.startswith("{") else {}


def look(house: House, path: str, body: str, **fields: str) -> dict[str, Any]:
    status, found = post(house, f"{path}look", body=body, fields=fields)
    assert status == 200
    return found


def test_the_tabs_lead_to_each_text_and_opening_changes_nothing(page: House) -> None:
    for path in (HERE, PAGE, THANKS):
        html = page.get(path).text
        for label, href in (("Mail", HERE), ("Sign page", PAGE), ("Thanks", THANKS)):
            here = ' aria-current="page"' if href == path else ""
            assert f'<a href="{href}"{here} data-tab>{label}</a>' in html
    assert "It closes.[^1]" in page.get(PAGE).text
    assert "The council votes on **Thursday**." in page.get(THANKS).text
    assert file(page) == HEAD + TEXT


def test_a_first_page_leads_the_button_there_and_is_shown_to_nobody_yet(house: House) -> None:
    assert "no sign page yet" in house.get(PAGE).text
    assert "there is none yet" in house.get(THANKS).text
    assert house.post(f"{HERE}page").status == 303
    assert file(house) == '---\nheadline: ""\nstatement: ""\nopt_in:\n  list: supporters\n---\n'
    expected = FRONT.replace("  url: https://act.example.org/ask?who={{ supporter.country }}\n", "")
    expected = expected.replace("  label: Add your name\n", "  label: Add your name\n  page: true\n")
    assert house.file.read_text(encoding="utf-8").startswith(expected)
    html = house.get(PAGE).text
    assert "Statement is missing" in html
    assert "can’t be shown before" in html
    assert house.post(f"{HERE}page").status == 422  # there is one now


@pytest.mark.parametrize(
    ("consent", "own", "said"),
    [(True, "", ""), (True, "language: fr\n", "language: fr\n"), (True, "language: de\n", ""),
     (False, "", "language: de\n"), (False, "language: en\n", ""), (False, 'language: "no"\n', 'language: "no"\n')],
)  # fmt: skip
def test_a_first_page_is_in_the_language_of_the_mail(house: House, consent: bool, own: str, said: str) -> None:
    written = house.workspace.lists / "supporters.toml"
    lines = [
        line for line in written.read_text(encoding="utf-8").splitlines() if not line.startswith(("consent", "lang"))
    ]
    lines += ['language = "de"', *(['consent = "Send me news"'] if consent else [])]
    written.write_text("\n".join(lines), encoding="utf-8")
    house.write(front=FRONT.replace("list: supporters\n", f"list: supporters\n{own}"))
    assert house.post(f"{HERE}page").status == 303
    box = "opt_in:\n  list: supporters\n" if consent else ""
    assert file(house).endswith(f'statement: ""\n{box}{said}---\n')


def test_what_is_typed_shows_as_people_would_get_it_and_is_not_saved(page: House) -> None:
    found = look(page, PAGE, "\nIt closes **soon**.\n", headline="Save it", target="12,000")
    assert found["can"]
    shown = page.get(f"{PAGE}look/{found['look']}/page").text
    for words in (
        "<strong>soon</strong>",
        "Save it",
        "Goal: 12,000.",
        "Add your name",
        "Send me news",
        "Postcode",
    ):
        assert words in shown
    found = look(page, THANKS, "They **won**.", share="Tell a friend")
    shown = page.get(f"{THANKS}look/{found['look']}/page")
    assert "They <strong>won</strong>." in shown.text
    assert "Tell%20a%20friend" in shown.text
    assert "Add this to my signature" in shown.text
    assert "sandbox" in shown.headers["content-security-policy"]
    assert file(page) == HEAD + TEXT


def test_findings_are_at_their_line_or_field(page: House) -> None:
    body = "\nIt closes.\n\nDear {{ supporter.first_name }}\n"
    found = look(page, PAGE, body, target="many")
    assert [mark["line"] for mark in found["marks"]] == [4]
    assert 'data-field="target"' in found["findings"]
    assert not found["can"]
    found = look(page, THANKS, "Thanks.\n\n![x](y.png)\n")
    assert [mark["line"] for mark in found["marks"]] == [3]


@pytest.mark.parametrize(
    ("path", "body", "fields", "before", "after"),
    [
        (PAGE, TEXT, {"target": "6000"}, "target: 5000 # for now", "target: 6000 # for now"),
        (PAGE, TEXT, {"target": ""}, "target: 5000 # for now\n", ""),
        (PAGE, TEXT, {"fields.postcode": ""}, "fields:\n  postcode: required\n", ""),
        (PAGE, TEXT, {"fields.phone": "optional"}, "required\n", "required\n  phone: optional\n"),
        (PAGE, TEXT, {"statement": "We ask you."}, "|\n  We ask the council to keep it open.", "We ask you."),
        (PAGE, TEXT.replace("closes", "is closing"), {}, "It closes", "It is closing"),
        (THANKS, "They **won**.\n", {}, "  The council votes on **Thursday**.\n", "  They **won**.\n"),
        (THANKS, "The council votes on **Thursday**.\n", {"share": "Sign: it closes"}, "**.\n---", "**.\n"
         'share: "Sign: it closes"\n---'),
        (PAGE, TEXT, {"to": "the City Council"}, "**.\n---", "**.\nto: the City Council\n---"),
        (PAGE, TEXT, {"asks.name": "Ana", "asks.role": "Reader"}, "**.\n---",
         "**.\nasks:\n  name: Ana\n  role: Reader\n---"),
    ],
)  # fmt: skip
def test_saving_changes_what_was_changed_and_no_other_byte(
    page: House, path: str, body: str, fields: dict[str, str], before: str, after: str
) -> None:
    status, done = post(page, f"{path}save", base=HEAD + TEXT, body=body, fields=fields)
    assert (status, done["state"]) == (200, "saved")
    assert file(page) == (HEAD + TEXT).replace(before, after, 1) == done["base"]


def test_every_key_of_a_poster_is_in_the_forms_and_shows(page: House) -> None:
    for name in ("river", "clean", "face"):
        Image.new("RGB", (1300, 900), "teal").save(page.file.parent / f"{name}.png")
    fields = {
        "picture": "river.png", "alt": "A river", "to": "the Council", "deadline": "2999-01-12", "asks.name": "Ana Li",
        "asks.role": "Reader", "asks.picture": "face.png", "outcome": "", "card": "",
    }  # fmt: skip
    found = look(page, PAGE, TEXT, **fields)
    assert found["can"], found["findings"]
    shown = page.get(f"{PAGE}look/{found['look']}/page")
    for words in ("Petition to <bdi>the Council</bdi>", "Ana Li", "12 January", 'alt="A river"', "data:image/jpeg"):
        assert words in shown.text, words
    assert "img-src data:" in shown.headers["content-security-policy"]
    fields = {
        "thanks_picture": "clean.png", "thanks_alt": "Clean", "share_by": "signal, email", "next.headline": "Chip in",
        "next.text": "It helps.", "next.url": "https://example.org/give", "next.amounts": "£5, £10",
        "next.amount_url": "https://example.org/give?a={amount}", "next.label": "",
    }  # fmt: skip
    found = look(page, THANKS, "Thanks.", **fields)
    assert found["can"], found["findings"]
    shown = page.get(f"{THANKS}look/{found['look']}/page").text
    for words in ("Chip in", "It helps.", "give?a=10", 'alt="Clean"', 'data-share="signal"'):
        assert words in shown, words
    assert 'data-share="x"' not in shown
    assert "name, and it is yours" in shown, "somebody who has just signed"


def test_page_and_thanks_of_one_file_are_put_together(page: House) -> None:
    assert post(page, f"{PAGE}save", base=HEAD + TEXT, body=TEXT.replace("It", "That"), fields={})[0] == 200
    status, done = post(page, f"{THANKS}save", base=HEAD + TEXT, body="They won.\n", fields={})
    assert (status, done["state"]) == (200, "merged")
    assert "That closes" in file(page)
    assert "They won." in file(page)
    status, done = post(page, f"{THANKS}save", base=HEAD + TEXT, body="They lost.\n", fields={})
    assert (status, done["state"]) == (412, "conflict")
    assert "They lost" not in file(page)


def test_each_text_has_drafts_of_its_own(page: House) -> None:
    writer = page.sign_in(Role.WRITER, "Amina")
    for path, body in ((PAGE, "of the page"), (THANKS, "of the thanks")):
        assert post(page, f"{path}draft", writer, base=HEAD + TEXT, body=body, fields={})[0] == 200
    for path, body in ((PAGE, "of the page"), (THANKS, "of the thanks"), (HERE, None)):
        kept = json.loads(page.get(f"{path}drafts", cookie=writer).text)
        read = [json.loads(page.get(f"{path}drafts/{one['id']}", cookie=writer).text)["body"] for one in kept]
        assert read == ([body] if body else [])


def test_a_box_can_not_bring_people_to_a_list_that_is_not_ones_own(page: House) -> None:
    lists = page.workspace.root / "lists"
    (lists / "others.toml").write_text((lists / "supporters.toml").read_text().replace("supporters", "others"))
    now = page.studio.clock()
    with page.studio.database.write() as connection:
        account = add_account(connection, terminal(), "tom@example.org", Role.WRITER, at=now, lists=("supporters",))
        cookie = f"{cookie_name(page.studio)}={open_session(connection, account, now=now)}"
    sent = {"base": HEAD + TEXT, "body": TEXT, "fields": {"opt_in.list": "others"}}
    assert post(page, f"{PAGE}save", cookie, **sent)[0] == 422
    assert post(page, f"{PAGE}save", cookie, **{**sent, "fields": {"headline": "Now"}})[0] == 200
    assert "list: supporters" in file(page)


def test_a_file_that_can_not_be_read_is_told(page: House) -> None:
    (page.file.parent / "action.md").write_text("---\nheadline: x\n")
    for path in (PAGE, THANKS):
        assert page.get(path).status == 200
        assert "can’t be read" in page.get(path).text
        assert post(page, f"{path}look", body="x", fields={"headline": "y"})[0] == 200


def test_a_look_of_another_newsletter_and_nonsense_are_refused(page: House) -> None:
    assert page.get(f"{PAGE}look/0123/page").status == 404
    for body in (b"", b"[]", b'{"fields": 3}', b'{"body": 3}'):
        assert page.post(f"{PAGE}look", body, Content_Type="application/json").status == 400


def test_questions_of_a_pages_own_are_shown_changed_and_taken_out(page: House) -> None:
    own = (
        "  role:\n    label: I am a\n    choices: [Parent, Teacher]\n    required: true\n"
        "  town:\n    label: Town\n    choices: {mill: Mill Street, out: Elsewhere}\n"
    )
    text = HEAD.replace("  postcode: required\n", f"  postcode: required\n{own}") + TEXT
    (page.file.parent / "action.md").write_text(text, encoding="utf-8")
    html = page.get(PAGE).text
    for key, value in (
        ("role.label", "I am a"),
        ("town.label", "Town"),
        ("question_1.label", ""),
        ("question_2.label", ""),
    ):
        assert f'data-key="fields.{key}" value="{value}"' in html, key
    assert "\nParent\nTeacher</textarea>" in html
    assert 'data-key="fields.town.choices"' not in html, "words to keep are for the file"
    assert 'data-key="fields.question_3.label"' not in html
    changed = {"fields.role.choices": "Parent\nPupil", "fields.town.label": "", "fields.town.required": "true"}
    found = look(page, PAGE, TEXT, **changed)
    shown = page.get(f"{PAGE}look/{found['look']}/page").text
    assert "Pupil" in shown
    assert "Mill Street" not in shown
    assert post(page, f"{PAGE}save", base=text, body=TEXT, fields=changed)[1]["state"] == "saved"
    assert file(page) == text.replace("[Parent, Teacher]", "[Parent, Pupil]").replace(own[own.index("  town") :], "")
    found = look(page, PAGE, TEXT, **{"fields.question_1.kind": "choice", "fields.question_1.label": "Way"})
    assert 'data-field="fields.question_1.label"' in found["findings"], "where the choices are missing"

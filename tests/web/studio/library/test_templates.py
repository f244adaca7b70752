"""The room Templates over HTTP: the gallery, a text tried out and saved, what breaks told first, a copy."""

from __future__ import annotations

import re
import shutil
from html import unescape
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from mailer.staff.rights import Role
from mailer.store.tables.staff import audit_log
from mailer.workspace import Workspace
from tests.web.client import Reply
from tests.web.studio.conftest import House

pytestmark = pytest.mark.sqlite
ROOM = "/templates/appeal"


@pytest.fixture(autouse=True)
def own_templates(workspace: Workspace) -> None:
    """Templates that may be changed, in place of a link to the repository's."""
    found = workspace.templates.resolve()
    workspace.templates.unlink()
    shutil.copytree(found, workspace.templates)


def source(house: House, name: str = "appeal") -> str:
    return (house.workspace.templates / name / "layout.mjml").read_bytes().decode()


def post(house: House, do: str, text: str, *, base: str | None = None, **more: str) -> Reply:
    fields = {"do": do, "text": text, "base": source(house) if base is None else base, **more}
    return house.post(ROOM, urlencode(fields).encode(), cookie=more.get("cookie"))


def test_the_gallery_shows_what_each_is_for(house: House) -> None:
    page = house.get("/templates").text
    assert page.count("<iframe") == 6
    assert 'src="/looks/appeal"' in page
    assert "In 1 draft" in page
    for path in ("/templates/nowhere", "/templates/appeal?file=..%2fevent%2flayout.mjml", "/templates/.."):
        assert house.get(path).status == 404, path


def test_a_text_is_tried_out_and_saved_as_it_is(house: House) -> None:
    text = source(house).replace("<mj-body", "<!-- ours -->\n<mj-body", 1)
    looked = post(house, "look", text)
    assert "Nothing to put right" in looked.text
    assert "Our appeal" in looked.text
    for frame in re.findall(r'src="(/templates/appeal/trials/[0-9a-f]{24}/\d)"', looked.text):
        mail = house.get(frame)
        assert mail.status == 200
        assert "sandbox" in mail.headers["content-security-policy"]
        assert "can’t be made" not in mail.text
    before = source(house)
    assert before != text, "looking saves nothing"
    saved = post(house, "save", text)
    assert saved.headers["location"] == f"{ROOM}?file=layout.mjml&done=saved"
    assert source(house) == text
    page = house.get(ROOM).text
    version = re.search(r"version=([0-9a-f]{16})", page)
    assert version
    held = re.search(r'name="text"[^>]*>\n(.*?)</textarea>', house.get(f"{ROOM}?version={version[1]}").text, re.DOTALL)
    assert held
    assert unescape(held[1]) == before
    with house.studio.database.read() as connection:
        assert connection.execute(select(audit_log.c.subject, audit_log.c.action)).all()[-1] == (
            "template appeal", "template saved"
        )  # fmt: skip


@pytest.mark.parametrize("fault", ["<mj-nothing></mj-nothing>", "{{ nobody.knows }}", "{% if %}"])
def test_what_breaks_newsletters_is_told_with_its_line_before_it_is_saved(house: House, fault: str) -> None:
    before = source(house)
    at = before.index("</mj-body>")
    text = f"{before[:at]}{fault}\n{before[at:]}"
    line = before[:at].count("\n") + 1
    refused = post(house, "save", text)
    assert refused.status == 422
    assert source(house) == before
    assert f'data-line="{line}"' in refused.text
    assert "<bdi>Our appeal</bdi>" in refused.text, "the draft that uses it"
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', refused.text)
    assert seen
    other = post(house, "anyway", f"{text}\n", seen=seen[1])
    assert other.status == 422, "another text than the one that was told of"
    assert post(house, "anyway", text, seen=seen[1]).status == 303
    assert source(house) == text


def test_two_who_change_one_template(house: House) -> None:
    before = source(house)
    path = house.workspace.templates / "appeal" / "layout.mjml"
    path.write_text(before.replace("<mjml", "<!-- theirs -->\n<mjml", 1), encoding="utf-8")
    mine = before.replace("</mjml>", "</mjml>\n<!-- mine -->")
    assert "done=merged" in post(house, "save", mine, base=before).headers["location"]
    assert "theirs" in source(house)
    assert "mine" in source(house)
    clash = post(house, "save", before.replace("<mjml", "<!-- other -->\n<mjml", 1), base=before)
    assert clash.status == 412
    assert "Nothing is saved yet" in clash.text
    assert "other" not in source(house)


def test_windows_line_ends_stay(house: House) -> None:
    path = house.workspace.templates / "appeal" / "layout.mjml"
    text = source(house).replace("\n", "\r\n")
    path.write_bytes(text.encode())
    plain = text.replace("\r\n", "\n")
    post(house, "save", plain.replace("<mj-body", "<!-- ours -->\n<mj-body", 1), base=plain)
    assert source(house) == text.replace("<mj-body", "<!-- ours -->\r\n<mj-body", 1)


def test_parts_are_tried_in_every_template(house: House) -> None:
    page = house.get("/templates/blocks?file=footer.mjml").text
    assert page.count("<iframe") == 6
    base = (house.workspace.templates / "blocks" / "footer.mjml").read_text(encoding="utf-8")
    fields = urlencode({"do": "save", "base": base, "text": base + "{% endif %}"})
    reply = house.post("/templates/blocks?file=footer.mjml", fields.encode())
    assert reply.status == 422
    assert reply.text.count("<li><bdi>") == 7, "six samples and the draft"


def test_a_copy_is_in_the_gallery_at_once(house: House) -> None:
    made = house.post(f"{ROOM}/copy", b"name=Members+letter")
    assert made.headers["location"] == "/templates/members-letter?done=copied"
    assert source(house, "members-letter") == source(house)
    assert 'value="members-letter"' in house.get("/newsletters/new").text
    for name in ("members-letter", "blocks", "../up", "é", ""):
        reply = house.post(f"{ROOM}/copy", urlencode({"name": name}).encode())
        assert reply.status == 422, name
    assert house.post(ROOM, b"do=look", cookie=house.sign_in(Role.WRITER)).status == 403
    assert "Only admins" in house.get(ROOM, cookie=house.sign_in(Role.WRITER)).text


DEFINITION = """\
# What this look is for; the board agreed to it.
description = "One ask"  # keep it short

[fields.kicker]
type = "text"
label = "Line above"

# Only our own photographs.
[fields.picture]
type = "image"
label = "Picture"
"""


def define(house: House, text: str = DEFINITION) -> str:
    (house.workspace.templates / "appeal" / "template.toml").write_bytes(text.encode())
    return text


def definition(house: House) -> str:
    return (house.workspace.templates / "appeal" / "template.toml").read_bytes().decode()


def fill(house: House, base: str, do: str = "save", *, cookie: str | None = None, **changes: str) -> Reply:
    """Send the form as it is for a file that says `base`, with changes; two _ are a dot."""
    fields = {"do": do, "base": base, "description": "One ask", "kicker.type": "text", "kicker.label": "Line above",
              "picture.type": "image", "picture.label": "Picture", "-.type": "text",
              **{key.replace("__", "."): value for key, value in changes.items()}}  # fmt: skip
    body = urlencode([("field", "kicker"), ("field", "picture"), *fields.items()])
    return house.post(f"{ROOM}?file=template.toml", body.encode(), cookie=cookie)


def test_name_and_fields_are_changed_in_place(house: House) -> None:
    before = define(house)
    page = house.get(f"{ROOM}?file=template.toml").text
    assert 'value="Line above"' in page
    assert fill(house, before).status == 303
    assert definition(house) == before, "nothing was changed"
    new = {"new": "place", "-__label": "Where it is", "-__help": "Town and street", "-__type": "text"}
    reply = fill(house, before, title="Big ask", kicker__label="Above", kicker__help="Short", **new)
    assert reply.headers["location"] == f"{ROOM}?file=template.toml&done=saved", reply.text
    assert definition(house) == before.replace(
        '# keep it short\n', '# keep it short\ntitle = "Big ask"\n'
    ).replace('label = "Line above"\n', 'label = "Above"\nhelp = "Short"\n') + (
        '\n[fields.place]\ntype = "text"\nlabel = "Where it is"\nhelp = "Town and street"\n'
    )  # fmt: skip
    assert "Big ask" in house.get("/templates").text
    assert re.search(r"version=[0-9a-f]{16}", house.get(f"{ROOM}?file=template.toml").text)
    with house.studio.database.read() as connection:
        last = connection.execute(select(audit_log.c.action, audit_log.c.detail)).all()[-1]
    assert tuple(last) == ("template saved", "template.toml")


def test_a_field_is_taken_out_but_not_the_note_of_the_next(house: House) -> None:
    before = define(house)
    assert fill(house, before, gone="kicker").status == 303
    assert definition(house) == before.replace('[fields.kicker]\ntype = "text"\nlabel = "Line above"\n\n', "")


def test_fields_that_drafts_cannot_do_without_are_told_first(house: House) -> None:
    before = define(house)
    refused = fill(house, before, kicker__required="1")
    assert refused.status == 422
    assert "<bdi>Our appeal</bdi>: kicker is missing" in refused.text
    assert definition(house) == before
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', refused.text)
    assert seen
    assert fill(house, before, "anyway", kicker__required="1", seen=seen[1]).status == 303
    assert "required = true" in definition(house)


@pytest.mark.parametrize("name", ["", "Town Hall", "a.b", "kicker", "subject"])
def test_a_field_that_cannot_be_is_told_and_what_was_typed_stays(house: House, name: str) -> None:
    before = define(house)
    reply = fill(house, before, new=name, **{"-__label": "Where & when"})
    assert reply.status == 422
    assert re.search(r'role="alert">.*(Use small letters|have a field \w+ already)', reply.text)
    assert "Where &amp; when" in reply.text
    assert definition(house) == before


def test_two_who_change_a_definition(house: House) -> None:
    before = define(house)
    define(house, before.replace('"Picture"', '"A photograph"'))
    assert "done=merged" in fill(house, before, title="Big ask").headers["location"]
    assert 'label = "A photograph"' in definition(house)
    now = definition(house)
    clash = fill(house, before, picture__label="A drawing")
    assert clash.status == 412
    assert definition(house) == now
    assert 'value="A drawing"' in clash.text
    assert 'value="Big ask"' in clash.text, "what they changed elsewhere"
    assert fill(house, now, cookie=house.sign_in(Role.WRITER)).status == 403
    assert "<fieldset class=\"stack\" disabled" in house.get(
        f"{ROOM}?file=template.toml", cookie=house.sign_in(Role.WRITER)
    ).text  # fmt: skip


def test_a_file_that_is_no_toml_is_left_to_its_owner(house: House) -> None:
    before = define(house, "description = \n")
    page = house.get(f"{ROOM}?file=template.toml")
    assert page.status == 200
    assert "not valid TOML" in page.text
    assert fill(house, before).status == 422
    assert definition(house) == before


def test_what_drafts_begin_with_is_edited_with_its_lines(house: House) -> None:
    path = house.workspace.templates / "appeal" / "draft.md"
    before = path.read_text(encoding="utf-8")
    address = f"{ROOM}?file=draft.md"

    def send(do: str, text: str, base: str) -> Reply:
        return house.post(address, urlencode({"do": do, "text": text, "base": base}).encode())

    wrong = f"{before}\n{{{{ nobody.knows }}}}\n"
    refused = send("save", wrong, before)
    assert refused.status == 422
    assert f'data-line="{before.count(chr(10)) + 2}"' in refused.text
    assert path.read_text(encoding="utf-8") == before
    text = before.replace("Dear ", "Good morning ")
    assert send("save", text, before).headers["location"] == f"{address}&done=saved"
    assert path.read_text(encoding="utf-8") == text
    assert send("save", before.replace("Dear ", "Hello "), before).status == 412
    path.unlink()
    page = house.get(address).text
    held = re.search(r'name="text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert held
    ours = unescape(held[1]) + "\nWith thanks\n"
    assert send("save", ours, unescape(held[1])).status == 303
    assert path.read_text(encoding="utf-8") == ours, "it had none of its own"

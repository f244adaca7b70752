"""The Write room over HTTP: the mail of what is being written, its findings, its readers, a proof."""

from __future__ import annotations

import json
import mailbox
import re
from html import unescape
from http.client import HTTPConnection
from typing import Any

import pytest

from mailer.errors import MailerError
from mailer.staff.rights import Role
from mailer.web.studio.compose import looks
from tests.patience import HANG_SECONDS
from tests.web.client import BROWSER
from tests.web.studio.conftest import BODY, FRONT, HERE, SLUG, House


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def look(house: House, body: str = BODY, *, cookie: str | None = None, **more: Any) -> dict[str, Any]:
    sent = json.dumps({"body": body, **more}).encode()
    reply = house.post(f"{HERE}look", sent, cookie=cookie, Content_Type="application/json")
    assert reply.status == 200, reply.text
    return json.loads(reply.text)


def mail(house: House, found: dict[str, Any], query: str = "") -> str:
    return house.get(f"{HERE}look/{found['look']}/mail{query}").text


def test_the_page_shows_the_saved_newsletter_and_changes_no_file(house: House) -> None:
    before = house.file.read_bytes(), house.file.stat().st_mtime_ns
    page = house.get(HERE)
    assert page.status == 200
    assert "Our appeal" in words(page.text)
    assert "Ask them **now**" in page.text
    assert 'data-key="preheader"' in page.text
    frame = re.search(r'src="(/newsletters/[^"]+/mail)', page.text)
    assert frame
    assert "Dear Ada," in house.get(frame[1]).text
    assert (house.file.read_bytes(), house.file.stat().st_mtime_ns) == before


def test_what_is_typed_is_compiled_and_not_saved(house: House) -> None:
    before = house.file.read_bytes()
    found = look(house, BODY.replace("Ask them", "Tell them"), fields={"subject": "Now or never", "template": "urgent"})
    assert "Tell them" in mail(house, found)
    assert "Tell them now" in found["text"]
    assert "Now or never" in found["inboxes"]
    assert house.file.read_bytes() == before
    assert "Ask them" in mail(house, look(house))


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("subject", "Sewage: 3,412 hours #now", "Sewage: 3,412 hours #now"),
        ("subject", '"quoted" and \\ more', "&#34;quoted&#34; and \\ more"),
        ("preheader", "Zwölf – “zwölf”", "Zwölf – “zwölf”"),
        ("from", "Rhiannon <rhiannon@example.org>", "Rhiannon"),
    ],
)
def test_fields_hold_whatever_people_type(house: House, key: str, value: str, shown: str) -> None:
    assert shown in look(house, fields={key: value})["inboxes"]


def test_fields_of_an_action_and_of_the_template_reach_the_mail(house: House) -> None:
    html = mail(house, look(house, fields={"action.label": "Sign for a clean river", "kicker": "Act today"}))
    assert "Sign for a clean river" in html
    assert "Act today" in html


def test_keys_the_form_does_not_know_are_left_alone(house: House) -> None:
    found = look(house, fields={"audience": "everybody", "waive": "x", "list": 3, "notes": "x"})
    assert found["weight"] != "b"


def test_findings_name_their_line_or_their_field(house: House) -> None:
    broken = BODY.replace("supporter.country ==", "supporter.contry ==")
    found = look(house, broken, fields={"from": "nobody"})
    line = broken.split("\n").index('{% if supporter.contry == "GB" %}') + 1
    assert f'data-line="{line}"' in found["findings"]
    assert 'data-field="from"' in found["findings"]
    assert (found["can"], found["weight"]) == (False, "b")
    assert found["words"].startswith("3 to fix")


def test_the_whole_check_finds_what_compiling_does_not(house: House) -> None:
    body = BODY.replace("https://example.org/sources", "http://localhost/sources")
    assert len(look(house, body, whole=True)["findings"]) > len(look(house, body)["findings"])


def test_no_page_says_that_nothing_is_wrong_before_everything_was_looked_for(house: House) -> None:
    """Words that wait to be filled in are found by the check alone, not by making the mail."""
    body = f"{BODY}\n[[Say what happened.]]\n"
    assert look(house, body)["partial"]
    house.write(body=body)
    for room in ("", "audience", "review", "history"):
        page = house.get(f"{HERE}{room}").text
        assert "1 to fix" in page
        assert "Nothing found wrong" not in page


def test_front_matter_that_can_not_be_read_is_told(house: House) -> None:
    house.write(front="---\nsubject: x\n")
    page = house.get(HERE)
    assert page.status == 200
    assert "can’t be read" in page.text
    assert "Ask them **now**" in page.text


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"fields": 3}', b'{"body": 3}', b'{"view": 3}'])
def test_nonsense_is_refused_plainly(house: House, body: bytes) -> None:
    assert house.post(f"{HERE}look", body, Content_Type="application/json").status == 400


def test_a_fault_of_ours_is_told_without_a_traceback(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "compile_newsletter", lambda *_, **__: 1 / 0)
    assert "fault of the program" in look(house)["findings"]
    assert "Traceback" not in house.get(HERE).text


def test_the_mail_is_merged_for_its_reader(house: House) -> None:
    found = look(house)
    assert "Dear friend," in mail(house, found, "?as=no-name")
    assert "Dear Mary &lt;3," in mail(house, found, "?as=p1")
    assert "You live in Britain." in mail(house, found, "?as=p1")
    assert "Dear &lt;b&gt;&#34;Bobby&#34;&lt;/b&gt;," in mail(house, found, "?as=markup")
    for odd in ("p999", "../x", "", "%00"):
        assert "Dear Ada," in mail(house, found, f"?as={odd}")


def test_who_may_not_see_people_sees_hard_cases_alone(house: House) -> None:
    writer, sender = house.sign_in(Role.WRITER), house.sign_in(Role.SENDER)
    found = look(house, cookie=writer)
    path = f"{HERE}look/{found['look']}/mail?as=p1"
    assert "Dear Ada," in house.get(path, cookie=writer).text
    assert "Dear Mary" in house.get(path, cookie=sender).text
    for address in (HERE, f"{HERE}readers"):
        assert "Mary" not in house.get(address, cookie=writer).text
        assert "Mary" in house.get(address, cookie=sender).text
    assert house.get(f"{HERE}readers?q=mary", cookie=writer).status == 403
    assert "mary2@example.org" in house.get(f"{HERE}readers?q=mary2", cookie=sender).text


def test_versions_name_who_sees_them(house: House) -> None:
    assert 'supporter.country == "GB" 3 people' in words(house.get(f"{HERE}readers").text)


def test_a_link_tells_where_it_leads_this_reader(house: House) -> None:
    html = mail(house, look(house), "?as=p1")
    links = re.findall(r'href="(/newsletters/[^"]+/go/[^"]+)"', html)
    pages = [words(house.get(link).text) for link in links]
    assert any("https://act.example.org/ask?who=GB" in page and "action link" in page for page in pages)
    assert any("leads to example.org" in page for page in pages)
    (leaving,) = set(re.findall(r'href="(/newsletters/[^"]+/own/[^"]+unsubscribe)"', html))
    assert "nothing changes" in words(house.get(leaving).text)


def test_a_look_belongs_to_its_newsletter(house: House) -> None:
    found = look(house)
    assert house.get(f"/newsletters/another/look/{found['look']}/mail").status == 404
    assert house.get(f"{HERE}look/{'0' * 24}/mail").status == 404


def test_a_proof_goes_out_as_the_page_shows_it(house: House) -> None:
    reply = house.post(f"{HERE}proof", b"to=Colleague%40Example.org&as=p1")
    assert "A proof went to colleague@example.org" in words(reply.text)
    (sent,) = mailbox.Maildir(house.workspace.root / "outbox", create=False)
    assert sent["To"].endswith("<colleague@example.org>")
    assert sent["Subject"] == "[Proof] Mary <3, ask them"


def test_a_proof_that_can_not_be_sent_says_why(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing was sent" in words(house.post(f"{HERE}proof", b"to=nobody&as=ada").text)

    def refused(*_: object, **__: object) -> None:
        raise MailerError("the relay said no", remedy="Ask the relay.")

    monkeypatch.setattr("mailer.web.studio.compose.proof.mail_proof", refused)
    page = words(house.post(f"{HERE}proof", b"to=colleague%40example.org&as=ada").text)
    assert "Nothing was sent: the relay said no. Ask the relay." in page
    house.write("{{ nonsense }}")
    assert "something to fix" in words(house.post(f"{HERE}proof", b"to=colleague%40example.org").text)
    assert not (house.workspace.root / "outbox").exists()


@pytest.mark.parametrize("what", ["message.md", "lamp.png", "folder", "list", "settings"])
def test_no_link_out_of_the_workspace_is_followed(
    house: House, tmp_path_factory: pytest.TempPathFactory, what: str
) -> None:
    """Somebody who may write files of a newsletter must not read others of this machine through the studio."""
    outside = tmp_path_factory.mktemp("outside")
    paths = {
        "message.md": house.file, "lamp.png": house.file.with_name("lamp.png"), "folder": house.file.parent,
        "list": house.workspace.lists / "supporters.toml", "settings": house.workspace.root / "mailer.toml",
    }  # fmt: skip
    path = paths[what]
    moved = path.rename(outside / path.name)
    if what == "message.md":
        moved.write_text(FRONT + "A secret of another program.", encoding="utf-8")
    path.symlink_to(moved)
    page = house.get(HERE).text
    assert "link to a place outside the workspace" in page
    assert "A secret of another program" not in page


def test_a_save_elsewhere_is_told_at_once(house: House) -> None:
    mark = re.search(r'data-mark="(\w+)"', house.get(HERE).text)
    assert mark
    connection = HTTPConnection("127.0.0.1", house.port, timeout=HANG_SECONDS)
    connection.request("GET", f"{HERE}changes?seen={mark[1]}", headers={**BROWSER, "Cookie": house.cookie})
    events = connection.getresponse()
    assert events.readline() == b"retry: 500\n"
    events.readline()
    house.write(BODY + "\nMore.\n")
    assert events.readline().startswith(b"data: ")
    house.studio.stopping.set()
    events.read()
    connection.close()


def test_without_script_the_page_shows_what_was_typed(house: House) -> None:
    before = house.file.read_bytes()
    page = house.post(HERE, f"subject=Now&body={BODY.replace('Ask them', 'Tell them').replace('%', '%25')}".encode())
    assert page.status == 200
    frame = re.search(r'src="(/newsletters/[^"]+/mail)', page.text)
    assert frame
    assert "Tell them" in house.get(frame[1]).text
    assert house.file.read_bytes() == before


def test_what_was_sent_is_not_written_here(house: House) -> None:
    assert 'data-writes="1"' in house.get(HERE, cookie=house.sign_in(Role.WRITER)).text
    viewer = house.sign_in(Role.VIEWER)
    assert 'data-writes=""' in house.get(HERE, cookie=viewer).text
    assert house.post(f"{HERE}look", b"{}", cookie=viewer).status == 403
    assert SLUG in house.get("/find?q=appeal", cookie=viewer, Accept="application/json").text

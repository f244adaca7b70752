"""What the page shows: each tab, each reader, faults with their place, a proof, and changes as they are saved."""

from __future__ import annotations

import mailbox
import re
import time
from html import unescape
from http.client import HTTPConnection

import pytest

from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError
from mailer.web.studio import live_compile as desks
from mailer.web.studio.preview.tabs import TABS
from tests.patience import HANG_SECONDS, contention, until
from tests.web.studio.conftest import BODY, FRONT, SLUG, Room


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize("tab", [tab.name for tab in TABS])
def test_every_tab_answers_for_every_hard_case(room: Room, tab: str) -> None:
    for reader in ("ada", "no-name", "long-name", "right-to-left", "emoji", "markup", "p1", "p999", "../x", ""):
        reply = room.get(f"?tab={tab}&as={reader}")
        assert reply.status == 200
        assert reply.text.count('aria-current="page"') == 1
        assert "<b>" not in reply.text


def test_the_mail_is_merged_for_its_reader(room: Room) -> None:
    assert "Dear Ada," in room.get("mail?as=ada").text
    assert "Dear friend," in room.get("mail?as=no-name").text
    assert "Dear Mary &lt;3," in room.get("mail?as=p1").text
    assert "You live in Britain." in room.get("mail?as=p1").text
    assert "Dear &lt;b&gt;&#34;Bobby&#34;&lt;/b&gt;," in room.get("mail?as=markup").text
    assert "Ada, ask them" in room.get("?tab=inbox").text


def test_people_are_found_by_name_and_address(room: Room) -> None:
    for typed in ("mary2@example.org", "Mary"):
        assert 'id="found-p2"' in room.get(f"?q={typed}").text
    assert "Nobody has" in room.get("?q=zebra").text


def test_versions_name_who_sees_them(room: Room) -> None:
    until(lambda: bool(room.desk.look()) and room.desk.noted.complete)
    page = room.get().text
    assert 'id="variant-p1"' in page
    assert 'supporter.country == "GB" 3 people' in words(page)


def test_headers_text_and_source_are_those_of_the_mail(room: Room) -> None:
    headers = words(room.get("?tab=headers").text)
    assert "Subject Ada, ask them" in headers
    assert "[Proof]" not in headers
    assert "List-Unsubscribe <https://mail.example.org/u/" in headers
    assert "List-Unsubscribe-Post List-Unsubscribe=One-Click" in headers
    assert "You can" not in headers
    assert "Dear Ada," in room.get("?tab=text").text
    assert "default(&#34;friend&#34;)" in room.get("?tab=source").text
    assert "https://mail.example.org/c/" in room.get("?tab=source&file=html").text


def test_a_link_tells_where_it_leads_this_person(room: Room) -> None:
    mail = room.get("mail?as=p1").text
    links = re.findall(rf'href="{re.escape(room.keys.base)}/(go/[^"]+)"', mail)
    pages = [words(room.get(link).text) for link in links]
    assert any("https://act.example.org/ask?who=GB" in page and "sign-up link" in page for page in pages)
    assert any("leads to example.org" in page for page in pages)
    (leaving,) = set(re.findall(rf'href="{re.escape(room.keys.base)}/(own/[^"]+unsubscribe)"', mail))
    assert "nothing changes" in words(room.get(leaving).text)
    assert "mail.example.org" not in re.sub(r"<!--.*?-->", "", mail, flags=re.DOTALL)


def test_a_broken_message_shows_its_place_and_the_last_good_mail(room: Room) -> None:
    assert "Dear Ada," in room.get("mail").text
    room.write(BODY.replace("supporter.country", "supporter.contry").replace("::: ask\n:::", "::: aks\n:::"))
    page = room.get().text
    assert "Traceback" not in page
    assert "can’t be shown" in page
    line = (FRONT + BODY).split("\n").index('{% if supporter.country == "GB" %}') + 1
    place = f"newsletters/{SLUG}/message.md:{line}"
    assert place in words(page)
    assert f"#L{line}" in page
    assert "Below is the last good one" in words(page)
    assert "Dear Ada," in room.get("mail").text
    source = room.get(f"?tab=source&file=newsletters/{SLUG}/message.md&line={line}").text
    assert f'<li id="L{line}" class="here">' in source
    room.write(BODY)
    assert "can’t be shown" not in room.get().text


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("mailer.toml", "[organisation", "mailer.toml"),
        ("lists/supporters.toml", 'title = "x"', "lists/supporters.toml"),
        (f"newsletters/{SLUG}/message.md", "\xff", f"newsletters/{SLUG}/message.md:1"),
    ],
)
def test_faults_of_other_files_are_told_with_their_place(room: Room, name: str, text: str, place: str) -> None:
    room.get()
    (room.workspace.root / name).write_text(text, encoding="latin-1")
    page = words(room.get().text)
    assert place in page
    assert "Below is the last good one" in page


def test_a_message_that_never_compiled_is_told_plainly(room: Room) -> None:
    room.write("", front="---\nsubject: x\n---\n")
    for tab in TABS:
        reply = room.get(f"?tab={tab.name}")
        assert reply.status == 200
        assert "list is missing" in reply.text
    assert room.get("mail").status == 200


def test_a_fault_of_ours_is_told_without_a_traceback(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.get()
    monkeypatch.setattr(desks, "prepare", lambda *_: 1 / 0)
    room.write(BODY + "\nMore.\n")
    page = room.get().text
    assert "a fault of Mailer itself: ZeroDivisionError" in words(page)
    assert "Traceback" not in page


def test_findings_come_from_one_place_and_arrive_when_they_are_ready(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(*_: object, **__: object) -> tuple[desks.Diagnostic, ...]:
        return desks.remarks((Diagnostic("the sky is green", remedy="Look up."),))

    monkeypatch.setattr(desks, "findings_of", found)
    before = room.desk.mark()
    until(lambda: bool(room.desk.look()) and room.desk.noted.complete)
    assert room.desk.mark() != before
    page = words(room.get("?tab=findings").text)
    assert "the sky is green Look up." in page


def test_a_proof_goes_to_the_outbox_as_the_page_shows_it(room: Room) -> None:
    reply = room.post({"to": "Colleague@Example.org", "as": "p1", "tab": "phone"})
    assert "A proof went to colleague@example.org by outbox" in words(reply.text)
    (mail,) = mailbox.Maildir(room.workspace.root / "outbox", create=False)
    assert mail["To"].endswith("<colleague@example.org>")
    assert mail["Subject"] == "[Proof] Mary <3, ask them"


def test_a_proof_that_can_not_be_sent_says_why(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing was sent" in words(room.post({"to": "nobody", "as": "ada"}).text)

    def refused(*_: object, **__: object) -> None:
        raise MailerError("the relay said no", remedy="Ask the relay.")

    monkeypatch.setattr("mailer.web.studio.proof.send_proof", refused)
    page = words(room.post({"to": "colleague@example.org", "as": "ada"}).text)
    assert "Nothing was sent: the relay said no. Ask the relay." in page
    monkeypatch.undo()
    room.write("{{ nonsense }}")
    page = words(room.post({"to": "colleague@example.org", "as": "ada"}).text)
    assert "Nothing was sent: the newest version has faults." in page
    assert not (room.workspace.root / "outbox").exists()


@pytest.mark.parametrize("name", ["message.md", "lamp.png"])
def test_a_save_is_told_at_once(room: Room, name: str) -> None:
    """The page asks for the new version when it hears a new mark. The aim is 300 ms; a slow machine gets more, and one
    that does other things by as much as they take from us."""
    room.get()
    until(lambda: bool(room.desk.look()) and room.desk.noted.complete)
    connection = HTTPConnection("127.0.0.1", room.port, timeout=HANG_SECONDS)
    connection.request("GET", f"{room.keys.base}/changes?seen={room.desk.mark()}")
    events = connection.getresponse()
    assert events.getheader("content-type", "").startswith("text/event-stream")
    assert events.readline() == b"retry: 500\n"
    events.readline()
    saved = time.monotonic()
    if name == "message.md":
        room.write(BODY.replace("Ask them", "Tell them"))
    else:
        (room.file.parent / name).write_bytes((room.file.parent / name).read_bytes() + b"\0")
    line = events.readline()
    while not line.startswith(b"data: "):
        line = events.readline()
    mail = room.get("mail").text
    took = time.monotonic() - saved
    connection.close()
    assert name != "message.md" or "Tell them" in mail
    assert took < 2.0 * contention()


def test_the_events_end_when_the_studio_stops(room: Room) -> None:
    connection = HTTPConnection("127.0.0.1", room.port, timeout=HANG_SECONDS)
    connection.request("GET", f"{room.keys.base}/changes?seen=")
    events = connection.getresponse()
    while not events.readline().startswith(b"data: "):
        pass
    room.app.state.studio.stopping.set()  # as `web.server.run` has it done when the signal arrives
    assert events.read().strip() in (b"", b"data: 1c")
    connection.close()


@pytest.mark.parametrize("what", ["message.md", "lamp.png", "folder", "list", "settings"])
def test_no_link_out_of_the_workspace_is_followed(
    room: Room, tmp_path_factory: pytest.TempPathFactory, what: str
) -> None:
    """Somebody who may write files of a newsletter must not read others of this machine through its preview."""
    assert room.get("").status == 200
    outside = tmp_path_factory.mktemp("outside")
    paths = {
        "message.md": room.file, "lamp.png": room.file.with_name("lamp.png"), "folder": room.file.parent,
        "list": room.workspace.lists / "supporters.toml", "settings": room.workspace.root / "mailer.toml",
    }  # fmt: skip
    path = paths[what]
    moved = path.rename(outside / path.name)
    if what == "message.md":
        moved.write_text(FRONT + "A secret of another program.", encoding="utf-8")
    path.symlink_to(moved)
    page = room.get("").text
    assert "link to a place outside the workspace" in page
    assert "A secret of another program" not in page + room.get("mail").text


def test_links_within_the_workspace_and_shared_templates_are_no_fault(room: Room) -> None:
    assert (room.workspace.root / "templates").is_symlink()
    picture = room.file.with_name("lamp.png")
    picture.rename(picture.with_name("torch.png"))
    picture.symlink_to("torch.png")
    room.write("Changed.\n\n![A lamp](lamp.png)\n")
    page = room.get("").text
    assert "outside the workspace" not in page
    assert "Changed." in room.get("mail").text

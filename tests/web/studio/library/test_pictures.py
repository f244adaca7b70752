"""The room Pictures over HTTP: found, replaced and described in every draft, and in nothing that left."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
from PIL import Image
from sqlalchemy import select

from mailer.editing.library.pictures import digest_of
from mailer.staff.rights import Role
from mailer.store.tables.staff import audit_log
from tests.reports.builders import add_campaign, make_message
from tests.web.client import Reply
from tests.web.studio.conftest import BODY, FRONT, SLUG, House
from tests.web.studio.review.test_room import ROOM, post, seen, set_approvals

pytestmark = pytest.mark.sqlite
SENT, OTHER = "2026-10-sent", "2026-12-other"


@pytest.fixture
def digest(house: House) -> str:
    """The picture of three newsletters, one of which was sent, by its digest."""
    for slug in (SENT, OTHER):
        shutil.copytree(house.workspace.newsletters / SLUG, house.workspace.newsletters / slug)
    with house.studio.database.write() as connection:
        now = house.studio.clock()
        add_campaign(connection, replace(make_message(), slug=SENT), now=now, launched_at=now)
    return digest_of((house.workspace.newsletters / SLUG / "lamp.png").read_bytes())


def jpeg(colour: str = "#0b6069") -> bytes:
    """A camera's picture, with where it was taken."""
    made, exif = BytesIO(), Image.Exif()
    exif[0x010F] = "Camera"
    Image.new("RGB", (64, 48), colour).save(made, "JPEG", exif=exif)
    return made.getvalue()


def upload(house: House, path: str, data: bytes, *, cookie: str | None = None) -> Reply:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + data + b"\r\n--x--\r\n"
    return house.post(path, body, cookie=cookie, Content_Type="multipart/form-data; boundary=x")


def text(house: House, slug: str) -> str:
    return (house.workspace.newsletters / slug / "message.md").read_text(encoding="utf-8")


def test_pictures_are_found_with_what_they_show_and_where(house: House, digest: str) -> None:
    page = house.get("/pictures").text
    assert page.count(f'src="/pictures/{digest}/file"') == 1, "the same picture in three newsletters is one"
    assert "In 3 newsletters" in page
    for words, is_there in (("notebook", True), ("lamp.png", True), ("Our appeal", True), ("river", False)):
        assert (digest in house.get(f"/pictures?q={words.replace(' ', '+')}").text) is is_there, words
    assert digest not in house.get("/pictures?show=unused").text
    reply = house.get(f"/pictures/{digest}/file")
    assert reply.headers["content-type"] == "image/png"
    assert digest_of(reply.body) == digest
    for path in ("/pictures/0123456789abcdef", "/pictures/0123456789abcdef/file", "/pictures/..%2f..%2fmailer.toml"):
        assert house.get(path).status == 404


def test_a_picture_is_replaced_in_drafts_alone(house: House, digest: str) -> None:
    before = text(house, SENT)
    reply = upload(house, f"/pictures/{digest}/replace", jpeg())
    assert reply.status == 303, reply.text
    new = re.fullmatch(r"/pictures/([0-9a-f]{16})\?done=2", reply.headers["location"])
    assert new
    name = f"{new[1]}.png" if (house.workspace.newsletters / SLUG / f"{new[1]}.png").exists() else f"{new[1]}.jpg"
    for slug in (SLUG, OTHER):
        assert text(house, slug) == FRONT + BODY.replace("lamp.png", name)
        assert b"Camera" not in (house.workspace.newsletters / slug / name).read_bytes()
        assert (house.workspace.newsletters / slug / "lamp.png").exists(), "earlier versions name it"
    assert text(house, SENT) == before
    assert not (house.workspace.newsletters / SENT / name).exists()
    assert "2 drafts have it now" in house.get(reply.headers["location"]).text
    with house.studio.database.read() as connection:
        query = select(audit_log.c.subject, audit_log.c.detail).where(audit_log.c.action == "picture replaced")
        found = connection.execute(query).all()
    assert sorted(one.subject for one in found) == [f"newsletter {SLUG}", f"newsletter {OTHER}"]
    assert house.get(f"/newsletters/{SLUG}/history").text.count("Picture replaced") == 1


def test_links_are_not_followed(house: House, digest: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.png").write_bytes(jpeg())
    (house.workspace.newsletters / "2026-11-linked").symlink_to(tmp_path / "elsewhere")
    (house.workspace.newsletters / SLUG / "linked.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    page = house.get("/pictures").text
    assert digest in page
    assert digest_of(jpeg()) not in page
    assert house.get(f"/pictures/{digest_of(jpeg())}/file").status == 404


def test_what_is_no_picture_or_the_same_one_changes_nothing(house: House, digest: str) -> None:
    before = text(house, SLUG)
    for data, words in ((b"", "no picture was chosen"), (b"GIF89a-", "no picture that can be read")):
        reply = upload(house, f"/pictures/{digest}/replace", data)
        assert reply.status == 422
        assert words in reply.text.replace("No", "no")
    assert text(house, SLUG) == before
    assert house.post(f"/pictures/{digest}/replace", b"x=1").status == 400


def test_a_description_changes_where_the_same_was_said(house: House, digest: str) -> None:
    path = house.workspace.newsletters / OTHER / "message.md"
    path.write_text(FRONT + BODY.replace("A notebook and a lamp", "Ein Heft"), encoding="utf-8")
    before = text(house, SENT)
    form = {"was": "A notebook and a lamp", "alt": "A lamp on a desk"}
    assert house.post(f"/pictures/{digest}/describe", urlencode({**form, "alt": "a]b"}).encode()).status == 422
    reply = house.post(f"/pictures/{digest}/describe", urlencode(form).encode())
    assert reply.headers["location"].endswith("?done=1")
    assert text(house, SLUG) == FRONT + BODY.replace("A notebook and a lamp", "A lamp on a desk")
    assert "Ein Heft" in text(house, OTHER)
    assert text(house, SENT) == before


def test_one_draft_that_cannot_be_changed_is_told_and_others_are_done(house: House, digest: str) -> None:
    path = house.workspace.newsletters / OTHER / "message.md"
    path.write_bytes(path.read_bytes() + b"\xff")
    reply = upload(house, f"/pictures/{digest}/replace", jpeg())
    assert reply.status == 422
    assert "1 draft was left as it was" in reply.text
    assert "not UTF-8" in reply.text
    assert "lamp.png" not in text(house, SLUG)


def test_who_is_limited_to_other_lists_changes_nothing(house: House, digest: str) -> None:
    cookie = house.sign_in(Role.WRITER, lists=["elsewhere"])
    reply = upload(house, f"/pictures/{digest}/replace", jpeg(), cookie=cookie)
    assert reply.status == 422
    assert text(house, SLUG) == FRONT + BODY
    assert house.get("/pictures", cookie=house.sign_in(Role.VIEWER)).status == 403


def test_replacing_takes_an_approval_away(house: House, digest: str) -> None:
    """The approval is bound to the bytes: what somebody approved is not what would leave now."""
    set_approvals(house)
    approver = house.sign_in(Role.APPROVER)
    looked = seen(house.get(ROOM, cookie=approver))
    assert post(house, "approve", approver, seen=looked).status == 303
    admin = house.sign_in(Role.ADMIN, "Amina")
    assert "approve it again" in house.get(f"/pictures/{digest}", cookie=admin).text
    assert upload(house, f"/pictures/{digest}/replace", jpeg(), cookie=admin).status == 303
    assert "no longer counts" in house.get(ROOM, cookie=approver).text

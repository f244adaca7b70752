"""The room Data over HTTP: tables brought in, judged whole, replaced; and what a newsletter's sources hold."""

from __future__ import annotations

import stat

import pytest
from sqlalchemy import select

from mailer.staff.rights import Role
from mailer.store.tables.staff import audit_log
from tests.delivery.data.sites import item, rss
from tests.web.client import Reply
from tests.web.studio.conftest import SLUG, House

pytestmark = pytest.mark.sqlite
MPS = b"Postcode;MP\nLS1 4AB;Ann <Lee>\nSW1A 1AA;Bob\n"


def bring(house: House, data: bytes, path: str = "/data", name: str = "mps.csv", *, cookie: str | None = None) -> Reply:
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + data + b"\r\n--x--\r\n"
    return house.post(path, body, cookie=cookie, Content_Type="multipart/form-data; boundary=x")


def test_a_table_is_brought_in_seen_and_replaced(house: House) -> None:
    assert "Bring a table in" in house.get("/data").text
    reply = bring(house, MPS)
    assert (reply.status, reply.headers["location"]) == (303, "/data/mps?done=1")
    file = house.workspace.root / "data" / "mps.csv"
    assert file.read_bytes() == MPS
    page = house.get("/data/mps?done=1").text
    for words in ("Ann &lt;Lee&gt;", "2 rows", "Joined by <b>Postcode</b>", "is in its place", "No newsletter looks"):
        assert words in page, words
    assert bring(house, MPS + b"M1 1AA;Cy\n", "/data/mps", "other.csv").status == 303
    assert file.read_bytes() == MPS + b"M1 1AA;Cy\n"
    assert "3 rows" in house.get("/data").text
    with house.studio.database.read() as connection:
        query = select(audit_log.c.subject).where(audit_log.c.action == "table saved")
        assert connection.execute(query).scalars().all() == ["table mps", "table mps"]


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "mps.csv", "No table was chosen"),
        (b"Postcode;MP\nA1;x\na 1;y\n", "mps.csv", "This postcode has two rows"),
        (b"Postcode\nA1\n", "mps.csv", "It has one column"),
        (b"%PDF", "mps.pdf", "This is no table"),
        (b"Postcode;MP\nA1;x\n", "../mps.csv", "303"),
        (b"Postcode;MP\nA1;x\n", "my table.csv", "A table can’t be called"),
    ],
)
def test_what_is_no_table_is_told_and_nothing_is_changed(house: House, data: bytes, name: str, words: str) -> None:
    reply = bring(house, data, name=name)
    assert words in (str(reply.status) if words == "303" else reply.text)
    assert not (house.workspace.root / "mps.csv").exists()
    assert (house.workspace.root / "data" / "mps.csv").exists() is (words == "303")


def test_a_table_of_people_is_private(house: House) -> None:
    assert bring(house, b"Email,Number\nada@example.org,M-1\n", name="members.csv").status == 303
    file = house.workspace.root / "data" / "private" / "members.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for path in ("/data", "/data/members"):
        text = house.get(path).text
        assert "names people" in text
        assert "ada@example.org" not in text
        assert "M-1" not in text


def test_who_may_not_write_may_not_look(house: House) -> None:
    cookie = house.sign_in(Role.VIEWER)
    for path in ("/data", f"/newsletters/{SLUG}/data"):
        assert house.get(path, cookie=cookie).status == 403
    assert bring(house, MPS, cookie=cookie).status == 403


def test_what_a_newsletter_takes_is_shown_beside_it(house: House) -> None:
    folder = house.workspace.newsletters / SLUG
    assert "takes nothing from elsewhere" in house.get(f"/newsletters/{SLUG}/data").text
    (folder / "f.xml").write_bytes(rss(item("Otters &lt;b&gt;return&lt;/b&gt;"), item("Salmon")))
    message = folder / "message.md"
    text = message.read_text(encoding="utf-8").replace(
        "list:", "data:\n  news: f.xml\n  far: https://localhost/f\nlist:", 1
    )
    message.write_text(text + "\n\n{{ data.news[0].title }}\n", encoding="utf-8")
    page = house.get(f"/newsletters/{SLUG}/data").text
    for words in ("Otters return", "Salmon", "data.far", "private network", "Read again"):
        assert words in page, words
    write = house.get(f"/newsletters/{SLUG}/").text
    assert "private network" in write
    assert house.post(f"/newsletters/{SLUG}/data", b"").status == 303
    message.write_text(text.replace("  far: https://localhost/f\n", ""), encoding="utf-8")
    write = house.get(f"/newsletters/{SLUG}/").text
    assert "Data in this mail" in write
    assert "Otters return · Salmon" in write

"""The mails to those who signed, in the studio: the thanks begun, written, switched off; the news of the delivery."""

from __future__ import annotations

from urllib.parse import urlencode

from mailer.staff.rights import Role
from tests.web.studio.conftest import HERE, SLUG, House
from tests.web.studio.petition.test_petition import log, petition

__all__ = ["petition"]  # the fixture
ROOM = f"{HERE}petition"


def press(house: House, path: str, role: Role = Role.WRITER, **fields: str) -> tuple[int, str]:
    reply = house.post(f"{ROOM}/{path}", urlencode(fields).encode(), cookie=house.sign_in(role))
    return reply.status, reply.headers.get("location", "") or reply.text


def test_the_mail_of_thanks_is_begun_written_and_switched_off(petition: House) -> None:
    file = petition.file.parent / "thanks.md"
    writer = petition.sign_in(Role.WRITER)
    assert "Nobody is thanked by mail yet" in petition.get(f"{ROOM}/thanks", cookie=writer).text
    assert press(petition, "thanks/begin", Role.VIEWER)[0] == 403
    assert press(petition, "thanks/begin") == (303, f"{ROOM}/thanks")
    first = file.read_text(encoding="utf-8")
    html = petition.get(f"{ROOM}/thanks", cookie=writer).text
    assert "things to be fixed" in html
    assert "was to be filled in" in html
    written = first.replace("[[", "").replace("]]", "")
    assert press(petition, "thanks", base=first.replace("\n", "\r\n"), text=written.replace("\n", "\r\n"))[0] == 303
    assert file.read_text(encoding="utf-8") == written
    assert "It goes to everybody who signs" in petition.get(f"{ROOM}/thanks", cookie=writer).text
    status, html = press(petition, "thanks", base=first, text=first + "Mine.\n")
    assert status == 409, "somebody saved it since"
    assert "Mine." in html
    assert file.read_text(encoding="utf-8") == written
    assert press(petition, "thanks/switch")[0] == 303
    assert "send: false\n" in file.read_text(encoding="utf-8")
    assert "It is switched off" in petition.get(f"{ROOM}/thanks", cookie=writer).text
    assert press(petition, "thanks/switch", on="1")[0] == 303
    assert file.read_text(encoding="utf-8") == written
    assert any(line.startswith("mail of thanks begun") for line in log(petition))


def test_it_is_shown_as_both_kinds_of_people_get_it(petition: House) -> None:
    press(petition, "thanks/begin")
    viewer = petition.sign_in(Role.VIEWER)
    named = petition.get(f"{ROOM}/thanks/mail?as=named", cookie=viewer)
    typed = petition.get(f"{ROOM}/thanks/mail?as=typed", cookie=viewer).text
    assert named.status == 200
    assert "sandbox" in named.headers["content-security-policy"]
    assert "Thank you, " in named.text
    assert "Thank you, " not in typed
    assert petition.get(f"{ROOM}/thanks/pictures/{'0' * 16}", cookie=viewer).status == 404
    (petition.file.parent / "thanks.md").write_text("broken", encoding="utf-8")
    assert "No mail yet" in petition.get(f"{ROOM}/thanks/mail", cookie=viewer).text


def test_those_who_signed_are_told_in_one_press(petition: House) -> None:
    writer = petition.sign_in(Role.WRITER)
    assert "Tell those who signed" not in petition.get(ROOM, cookie=writer).text
    assert press(petition, "delivered", day="2026-11-20")[0] == 303
    assert "Tell those who signed" in petition.get(ROOM, cookie=writer).text
    assert press(petition, "tell", Role.VIEWER)[0] == 403
    status, place = press(petition, "tell")
    assert status == 303
    slug = place.strip("/").rpartition("/")[2]
    text = (petition.file.parents[1] / slug / "message.md").read_text(encoding="utf-8")
    assert f'segment: signed("{SLUG}")' in text
    assert f"petition: {SLUG}\n" in text
    assert petition.get(place, cookie=writer).status == 200

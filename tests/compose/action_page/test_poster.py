"""What a page shows around its text: its pictures, who asks, the last day, the gift; each fault at its line."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from mailer.compose.action_page.parse import ActionPage, parse_action_page, read_action_page
from mailer.compose.action_page.poster import SHARED_BY, Amount, WhoAsks
from mailer.compose.action_page.versions import read_page_versions
from mailer.diagnostics import Diagnostic, Level
from mailer.errors import MailerError
from mailer.workspace import ACTION_FILE, Workspace


def png(width: int = 1200, height: int = 800, mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.new(mode, (width, height), "teal").save(out, "PNG")
    return out.getvalue()


def page(front: str, folder: Path | None = None) -> tuple[ActionPage | None, list[Diagnostic]]:
    text = f'---\nheadline: "Keep it"\nstatement: We ask you to keep it.\n{front}\n---\n\nIt is good.\n'
    return parse_action_page(text, slug="keep-it", file="action.md", lists={}, folder=folder)


def test_everything_a_poster_can_have(tmp_path: Path) -> None:
    for name in ("river.png", "clean.png", "face.png", "card.png"):
        (tmp_path / name).write_bytes(png() + name.encode())
    found, faults = page(
        "picture: river.png\nalt: A river\nthanks_picture: clean.png\nthanks_alt: A clean river\ncard: card.png\n"
        "asks: {name: Rhiannon Price, role: Campaigner, picture: face.png}\nto: the Secretary\ndeadline: 2027-01-12\n"
        "share_by: [signal, email]\noutcome: '*Won.*'\n"
        "next: {headline: Chip in, text: It helps., url: 'https://example.org/give', amounts: '£5, £2.50',"
        " amount_url: 'https://example.org/give?a={amount}'}",
        tmp_path,
    )
    assert faults == []
    assert found is not None
    poster = found.poster
    assert poster.picture is not None
    assert (poster.picture.name, poster.picture.alt, poster.picture.width) == ("river.png", "A river", 1200)
    assert poster.asks is not None
    assert (poster.asks.name, poster.asks.role) == ("Rhiannon Price", "Campaigner")
    assert poster.asks.picture is not None
    assert len({one.digest for one in poster.pictures}) == 4
    assert (poster.to, poster.deadline, poster.share_by) == ("the Secretary", date(2027, 1, 12), ("signal", "email"))
    assert poster.outcome_html == "<p><em>Won.</em></p>\n"
    assert found.next is not None
    assert (found.next.headline, found.next.label, found.next.text) == ("Chip in", "", "It helps.")
    assert found.next.amounts == (
        Amount("£5", "https://example.org/give?a=5"), Amount("£2.50", "https://example.org/give?a=2.50"),
    )  # fmt: skip


def test_a_page_needs_none_of_it() -> None:
    found, faults = page("")
    assert faults == []
    assert found is not None
    assert (found.poster.pictures, found.poster.asks, found.poster.deadline) == ([], None, None)
    assert found.poster.share_by == SHARED_BY
    assert not found.poster.is_closed(date(2999, 1, 1))


@pytest.mark.parametrize(
    ("front", "words"),
    [
        ("picture: none.png\nalt: x", "there is no picture 'none.png'"),
        ("picture: ../secret.png\nalt: x", "there is no picture '../secret.png'"),
        ("picture: https://example.org/x.png\nalt: x", "comes from another site"),
        ("picture: text.png\nalt: x", "is no picture that can be shown"),
        ("picture: [a]", "picture must be text"),
        ("picture: small.png\nalt: x", "the picture small.png is 300 pixels wide"),
        ("picture: wide.png", "picture has no words for people who can't see it"),
        ("asks: {role: Boss}", "asks has no name"),
        ("asks: Rhiannon", "asks must hold keys"),
        ("asks: {name: R, mail: x}", "unknown key asks.mail"),
        ("deadline: soon", "deadline must be a day"),
        ("deadline: 2027-13-01", "deadline must be a day"),
        ("deadline: 12", "deadline must be a day"),
        ("deadline: 2027-01-12 10:00:00", "deadline must be a day"),
        ("share_by: [signal, myspace]", "unknown in share_by: 'myspace'"),
        ("to: '{{ supporter.name }}'", "merge tags can't be used on a page"),
        ("to: |\n  a\n  b", "to must be on one line"),
        ("next: {url: 'https://example.org/', amounts: '5'}", "next.amount_url must say where {amount} goes"),
        ("next: {url: 'https://example.org/', amounts: few, amount_url: 'https://example.org/{amount}'}", "no number"),
        ("next: {url: 'https://example.org/', amounts: '5', amount_url: 'javascript:{amount}'}", "not a web address"),
        (
            "next: {url: 'https://example.org/', amounts: '1,2,3,4,5,6,7', amount_url: 'https://example.org/{amount}'}",
            "more than 6",
        ),
    ],
)
def test_each_fault_is_told_at_its_line(tmp_path: Path, front: str, words: str) -> None:
    (tmp_path / "small.png").write_bytes(png(300, 200))
    (tmp_path / "wide.png").write_bytes(png())
    (tmp_path / "text.png").write_text("no picture")
    _, faults = page(front, tmp_path)
    (fault,) = [one for one in faults if words in one.message]
    assert fault.place is not None
    assert fault.place.line in (4, 5)


def test_a_link_out_of_the_folder_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png())
    folder = tmp_path / "letter"
    folder.mkdir()
    (folder / "picture.png").symlink_to(tmp_path / "secret.png")
    _, faults = page("picture: picture.png\nalt: x", folder)
    assert [one.message for one in faults if one.level is Level.ERROR] == ["there is no picture 'picture.png'"]


def test_a_picture_is_measured_as_it_is_held(tmp_path: Path) -> None:
    turned = Image.new("RGB", (1200, 900))
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera was held upright
    turned.save(tmp_path / "turned.jpg", exif=exif)
    found, _ = page("picture: turned.jpg\nalt: x", tmp_path)
    assert found is not None
    assert found.poster.picture is not None
    assert (found.poster.picture.width, found.poster.picture.height) == (900, 1200)


def test_the_last_day_is_a_day_on_which_people_can_sign() -> None:
    found, _ = page("deadline: '2027-01-12'")
    assert found is not None
    assert not found.poster.is_closed(date(2027, 1, 12))
    assert found.poster.is_closed(date(2027, 1, 13))


MESSAGE = (
    "---\nsubject: s\nlist: supporters\npicture: mail.png\npicture_alt: A heron\naction: {action}\n---\n\nHello.\n"
)
PAGE = '---\nheadline: "Keep it"\nstatement: We ask you to keep it.\n{more}---\n\nIt is good.\n'


@pytest.mark.parametrize(
    ("action", "more", "button"),
    [
        ("{page: true, label: Sign for the river}", "", "Sign for the river"),
        ("{page: true, label: Sign for the river}", "button: Mine\n", "Mine"),
        ("{url: 'https://example.org/', label: Elsewhere}", "", ""),
        ("{page: true, label: 'Sign, {{ supporter.first_name }}'}", "", ""),
        ("nothing", "", ""),
    ],
)
def test_the_page_says_what_its_mail_says(workspace: Workspace, action: str, more: str, button: str) -> None:
    folder = workspace.newsletters / "river"
    folder.mkdir()
    (folder / "message.md").write_text(MESSAGE.replace("{action}", action))
    (folder / "mail.png").write_bytes(png())
    (folder / ACTION_FILE).write_text(PAGE.replace("{more}", more))
    found, _ = read_action_page(workspace.newsletter("river"))
    assert found.button == button
    assert found.poster.picture is not None
    assert (found.poster.picture.name, found.poster.picture.alt) == ("mail.png", "A heron")


def test_a_broken_mail_breaks_no_page(workspace: Workspace) -> None:
    folder = workspace.newsletters / "river"
    folder.mkdir()
    (folder / ACTION_FILE).write_text(PAGE.replace("{more}", ""))
    for text in ("no front matter", "---\nsubject: [\n---\n", "---\npicture: none.png\n---\n"):
        (folder / "message.md").write_text(text)
        assert read_action_page(workspace.newsletter("river"))[0].poster.picture is None


def test_a_missing_picture_stops_the_page(workspace: Workspace) -> None:
    folder = workspace.newsletters / "river"
    folder.mkdir()
    (folder / ACTION_FILE).write_text(PAGE.replace("{more}", "picture: none.png\nalt: x\n"))
    with pytest.raises(MailerError, match="has faults"):
        read_action_page(workspace.newsletter("river"))


def test_a_translation_says_its_own_words_and_takes_the_picture(workspace: Workspace) -> None:
    folder = workspace.newsletters / "river"
    folder.mkdir()
    for name in ("mail.png", "face.png"):
        (folder / name).write_bytes(png() + name.encode())
    (folder / "message.md").write_text(MESSAGE.replace("{action}", "{page: true, label: Sign for the river}"))
    (folder / "message.fr.md").write_text(
        "---\nsubject: s\npicture_alt: Un héron\naction: {label: Signez}\n---\n\nSalut.\n"
    )
    more = "to: the Secretary\ndeadline: 2027-01-12\nasks: {name: Ana, role: Reader, picture: face.png}\n"
    (folder / ACTION_FILE).write_text(PAGE.replace("{more}", more + "language: en\n"))
    french = folder / "action.fr.md"
    french.write_text(PAGE.replace("{more}", "to: la ministre\nasks: {role: Lectrice}\n"))
    found, _ = read_page_versions(workspace.newsletter("river"))
    one, other = found.pages[""], found.pages["fr"]
    assert (one.button, other.button) == ("Sign for the river", "Signez")
    assert (one.poster.to, other.poster.to) == ("the Secretary", "la ministre")
    assert one.poster.asks is not None
    assert other.poster.asks is not None
    assert (other.poster.asks.name, other.poster.asks.role) == ("Ana", "Lectrice")
    assert other.poster.asks.picture == one.poster.asks.picture
    assert one.poster.picture is not None
    assert other.poster.picture is not None
    assert (other.poster.picture.digest, other.poster.picture.alt) == (one.poster.picture.digest, "Un héron")
    assert other.poster.deadline == one.poster.deadline == date(2027, 1, 12)
    french.write_text(PAGE.replace("{more}", "deadline: 2027-02-01\n"))
    with pytest.raises(MailerError) as caught:
        read_page_versions(workspace.newsletter("river"))
    assert "deadline is the same in all languages" in str(caught.value.diagnostics)


def test_an_asker_may_have_a_name_alone() -> None:
    found, faults = page("asks: {name: Rhiannon Price}")
    assert faults == []
    assert found is not None
    assert found.poster.asks == WhoAsks("Rhiannon Price")

"""The brand on every page: the logo at twice its size, the icon of the tab, and that neither comes from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from mailer.settings import Brand, Organisation, Public, Settings
from mailer.web.pages.brand_pictures import LOGO, BrandFile, BrandLook, look_of
from mailer.web.pages.templates import Pages

DEEP = "#0b3845"


def saved(folder: Path, name: str, size: tuple[int, int], colour: str = "#ee6a45") -> str:
    Image.new("RGBA", size, colour).save(folder / name)
    return name


def look(root: Path, *, logo: str, logo_dark: str = "") -> BrandLook:
    brand = Brand(primary=DEEP, logo=logo, logo_dark=logo_dark)
    settings = Settings(root, Organisation("Clean River"), brand=brand)
    return look_of(settings, root="")


def picture(found: BrandLook, kind: str) -> tuple[BrandFile, Image.Image]:
    (file,) = [one for one in found.files if one.name.startswith(kind)]
    return file, Image.open(BytesIO(file.content))


def test_a_square_logo_is_shown_beside_the_name_and_is_the_icon(tmp_path: Path) -> None:
    found = look(tmp_path, logo=saved(tmp_path, "logo.png", (300, 300)))
    assert found.logo
    assert (found.logo.alone, found.logo.classes, found.logo.height) == (False, "", LOGO[1])
    file, icon = picture(found, "icon")
    assert (found.icon, icon.size, file.content_type) == (f"/brand/{file.name}", (180, 180), "image/png")


def test_a_wide_logo_is_shown_alone_and_the_icon_is_a_letter(tmp_path: Path) -> None:
    found = look(tmp_path, logo=saved(tmp_path, "logo.png", (1200, 200)))
    assert found.logo
    assert (found.logo.alone, found.logo.width <= LOGO[0]) == (True, True)
    (icon,) = [one for one in found.files if one.name.startswith("icon")]
    assert icon.content_type == "image/svg+xml"
    assert b">C</text>" in icon.content


@pytest.mark.parametrize(
    ("logo", "dark", "classes"),
    [("#0b3040", "", "tile"), ("#ffffff", "", ""), ("#0b3040", "#ffffff", ""), ("#ffffff00", "", "tile")],
)
def test_a_logo_that_is_lost_on_the_band_gets_a_tile(tmp_path: Path, logo: str, dark: str, classes: str) -> None:
    for_dark = saved(tmp_path, "dark.png", (64, 64), dark) if dark else ""
    found = look(tmp_path, logo=saved(tmp_path, "logo.png", (64, 64), logo), logo_dark=for_dark)
    assert found.logo
    assert found.logo.classes == classes


@pytest.mark.parametrize("written", ["https://cdn.example.net/logo.png", "gone.png", "../outside.png", "text.png"])
def test_a_logo_from_elsewhere_or_that_cannot_be_read_is_left_out(tmp_path: Path, written: str) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    saved(tmp_path, "outside.png", (64, 64))
    (folder / "text.png").write_text("no picture")
    found = look(folder, logo=written)
    assert found.logo is None
    assert len(found.files) == 1, "the icon"


def test_the_name_of_a_picture_changes_with_it(tmp_path: Path) -> None:
    one = look(tmp_path, logo=saved(tmp_path, "a.png", (64, 64))).icon
    assert look(tmp_path, logo=saved(tmp_path, "b.png", (64, 64), "#ffffff")).icon != one


def test_the_studio_has_them_in_the_page(tmp_path: Path) -> None:
    settings = Settings(tmp_path, Organisation("Clean River"), brand=Brand(logo=saved(tmp_path, "a.png", (64, 64))))
    pages = Pages(settings, inline=True)
    assert pages.look.files == ()
    assert pages.look.icon.startswith("data:image/png;base64,")
    assert "img-src data:;" in pages.policy


def test_they_are_below_the_path_of_the_public_address(tmp_path: Path) -> None:
    settings = replace(Settings(tmp_path), public=Public("https://example.org/mail"))
    assert Pages(settings).look.icon.startswith("/mail/brand/icon-")


def test_a_name_without_a_letter_has_an_icon(tmp_path: Path) -> None:
    for name, letter in (("", "@"), ("<…> ürün", "Ü"), ("أصدقاء", "أ")):
        (icon,) = look_of(Settings(tmp_path, Organisation(name)), root="").files
        assert f">{letter}</text>" in icon.content.decode()

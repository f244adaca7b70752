"""The fonts of pictures: the files are those that README.md speaks of, and each script is written with its own."""

from __future__ import annotations

import hashlib

import pytest
from PIL import Image, ImageDraw, ImageFont, features

from mailer.fonts import FOLDER, can_write, scripts_of, typeface

SAMPLES = {
    "Inter": ("13,482", "of 10,000", "Größe", "подписей", "υπογραφές", "Đã ký", "Ağ", "Łódź"),
    "NotoSansArabic": ("من 10,000", "أوقفوا", "ONU الآن"),
    "NotoSansDevanagari": ("हस्ताक्षर", "₹500 हैं"),
    "NotoSansHebrew": ("מתוך 10,000", "חתמו"),
}


def test_the_files_are_those_that_were_made() -> None:
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert sums == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.glob("*.ttf")}
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name.partition('-')[0]}-*.ttf`" in readme for name in sums)
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FOLDER / "OFL.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("bold", [True, False])
@pytest.mark.parametrize(("family", "text"), [(family, text) for family, texts in SAMPLES.items() for text in texts])
def test_every_letter_of_a_script_is_in_its_font(family: str, text: str, *, bold: bool) -> None:
    font = typeface(text, 40, bold=bold)
    assert str(font.path).endswith(f"{family}-{'ExtraBold' if bold else 'Regular'}.ttf")
    basic = ImageFont.truetype(font.path, 40, layout_engine=ImageFont.Layout.BASIC)

    def drawn(char: str) -> bytes:
        picture = Image.new("L", (120, 120))
        ImageDraw.Draw(picture).text((40, 40), char, font=basic, fill=255)
        return picture.tobytes()

    missing = drawn("\U000e0fff")
    assert [char for char in text if not char.isspace() and drawn(char) == missing] == []


def test_a_picture_holds_what_one_of_the_fonts_can_write() -> None:
    assert can_write("6,412 of 10,000 – «Größe»!")
    assert can_write("Підписали і sign")
    assert can_write("من 10,000 ONU") is (features.check("raqm") is True)
    for text in ("署名", "ลงชื่อ", "서명", "ያስገቡ", "أضف नाम"):
        assert not can_write(text)


def test_words_that_join_are_not_written_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    assert can_write("of 10,000")
    assert not can_write("من 10,000")
    assert not can_write("חתמו")


def test_digits_belong_to_their_script() -> None:
    assert scripts_of("10,000 – 5 %") == frozenset()
    assert scripts_of("١٠٬٠٠٠") == {"ARABIC"}
    assert scripts_of("۱۰٬۰۰۰") == {"ARABIC"}

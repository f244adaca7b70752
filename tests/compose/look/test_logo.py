"""The logo in a mail: sharp on every screen, alone or beside the name, and never lost on the brand's band."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from mailer.compose.look.logo import MailLogo, logos
from mailer.compose.source.images import Pictures
from mailer.workspace import Workspace

DEEP = "#0b3845"
OWN = {"logo": "logo.png"}


def shown(
    workspace: Workspace, size: tuple[int, int], colour: str, **brand: str
) -> tuple[MailLogo | None, MailLogo | None, Pictures]:
    Image.new("RGBA", size, colour).save(workspace.root / "logo.png")
    Image.new("RGBA", (300, 100), "#ffffff").save(workspace.root / "night.png")
    folder = workspace.newsletters / "x"
    folder.mkdir(exist_ok=True)
    pictures = Pictures(workspace.newsletter("x"))
    settings = replace(workspace.settings, brand=replace(workspace.settings.brand, **brand))
    return *logos(settings, pictures, deep=DEEP), pictures


@pytest.mark.parametrize(
    ("size", "drawn", "alone"),
    [
        ((112, 112), (36, 36), False), ((90, 180), (18, 36), False), ((180, 120), (36, 24), False),
        ((360, 72), (180, 36), True), ((2000, 100), (200, 10), True),
    ],
)  # fmt: skip
def test_it_is_drawn_small_enough_to_be_sharp(
    workspace: Workspace, size: tuple[int, int], drawn: tuple[int, int], alone: bool
) -> None:
    band, sheet, _ = shown(workspace, size, "#ff8855", **OWN)
    assert band is not None
    assert (band.width, band.height, band.alone, band.tile) == (*drawn, alone, False)
    assert band == sheet
    assert band.alt == ("Example Campaigns" if alone else "")


def test_one_that_would_be_lost_on_the_band_gets_a_white_tile(workspace: Workspace) -> None:
    band, sheet, _ = shown(workspace, (100, 100), "#0e4453", **OWN)
    assert band is not None
    assert sheet is not None
    assert (band.tile, sheet.tile) == (True, False)


def test_the_one_for_dark_grounds_is_on_the_band(workspace: Workspace) -> None:
    band, sheet, pictures = shown(workspace, (100, 100), "#0e4453", **OWN, logo_dark="night.png", logo_alt="We")
    assert band is not None
    assert sheet is not None
    assert (band.src.rpartition("/")[2], band.tile, band.alt, band.width) == ("night.png", False, "We", 108)
    assert sheet.src.endswith("/logo.png")
    assert [image.name for image in pictures.images] == ["logo.png", "night.png"]


def test_none_is_none_and_a_fault_is_told_once(workspace: Workspace) -> None:
    band, sheet, pictures = shown(workspace, (10, 10), "#ffffff")
    assert (band, sheet, pictures.faults) == (None, None, [])
    _, _, pictures = shown(workspace, (10, 10), "#ffffff", logo="missing.png")
    assert len(pictures.faults) == 1
    (workspace.root / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    band, _, pictures = shown(workspace, (10, 10), "#ffffff", logo="torn.png")
    assert band is not None
    assert band.tile

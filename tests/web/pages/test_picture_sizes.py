"""The pictures of a page in its sizes: never larger than asked for, upright, and without what a camera noted."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from mailer.compose.action_page.page_pictures import PagePicture
from mailer.web.pages.picture_sizes import FACE_WIDTHS, JPEG, NAME, WEBP, WIDTHS, made, sized


def photo(width: int, height: int, **options: object) -> bytes:
    out = BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG", **options)  # pyright: ignore[reportArgumentType]
    return out.getvalue()


@pytest.mark.parametrize("ending", [WEBP, JPEG])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_picture_is_made_smaller_and_never_larger(width: int, ending: str) -> None:
    for have in (2600, 300):
        with Image.open(BytesIO(made(photo(have, have // 2), width, ending))) as found:
            assert found.size == (min(have, width), min(have, width) // 2)
            assert found.format == {WEBP: "WEBP", JPEG: "JPEG"}[ending]


def test_where_it_was_taken_is_left_out_and_it_is_held_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "taken at Maria's house"
    for ending in (WEBP, JPEG):
        content = made(photo(1000, 500, exif=exif), 480, ending)
        assert b"Maria" not in content
        with Image.open(BytesIO(content)) as found:
            assert found.size == (480, 960)
            assert not found.getexif()


def test_what_is_transparent_is_white_as_jpeg() -> None:
    out = BytesIO()
    Image.new("RGBA", (600, 400), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(BytesIO(made(out.getvalue(), 480, JPEG))) as found:
        assert found.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(("width", "there"), [(2000, list(WIDTHS)), (900, [480, 800]), (320, [480])])
def test_only_widths_that_the_picture_has_are_offered(width: int, there: list[int]) -> None:
    found = sized(PagePicture("river.png", "A river", "0123456789abcdef", width, 600), "/act/river/picture")
    assert found is not None
    offered = [one.rpartition(" ") for one in found.webp.split(", ")]
    assert [int(width.removesuffix("w")) for _, _, width in offered] == there
    assert all(NAME.fullmatch(address.rpartition("/")[2]) for address, _, _ in offered)
    assert NAME.fullmatch(found.src.rpartition("/")[2])
    assert (found.alt, found.width, found.height) == ("A river", width, 600)


def test_a_page_without_a_picture_has_none() -> None:
    assert sized(None, "/act/river/picture") is None
    assert NAME.fullmatch(f"0123456789abcdef-{FACE_WIDTHS[0]}.webp")
    assert not NAME.fullmatch("0123456789abcdef-5000.webp"), "nobody makes us draw what no page shows"

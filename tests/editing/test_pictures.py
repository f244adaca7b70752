"""Uploaded pictures: what is kept of them is small, upright, without the camera's notes, and named by its content."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mailer.editing.pictures import MOST_BYTES, MOST_UPLOADED, prepare_picture, save_picture
from mailer.errors import MailerError
from mailer.staff.actor import Actor, NotAllowed, terminal
from mailer.workspace import Workspace


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    written = BytesIO()
    picture.save(written, kind, **options)  # pyright: ignore[reportArgumentType]
    return written.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture that compresses badly."""
    size = width * height * len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (width, height), random.Random(1).randbytes(size))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_every_kind_that_people_have_becomes_one_that_mails_show(kind: str) -> None:
    found = prepare_picture(encoded(Image.new("RGB", (2400, 1200), "teal"), kind))
    assert (found.width, found.height) == (1200, 600)
    read = Image.open(BytesIO(found.data))
    assert read.size == (1200, 600)
    assert read.format in ("PNG", "JPEG")
    assert found.name == f"{hashlib.sha256(found.data).hexdigest()[:16]}.{'png' if read.format == 'PNG' else 'jpg'}"


def test_a_small_picture_is_not_blown_up() -> None:
    found = prepare_picture(encoded(Image.new("RGB", (300, 200)), "PNG"))
    assert (found.width, found.height) == (300, 200)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_what_is_kept_is_never_over_a_megabyte(mode: str) -> None:
    found = prepare_picture(encoded(noise(2000, 2000, mode), "PNG", compress_level=1))
    assert len(found.data) <= MOST_BYTES
    assert Image.open(BytesIO(found.data)).mode == mode


def test_the_cameras_notes_go_and_its_turn_is_kept() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "Camera of Ada"
    exif.get_ifd(0x8825)[2] = (52.0, 3.0, 0.0)  # where it was taken
    data = encoded(noise(400, 200), "JPEG", exif=exif, comment=b"secret")
    found = prepare_picture(data)
    assert (found.width, found.height) == (200, 400)
    assert b"Camera of Ada" in data
    assert b"Camera of Ada" not in found.data
    assert b"secret" not in found.data
    assert not Image.open(BytesIO(found.data)).getexif()


def test_what_is_see_through_stays_so() -> None:
    found = prepare_picture(encoded(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), "WEBP", lossless=True))
    assert found.name.endswith(".png")
    pixel = Image.open(BytesIO(found.data)).convert("RGBA").getpixel((0, 0))
    assert isinstance(pixel, tuple)
    assert pixel[3] == 0


def test_a_moving_picture_goes_on_moving() -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0, comment=b"Ada")
    found = prepare_picture(data)
    read = Image.open(BytesIO(found.data))
    assert found.name.endswith(".gif")
    assert getattr(read, "n_frames", 1) == 3
    assert read.info["duration"] == 200
    assert b"Ada" not in found.data


def test_a_moving_picture_that_is_too_large_is_refused() -> None:
    frames = [Image.new("RGB", (1300, 10), colour) for colour in ("red", "green")]
    with pytest.raises(MailerError, match="moving"):
        prepare_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))


def bomb() -> bytes:
    """A PNG of a few bytes that claims 40,000 × 40,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


REFUSED: dict[str, Callable[[], bytes]] = {
    "bomb": bomb,
    "large file": lambda: b"\xff" * (MOST_UPLOADED + 1),
    "nothing": lambda: b"",
    "text": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
    "cut off": lambda: encoded(noise(300, 300), "PNG")[:2000],
    "another kind": lambda: encoded(Image.new("RGB", (9, 9)), "TIFF"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_picture_for_a_mail_is_refused_with_a_remedy(kind: str) -> None:
    with pytest.raises(MailerError) as refused:
        prepare_picture(REFUSED[kind]())
    assert refused.value.remedy


@given(cut=st.integers(0, 400), flip=st.integers(0, 399), kind=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]))
@settings(deadline=None, max_examples=60)
def test_a_damaged_file_is_read_or_refused(cut: int, flip: int, kind: str) -> None:
    data = bytearray(encoded(noise(12, 12), kind))
    data[flip % len(data)] ^= 0x55
    try:
        found = prepare_picture(bytes(data[: len(data) - cut % len(data)]))
    except MailerError:
        return
    assert Image.open(BytesIO(found.data)).size == (found.width, found.height)


def test_the_same_picture_twice_is_one_file(workspace: Workspace) -> None:
    folder = workspace.newsletters / "ours"
    folder.mkdir()
    picture = prepare_picture(encoded(Image.new("RGB", (30, 20), "red"), "PNG"))
    for _ in range(2):
        save_picture(workspace, terminal(), "ours", picture)
    (path,) = folder.iterdir()
    path.write_bytes(b"other")
    save_picture(workspace, terminal(), "ours", picture)
    assert path.read_bytes() == picture.data


def test_a_picture_is_refused_without_the_right_and_without_a_newsletter(workspace: Workspace) -> None:
    picture = prepare_picture(encoded(Image.new("RGB", (30, 20)), "PNG"))
    with pytest.raises(NotAllowed):
        save_picture(workspace, Actor("viewer", frozenset()), "ours", picture)
    with pytest.raises(MailerError, match="newsletter"):
        save_picture(workspace, terminal(), "missing", picture)

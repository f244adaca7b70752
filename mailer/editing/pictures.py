"""A picture somebody uploads → the file beside the message: scaled, re-encoded, named by its content.

What comes from a camera or the web is never kept as it came: it may be huge, tell where it was taken (EXIF), or be
something else behind a picture's name. So its pixels are read and written again. Mail programs show PNG, JPEG and GIF;
WebP is taken in and becomes one of them. Moving GIFs are refused where they would have to shrink: scaling each
frame ruins them.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from mailer.editing.files import write_file
from mailer.errors import MailerError
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import Workspace

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
ENDINGS = {"PNG": "png", "JPEG": "jpg", "GIF": "gif"}
SHOWN_WIDTH = 600  # pixels in which mails show a picture; twice that is sharp on every screen
MOST_BYTES = 1_000_000  # of a picture in a mail
MOST_UPLOADED = 30_000_000  # bytes; a camera's largest pictures
MOST_PIXELS = 100_000_000  # decoded, about 300 MB; a small file can claim many more (a decompression bomb)
QUALITIES = (85, 75, 65, 55)


@dataclass(frozen=True, slots=True)
class MailPicture:
    """A picture ready to be mailed. `name` is that of its file, made of its content."""

    name: str
    data: bytes
    width: int
    height: int


def prepare_picture(data: bytes, *, shown_width: int = SHOWN_WIDTH) -> MailPicture:
    """The picture as it is to be mailed, at most twice `shown_width` pixels wide and `MOST_BYTES` long.

    Raises `MailerError`, for people, when it is no picture, or one that can't be made so.
    """
    if len(data) > MOST_UPLOADED:
        raise MailerError("this file is larger than 30 MB", remedy="Choose a smaller picture.")
    from PIL import Image as Pillow  # here, since only uploads need it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # the bound below is ours
        try:
            opened = Pillow.open(BytesIO(data), formats=FORMATS)
        except Exception as error:
            raise _unreadable() from error
        with opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise MailerError("this picture has more than 100 million pixels", remedy="Choose a smaller one.")
            if getattr(opened, "is_animated", False) and opened.format == "GIF":
                return _moving(data, opened, shown_width)
            try:
                upright = _upright(opened)
            except Exception as error:
                raise _unreadable() from error
    return _fitting(upright, 2 * shown_width)


def save_picture(workspace: Workspace, actor: Actor, slug: str, picture: MailPicture) -> None:
    """Put the picture beside a newsletter's text. The same picture twice is one file."""
    actor.require(Right.WRITE)
    path = workspace.newsletter(slug).folder / picture.name
    if not path.is_file() or path.read_bytes() != picture.data:
        write_file(path, picture.data, within=workspace.newsletters)


def _unreadable() -> MailerError:
    return MailerError("this file is no picture that can be read", remedy="Choose a PNG, JPEG, GIF or WebP.")


def _upright(opened: Image) -> Image:
    """The pixels alone, turned as the camera was held, in sRGB's own three or four channels."""
    from PIL import ImageOps

    turned = ImageOps.exif_transpose(opened)
    transparent = "A" in turned.getbands() or "transparency" in turned.info
    plain = turned.convert("RGBA" if transparent else "RGB")
    if transparent and plain.getchannel("A").getextrema() == (255, 255):
        plain = plain.convert("RGB")
    plain.info.clear()
    return plain


def _fitting(picture: Image, widest: int) -> MailPicture:
    """The best of what is small enough, smaller and smaller until something is."""
    width = min(picture.width, widest)
    while True:
        scaled = _scaled(picture, width)
        for kind, options in _ways(scaled):
            data = _encoded(scaled, kind, options)
            if len(data) <= MOST_BYTES:
                return _named(data, kind, scaled)
        width = width * 3 // 4
        if width < 16:
            raise MailerError("this picture can't be made small enough", remedy="Choose another one.")


def _scaled(picture: Image, width: int) -> Image:
    from PIL import Image as Pillow

    if width >= picture.width:
        return picture
    return picture.resize((width, max(1, round(picture.height * width / picture.width))), Pillow.Resampling.LANCZOS)


def _ways(picture: Image) -> list[tuple[str, dict[str, object]]]:
    """How to write it: a drawing or what is see-through as PNG, all else as JPEG, finest first."""
    png: list[tuple[str, dict[str, object]]] = [("PNG", {"optimize": True})]
    if picture.mode == "RGBA":
        return png
    jpeg: list[tuple[str, dict[str, object]]] = [
        ("JPEG", {"quality": quality, "optimize": True, "progressive": True}) for quality in QUALITIES
    ]
    drawing = picture.getcolors(maxcolors=4096) is not None
    return png + jpeg if drawing else jpeg


def _encoded(picture: Image, kind: str, options: dict[str, object]) -> bytes:
    written = BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def _moving(data: bytes, opened: Image, shown_width: int) -> MailPicture:
    """A GIF that moves, written again frame by frame; only one that is small enough already."""
    from PIL import Image as Pillow
    from PIL import ImageSequence

    frames_pixels = opened.width * opened.height * int(getattr(opened, "n_frames", 1))
    if opened.width > 2 * shown_width or len(data) > MOST_BYTES or frames_pixels > MOST_PIXELS:
        remedy = f"Make it at most {2 * shown_width} pixels wide and 1 MB, or use a picture that doesn't move."
        raise MailerError("this moving picture is too large for a mail", remedy=remedy)
    try:
        frames = [frame.copy() for frame in ImageSequence.Iterator(opened)]
        durations = [int(frame.info.get("duration", 100)) for frame in frames]
        loop = opened.info.get("loop")
        written = BytesIO()
        options: dict[str, object] = {} if loop is None else {"loop": loop}
        for frame in frames:
            frame.info.pop("comment", None)
        frames[0].save(
            written, "GIF", save_all=True, append_images=frames[1:], duration=durations, disposal=2, **options
        )  # fmt: skip
    except (Pillow.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise _unreadable() from error
    if written.tell() > MOST_BYTES:
        raise MailerError("this moving picture is too large for a mail", remedy="Use one that doesn't move.")
    return _named(written.getvalue(), "GIF", frames[0])


def _named(data: bytes, kind: str, picture: Image) -> MailPicture:
    name = f"{hashlib.sha256(data).hexdigest()[:16]}.{ENDINGS[kind]}"
    return MailPicture(name, data, picture.width, picture.height)

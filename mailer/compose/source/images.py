"""Pictures beside a message: found, measured, named by their content, and given their public address.

Serving them is for the web; keeping their bytes with a launched campaign is for `delivery` (`read_image`).
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, unquote

from mailer.compose.message import Image
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError
from mailer.workspace import Newsletter

HEAVY_BYTES = 1_048_576  # beyond a mebibyte a picture is slow on a phone; react-email's checker draws the same line
LARGEST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """Where readers fetch it, and its width in pixels where the file is ours."""

    src: str
    width: int | None = None


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a picture's file says of itself."""

    width: int  # pixels, as is the height
    height: int
    moves: bool  # a GIF or PNG of several frames


class Pictures:
    """The pictures of one message, each once."""

    def __init__(self, newsletter: Newsletter) -> None:
        self.newsletter = newsletter
        self.public_url = newsletter.workspace.settings.public.url
        self.faults: list[Diagnostic] = []
        self._images: dict[tuple[str, str], Image] = {}

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures found so far, in a stable order."""
        return tuple(self._images[key] for key in sorted(self._images))

    def add(self, written: str, place: Place, *, of_workspace: bool = False) -> Picture:
        """The picture `written`: a path relative to the message (or the workspace), or an http(s) address."""
        lowered = written.lower()
        if lowered.startswith(("http://", "https://")):
            if not written.startswith(f"{self.public_url}/"):
                self._fault(f"the picture {written} comes from another site", place,
                            "That site learns who opens the mail and when. Put the file beside the message.",
                            level=Level.WARNING, rule="pictures.elsewhere")  # fmt: skip
            return Picture(written)
        base = self.newsletter.workspace.root if of_workspace else self.newsletter.folder
        path = (base / unquote(written)).resolve()
        if ":" in written.split("/", 1)[0] or not path.is_relative_to(base.resolve()):
            self._fault(f"{written!r} is not a picture of this message", place, "Put the file beside the message.")
            return Picture("")
        if not path.is_file():
            near = ", ".join(
                sorted(p.name for p in base.glob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".gif"))
            )
            self._fault(f"there is no picture {written!r}", place, f"There is: {near}." if near else "")
            return Picture("")
        return self._known(path, path.relative_to(base.resolve()).as_posix(), place)

    def _known(self, path: Path, name: str, place: Place) -> Picture:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            self._fault(f"the picture {name} is {size:,} bytes", place, "Make it smaller than 1 MB.")
            return Picture("")
        data = path.read_bytes()
        kind = content_type(data)
        if kind is None:
            self._fault(
                f"{name} is not a PNG, JPEG or GIF", place, "Many mail programs show nothing else: save it as one."
            )
            return Picture("")
        if size > HEAVY_BYTES:
            self._fault(
                f"the picture {name} is {size:,} bytes",
                place,
                "Make it smaller than 1 MB.",
                level=Level.WARNING,
                rule="pictures.heavy",
            )
        image = Image(name, hashlib.sha256(data).hexdigest()[:16], kind)
        self._images[name, image.digest] = image
        facts = look(data)
        return Picture(address(image, self.public_url), facts.width if facts else None)

    def _fault(
        self, message: str, place: Place, remedy: str = "", *, level: Level = Level.ERROR,
        rule: str = "pictures.missing",
    ) -> None:  # fmt: skip
        self.faults.append(Diagnostic(message, place, remedy, level, rule))


def address(image: Image, public_url: str) -> str:
    """Where `mailer serve` gives the picture out."""
    return f"{public_url}/i/{image.digest}/{quote(Path(image.name).name)}"


def read_image(image: Image, newsletter: Newsletter) -> bytes:
    """The bytes of a compiled message's picture; raises when the file has changed or gone since."""
    for base in (newsletter.folder, newsletter.workspace.root):
        path = base / image.name
        if path.is_file():
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest()[:16] == image.digest:
                return data
    raise MailerError(f"the picture {image.name} has changed or gone", remedy="Check the message again: mailer check")


def content_type(data: bytes) -> str | None:
    """The type that the file's first bytes tell, or None when it is none that mail programs show."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/gif" if data.startswith((b"GIF87a", b"GIF89a")) else None


def look(data: bytes) -> PictureFacts | None:
    """What a PNG, JPEG or GIF states of itself, without its pixels; None when it states nothing that can be read."""
    from PIL import Image as PillowImage  # here, since most messages have no picture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PillowImage.DecompressionBombWarning)  # nothing is decompressed
        try:
            with PillowImage.open(BytesIO(data), formats=("PNG", "JPEG", "GIF")) as picture:
                return PictureFacts(picture.width, picture.height, bool(getattr(picture, "is_animated", False)))
        except Exception:  # noqa: BLE001 - a broken file makes its readers there stumble in every way
            return None

"""What the preview shows at one moment, gathered: the newest mail, its reader, what was found; pages arrange it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from starlette.requests import Request

from mailer.compose.warnings import CLIPPED_BYTES
from mailer.diagnostics import Diagnostic, Level
from mailer.errors import MailerError
from mailer.web.studio.live_compile import LiveNewsletter, Showing, VersionFindings
from mailer.web.studio.middleware import Keys
from mailer.web.studio.preview import inbox_line
from mailer.web.studio.preview.findings import remarks
from mailer.web.studio.preview.person_mail import Header, PersonMail, headers_of
from mailer.web.studio.preview.sample_readers import BY_KEY, HARD_CASES, Reader, reader_of, search
from mailer.web.studio.preview.source_view import ShownFile, message_file, read_source_file
from mailer.web.studio.preview.tabs import View
from mailer.web.studio.proof import ProofResult


@dataclass(frozen=True, slots=True)
class Studio:
    """The parts of one running studio."""

    desk: LiveNewsletter
    keys: Keys
    clock: Callable[[], datetime]
    stopping: threading.Event = field(default_factory=threading.Event)


def studio_of(request: Request) -> Studio:
    """The studio a request came to."""
    return cast(Studio, request.app.state.studio)


@dataclass(frozen=True, slots=True)
class Size:
    """How heavy a mail is."""

    html_bytes: int
    mail_bytes: int

    @property
    def share(self) -> float:
        """The HTML's size as a share of what Gmail shows before it clips a mail."""
        return self.html_bytes / CLIPPED_BYTES


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything one page needs."""

    view: View
    mark: str
    showing: Showing
    noted: VersionFindings
    remarks: tuple[Diagnostic, ...]
    reader: Reader
    found: Sequence[Reader]
    letter: PersonMail | None
    headers: Sequence[Header]
    size: Size | None
    lines: Sequence[inbox_line.Line]
    file: ShownFile | None
    files: Sequence[tuple[str, str]]  # key and label of what Source can show
    told: ProofResult | None = None

    @property
    def faults(self) -> int:
        return sum(remark.stops for remark in self.remarks)

    @property
    def warnings(self) -> int:
        return sum(remark.level is Level.WARNING and not remark.waived for remark in self.remarks)


def scene(studio: Studio, view: View, told: ProofResult | None = None) -> Scene:
    """The page for `view`. It reads the database and may compile, so call it in a thread."""
    desk = studio.desk
    mark = desk.mark()
    showing, noted = desk.look(), desk.noted
    trouble: tuple[Diagnostic, ...] = ()
    reader, found = reader_of_hard(view), []
    try:
        with desk.database.read() as connection:
            reader = reader_of(connection, view.reader)
            if view.words:
                wanted = showing.prepared.plan.audience if showing.prepared else None
                found = search(connection, view.words, wanted, now=studio.clock())
    except MailerError as error:
        trouble = error.diagnostics
    letter, headers, size = None, [], None
    if showing.press:
        letter = showing.press.letter(reader.supporter, now=studio.clock())
        if view.tab.name == "headers":
            try:
                mail = showing.press.mail(letter)
                headers, size = headers_of(mail), Size(len(letter.html.encode()), len(mail))
            except MailerError as error:
                trouble += error.diagnostics
    root = showing.workspace.root
    files = [(message_file(root, desk.slug), "Message"), ("html", "HTML as mailed")]
    return Scene(
        view=view, mark=mark, showing=showing, noted=noted, remarks=(*remarks(trouble), *noted.remarks),
        reader=reader, found=found, letter=letter, headers=headers, size=size,
        lines=_lines(letter), file=_file(view, letter, showing, files), files=files, told=told,
    )  # fmt: skip


def reader_of_hard(view: View) -> Reader:
    """A sample reader while the database can't be asked."""
    return BY_KEY.get(view.reader, HARD_CASES[0])


def _lines(letter: PersonMail | None) -> list[inbox_line.Line]:
    if letter is None:
        return []
    return inbox_line.lines(sender=letter.sender, subject=letter.subject, preheader=letter.preheader, text=letter.text)


def _file(
    view: View, letter: PersonMail | None, showing: Showing, files: Sequence[tuple[str, str]]
) -> ShownFile | None:
    if view.tab.name != "source":
        return None
    if view.file == "html":
        return ShownFile("html", tuple(letter.html.splitlines())) if letter else None
    return read_source_file(showing.workspace.root, view.file or files[0][0])

"""The bundle that a group hands in: cover letter, statement word for word, names, method of counting, and the SHA-256
of each file, as a folder or one .zip. Only its owner can read it.

How a page of it looks is for `bundle_pdf`, its words are in `bundle_words`.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from mailer.audience.petition.bundle_pdf import MOST_NAMES, PrintedPetition, print_petition
from mailer.audience.petition.bundle_words import LETTER, CountedSignatures, filled_letter, letter_faults, method
from mailer.audience.petition.signatures_csv import (
    by_consent,
    export_signatures,
    own_columns,
    signatures_of,
    statement_text,
    wordings,
)
from mailer.compose.action_page.parse import ActionPage
from mailer.compose.source.text_file import read_text
from mailer.errors import MailerError, raise_errors
from mailer.locale.language import choose
from mailer.private_files import FILE, open_private, private_folder
from mailer.settings import Organisation
from mailer.store.tables.inbound import signatures
from mailer.workspace import Newsletter

LETTER_FILE = "cover-letter.md"  # in the newsletter's folder: the group's own
PDF, CSV, STATEMENT, LETTER_TEXT, METHOD, SUMS = (
    "petition.pdf", "signatures.csv", "statement.txt", "cover-letter.txt", "method.txt", "SHA256SUMS",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of a bundle in their order, by name, and what a person should know of them."""

    files: Mapping[str, bytes]
    counted: CountedSignatures
    not_printed: int  # names in letters that the fonts of the PDF don't have; they are in the CSV
    left_to_csv: bool  # there were too many names to print
    own_letter: bool
    own_left_out: Sequence[str] = ()  # questions whose answers are not passed on

    @property
    def sums(self) -> Mapping[str, str]:
        """The SHA-256 of each file, in hex."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}


def make_bundle(
    connection: Connection,
    newsletter: Newsletter,
    page: ActionPage,
    *,
    organisation: Organisation,
    full_names: bool,
    at: datetime,
) -> Bundle:
    """What is handed in of a page's petition, counted now. Raises `MailerError` with all faults of the cover letter, or
    when nobody has signed."""
    texts, counted = wordings(connection, page.slug), _counted(connection, page.slug)
    if not counted.total:
        raise MailerError(f"nobody has signed {page.slug} yet", remedy=f"See who does: mailer signatures {page.slug}")
    language = choose(page.language)
    written, said = _letter(newsletter), language.say(LETTER)
    letter = filled_letter(written or said, {
        "signatures": language.number(counted.total), "headline": page.headline, "organisation": organisation.name,
        "date": language.day(at),
    })  # fmt: skip
    how = list(method(counted, language, full_names=full_names, at=at))
    own = own_columns(connection, page.slug, [one.field for one in page.own], everything=False, since=None)
    table = io.StringIO(newline="")
    export_signatures(connection, page.slug, table, texts=texts, own=own, masked=not full_names)
    files = {
        CSV: table.getvalue().encode("utf-8-sig"),  # Excel takes a CSV without the mark for its own old alphabet
        STATEMENT: statement_text(page.slug, texts).encode(), LETTER_TEXT: letter.encode(),
        METHOD: "".join(f"{line}\n" for line in how).encode(),
    }  # fmt: skip
    names = () if counted.named > MOST_NAMES else signatures_of(connection, page.slug)
    printed = print_petition(
        PrintedPetition(
            headline=page.headline, organisation=organisation, language=language, letter=letter, at=at, method=how,
            statements=[(one.text, one.signatures) for one in texts], counted=counted, csv=CSV,
            sums=[(name, hashlib.sha256(files[name]).hexdigest()) for name in (CSV, STATEMENT)],
        ),
        (by_consent(row) if not full_names else row for row in names),
    )  # fmt: skip
    files = {PDF: printed.pdf, **files}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    return Bundle(
        {**files, SUMS: sums.encode()}, counted, printed.not_printed, printed.left_to_csv, written is not None,
        own.left_out,
    )  # fmt: skip


def write_bundle(bundle: Bundle, out: Path, *, at: datetime) -> None:
    """Write it to `out`, a .zip or else a folder, whole or not at all. Raises `MailerError`, also when something
    is there: what was handed in is kept."""
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MailerError(f"{out} is there already", remedy="Name a folder or a .zip that is not there.")
    try:
        if out.suffix.lower() == ".zip":
            with open_private(unfinished, "wb") as file:
                file.write(zipped(bundle, at=at))
            unfinished.replace(out)
            return
        private_folder(unfinished)
        for name, content in bundle.files.items():
            with open_private(unfinished / name, "wb") as file:
                file.write(content)
        unfinished.replace(out)
    except OSError as error:
        raise MailerError(f"{out} can't be written: {error.strerror}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.unlink(missing_ok=True)


def zipped(bundle: Bundle, *, at: datetime) -> bytes:
    """The bundle as one .zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in bundle.files.items():
            entry = zipfile.ZipInfo(name, at.timetuple()[:6])
            entry.external_attr, entry.compress_type = FILE << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return packed.getvalue()


def _letter(newsletter: Newsletter) -> str | None:
    """The group's own letter; None when there is none. Raises `MailerError` with its faults."""
    path, file = newsletter.folder / LETTER_FILE, newsletter.place(LETTER_FILE)
    if not path.is_file():
        return None
    text, faults = read_text(path, file=file)
    faults += letter_faults(text or "", file=file)
    raise_errors(f"The cover letter of {newsletter.slug} has faults:", faults)
    return text


def _counted(connection: Connection, page: str) -> CountedSignatures:
    of = signatures.c
    query = select(func.count(), func.count(of.campaign_id), func.count(of.person_id)).where(of.page == page)
    return CountedSignatures(*connection.execute(query).one())

"""The text of a file that people write: UTF-8, within bounds, without what mail has no place for."""

from __future__ import annotations

import re
from pathlib import Path

from mailer.diagnostics import Diagnostic, Level, Place

LARGEST_BYTES = 1_000_000
# git-merge: "How conflicts are presented". Its ======= is left out: that underlines a heading, too.
CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7})(?: |$)")
# Word processors paste these (U+000B stands for a line break); mail and XML have no place for them.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufdd0-\ufdef\ufffe\uffff\u2028\u2029]")


def read_text(path: Path, *, file: str) -> tuple[str | None, list[Diagnostic]]:
    """The file's text: UTF-8, line ends as \\n, control characters gone (each line of them a warning). None with the
    reason when it can't be read."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as error:  # a save or git exchanges it at this moment, or its rights are wrong
        remedy = "See that the file is there and that you may read it, then try again."
        return None, [Diagnostic(f"the file can't be read: {error.strerror}", Place(file), remedy)]
    if size > LARGEST_BYTES:
        remedy = "Put pictures beside the message and name them: ![What it shows](picture.jpg)"
        return None, [Diagnostic(f"the message is {size:,} bytes, more than {LARGEST_BYTES:,}", Place(file), remedy)]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, [Diagnostic("this is not UTF-8 text", Place(file, line), "Save the file with the encoding UTF-8.")]
    return cleaned(text, file=file)


def cleaned(text: str, *, file: str) -> tuple[str, list[Diagnostic]]:
    """The text with line ends as \\n and without control characters; each line that had some is a warning."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    told = [
        Diagnostic("invisible control characters were left out", Place(file, number), level=Level.WARNING)
        for number, line in enumerate(text.split("\n"), 1)
        if CONTROL.search(line)
    ]
    return CONTROL.sub("", text), told


def merge_conflicts(text: str, *, file: str, first_line: int = 1) -> list[Diagnostic]:
    """The marks of a merge that nobody resolved, in a text that begins at `first_line` of its file."""
    return [
        Diagnostic("git left two versions here, one above the other", Place(file, number),
                   "Keep one of them, and take the lines of <<<, === and >>> out.")
        for number, line in enumerate(text.split("\n"), first_line)
        if CONFLICT.match(line)
    ]  # fmt: skip

"""Reads the TOML files that staff write, and tells where in them something is. What they may say is for others."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailer.diagnostics import Place
from mailer.errors import MailerError

HINT = 'Texts go in quotes: name = "text". A section begins with its name in brackets: [name].'
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")  # how the parser ends its words


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file as it was read."""

    file: str  # as its reader names it
    text: str
    data: dict[str, Any]

    def place(self, section: str | None, key: str | None) -> Place:
        """The line of `key` in `[section]`, or of the section; as well as a look at each line can tell."""
        current: str | None = None
        for number, line in enumerate(self.text.splitlines(), start=1):
            bare = line.strip()
            if bare.startswith("["):
                current = bare.partition("#")[0].strip().strip("[]").strip()
                if current == section and key is None:
                    return Place(self.file, number)
            elif current == section and key is not None and bare.partition("=")[0].strip() == key:
                return Place(self.file, number)
        return Place(self.file)

    def key(self, name: str) -> Place:
        """The line of something on the file's first level, be it a value or a section."""
        found = self.place(None, name)
        return self.place(name, None) if found.line is None else found


def read_toml(path: Path, file: str, *, secret: bool = False) -> TomlFile:
    """Raises `MailerError` with the line and the remedy. The parser's words may quote the line: not with
    `secret`."""
    return toml_of(path.read_bytes(), file, secret=secret)


def toml_of(data: bytes, file: str, *, secret: bool = False) -> TomlFile:
    """The same of what a file would hold."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MailerError(
            "this is not UTF-8 text", place=Place(file, line), remedy="Save the file with the encoding UTF-8."
        ) from None
    try:
        return TomlFile(file, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        words = "" if secret else f": {_AT.sub('', str(error))}"
        line = int(at[1] or len(text.splitlines())) if at else None
        raise MailerError(f"this is not valid TOML{words}", place=Place(file, line), remedy=HINT) from None

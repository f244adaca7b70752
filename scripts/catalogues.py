"""Brings the words of pages, notices, mails and checks into the catalogues: new ones untranslated, dropped ones out.

python -m scripts.catalogues          # then translate what is new; a test finds what was left
python -m scripts.catalogues pt_BR    # the same, and begins a language
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from mailer.locale.language import CATALOGUES
from mailer.petition_fields.table import FIELDS

PACKAGE = Path(__file__).parents[1] / "mailer"
METHODS = [
    ("audience/petition/bundle_words.py", "python"),
    ("checking/rules/**.py", "python"),
    ("compose/source/labels.py", "python"),
    ("web/public/**.py", "python"),
    ("web/pages/**.py", "python"),
    ("delivery/notices/text.py", "python"),
    ("compose/thank_you.py", "python"),
    ("compose/source/signed.py", "python"),
    ("web/pages/**.html", "jinja2.ext:babel_extract"),
    ("delivery/notices/texts/**.html", "jinja2.ext:babel_extract"),
    ("delivery/notices/texts/**.txt", "jinja2.ext:babel_extract"),
]
HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plurals}\\n"

"""
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "later": None,
    "say": None,
    "gettext": None,
    "ngettext": (1, 2),
    "say_many": (1, 2),
}
JINJA = {"trimmed": "false", "newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
OPTIONS = {pattern: JINJA for pattern, method in METHODS if method.startswith("jinja2")}


def words() -> Catalog:
    """Every text of the pages, with the files it is in."""
    found = Catalog(project="mailer", charset="utf-8")
    for name, _, message, comments, context in extract_from_dir(
        PACKAGE, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",)
    ):
        found.add(message, None, [(name, 0)], auto_comments=comments, context=context)
    for field in FIELDS:
        for text in filter(None, (field.label, field.missing, field.given_as)):
            found.add(text, None, [("petition_fields/table.py", 0)])
    return found


def read(path: Path) -> Catalog:
    """A catalogue as it is on disk."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def main(*begun: str) -> None:
    template = words()
    paths = {*CATALOGUES.glob("*.po"), *(CATALOGUES / f"{name}.po" for name in begun)}
    for path in sorted(paths):
        catalogue = read(path) if path.exists() else Catalog(locale=path.stem)
        catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
        text = io.BytesIO()
        write_po(
            text, catalogue, width=120, sort_by_file=True, ignore_obsolete=True, include_lineno=False, omit_header=True
        )
        path.write_bytes(HEADER.format(language=path.stem, plurals=catalogue.plural_forms).encode() + text.getvalue())
        missing = sum(1 for message in catalogue if message.id and not message.string)
        print(f"{path.stem}: {len(catalogue)} texts, {missing} without a translation")


if __name__ == "__main__":
    main(*sys.argv[1:])

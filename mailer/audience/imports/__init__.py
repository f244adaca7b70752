"""Imports files of people into a list: read, checked row by row, written in one transaction, reported.

`zipped` finds the files, `reading` their encoding and format (`delimited`, `workbooks`), `survey` looks over their
columns, `columns` says what each of them means, with `headers` for names, `peers` for the exports of other programs and
`statuses` for words of consent. `judging` decides about each row, `staging` puts it aside, `writing` takes all of it
over, and `importer` joins these.
"""

from mailer.audience.imports.importer import import_files
from mailer.audience.imports.report import ImportReport, ReadFile
from mailer.audience.imports.sources import ImportOptions

__all__ = ["ImportOptions", "ImportReport", "ReadFile", "import_files"]

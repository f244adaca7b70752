"""Brings a file of people onto a list: read, judged row by row, written in one transaction, reported.

`reading` finds encoding and format, `columns` what each column means, `judging` which rows can be taken, `writing` puts
them into the database, `importer` joins these and `report` says what became of each row.
"""

from mailer.audience.importing.importer import import_file
from mailer.audience.importing.report import ImportReport

__all__ = ["ImportReport", "import_file"]

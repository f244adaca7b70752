"""What long work there is: for each topic the function that does it. A new one is a line here, and a module beside."""

from __future__ import annotations

from collections.abc import Mapping

from mailer.work import importing
from mailer.work.running import Handler

WORK: Mapping[str, Handler] = {
    importing.LOOK: importing.look_over,
    importing.REHEARSAL: importing.rehearse,
    importing.IMPORT: importing.import_people,
    importing.UNDO: importing.take_back,
}

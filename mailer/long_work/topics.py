"""What long work there is: for each topic the function that does it. A new one is a line here, and a module beside."""

from __future__ import annotations

from collections.abc import Mapping

from mailer.long_work import backups, bulk_people, importing, moving
from mailer.long_work.running import Handler

WORK: Mapping[str, Handler] = {
    backups.TOPIC: backups.take_backup,
    bulk_people.TOPIC: bulk_people.change_many,
    importing.LOOK: importing.look_over,
    importing.REHEARSAL: importing.rehearse,
    importing.IMPORT: importing.import_people,
    importing.UNDO: importing.take_back,
    moving.READ: moving.read_listmonk,
    moving.REHEARSAL: moving.rehearse_move,
    moving.BRING: moving.bring_move,
}

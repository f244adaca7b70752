"""What long work there is: for each topic the function that does it. A new one is a line here, and a module beside."""

from __future__ import annotations

from collections.abc import Mapping

from mailer.work import backups
from mailer.work.running import Handler

WORK: Mapping[str, Handler] = {
    backups.TOPIC: backups.take_backup,
}

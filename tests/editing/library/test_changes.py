"""Which newsletters keep their pictures, and that the rule is asked where the change is made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from mailer.editing.library.changes import fixed, replace_picture
from mailer.editing.library.pictures import PictureLibrary
from mailer.editing.pictures import MailPicture
from mailer.errors import MailerError
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.store.tables.states import CampaignState
from mailer.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.reports.builders import add_campaign, make_message

TEXT = "---\nsubject: x\nlist: supporters\n---\n![A](a.png)\n"


@pytest.mark.parametrize("launched", [False, True])
@pytest.mark.parametrize("state", CampaignState)
def test_only_what_never_left_and_is_not_to_leave_changes(
    workspace: Workspace, database: Database, now: datetime, *, state: CampaignState, launched: bool
) -> None:
    folder = workspace.newsletters / "river"
    folder.mkdir(parents=True)
    (folder / "message.md").write_text(TEXT, encoding="utf-8")
    (folder / "a.png").write_bytes((REPOSITORY / "newsletters/2026-12-year-in-review/letters.png").read_bytes())
    (picture,) = [one for one in PictureLibrary().pictures(workspace).values() if one.uses]
    new = MailPicture("0123456789abcdef.png", b"new", 1, 1)
    message, left = replace(make_message(), slug="river"), now if launched else None
    with database.write() as connection:
        add_campaign(connection, message, now=now, state=state, launched_at=left)
        stays = not (state is CampaignState.CANCELLED and not launched)
        assert fixed(connection) == ({"river"} if stays else set())
        if stays:
            with pytest.raises(MailerError, match="it left or is about to"):
                replace_picture(workspace, connection, terminal(), picture.uses[0], new, at=now)
        else:
            replace_picture(workspace, connection, terminal(), picture.uses[0], new, at=now)
    shown = (folder / "message.md").read_text(encoding="utf-8")
    assert shown == (TEXT if stays else TEXT.replace("a.png", new.name))
    assert (folder / new.name).exists() is not stays

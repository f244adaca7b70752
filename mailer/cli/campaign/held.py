"""What `mailer run` asks before it launches a newsletter that is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailer.cli.context import now
from mailer.errors import MailerError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from mailer.audience.selection.spec import Audience
    from mailer.compose.message import Message
    from mailer.store.engine.database import Database
    from mailer.workspace import Workspace


class HeldNewsletters:
    """Looks once more at a newsletter that is due, and keeps the reasons of those that are not launched."""

    def __init__(self, workspace: Workspace, database: Database) -> None:
        self._workspace = workspace
        self._database = database
        self.reasons: dict[str, str] = {}
        self.edited: dict[str, str] = {}  # of those that are launched in an older version than the files': what differs

    def why_hold(self, message: Message, audience: Audience) -> str:
        from mailer.checking.recheck import why_hold
        from mailer.delivery.campaigns.approved import changed_since_scheduled
        from mailer.delivery.campaigns.edited import edited_since
        from mailer.store.engine.database import DatabaseTrouble

        try:
            why = why_hold(self._workspace, self._database, message, audience, now=now())
            why = why or changed_since_scheduled(self._workspace, self._database, message.slug)
            edited = None if why else edited_since(self._workspace, self._database, message.slug)
            if edited is not None:
                self.edited[message.slug] = edited.summary
        except DatabaseTrouble:
            raise
        except MailerError as error:  # what can't be looked at must not keep others waiting
            why = error.message
        if why:
            self.reasons[message.slug] = why
        return why

    def why_not(self, connection: Connection, campaign: Row[Any]) -> str:
        from mailer.delivery.campaigns.orders import not_approved_at_launch
        from mailer.delivery.series.approval import why_issue_not_approved
        from mailer.store.tables.states import CampaignKind

        settings = self._workspace.settings.studio
        if campaign.kind == CampaignKind.ISSUE:
            return why_issue_not_approved(connection, campaign, settings)
        return not_approved_at_launch(settings)(connection, campaign)

"""A page that thanks those who sign it, and a courier of those thanks whose clock is moved."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from mailer.audience.consent.subscribe import Asking, JoinResult
from mailer.audience.petition.signatures import Particulars, SignatureOrigin, sign, signer
from mailer.checking.preflight import fit_to_thank
from mailer.delivery.subscriptions.requests import join
from mailer.delivery.thanks.mails import ThanksMails
from mailer.delivery.thanks.queue import SignedBy, thank
from mailer.delivery.thanks.sender import ThanksCourier
from mailer.store.engine.database import Database
from mailer.store.tables.inbound import signatures
from mailer.transports.base import Outcome
from mailer.workspace import ACTION_FILE, THANKS_FILE, Workspace
from tests.delivery.notices.test_notices import Post

PAGE = """\
---
headline: "Keep the <library> & its staff"
statement: We ask the council to keep the library open.
opt_in:
  list: supporters
---
They want to close it.
"""
MAIL = """\
---
subject: "Thank you for signing"
preheader: "Here is what your name does now, and the next thing that helps."
headline: 'Thank you, {{ supporter.first_name | default("friend") }}'
list: supporters
template: thanks
action:
  url: https://act.org.uk/give?amount=5&from=mail
  label: Give 5 euros
---

Your name is with the council. [What happens next](https://act.org.uk/next?in={{ supporter.country }}).

::: share https://mail.example.org/act/library
They want to close our library. Add your name:
:::

::: ask
:::
"""


class Signing:
    """Signs the page as visitors do, and hands the thanks over."""

    def __init__(self, workspace: Workspace, database: Database, now: datetime) -> None:
        self.workspace, self.database, self.now = workspace, database, now
        self.key = workspace.secrets.require_address_key()
        self.folder = workspace.newsletters / "library"
        self.folder.mkdir()
        (self.folder / ACTION_FILE).write_text(PAGE, encoding="utf-8")
        self.write(MAIL)
        self.mails = self.new_mails()

    def write(self, text: str) -> None:
        (self.folder / THANKS_FILE).write_text(text, encoding="utf-8")

    def new_mails(self) -> ThanksMails:
        return ThanksMails(
            self.workspace, self.database, sound=lambda source: fit_to_thank(self.database, source, now=self.now)
        )

    def sign(
        self, address: str = "ana@example.org", *, by_link: bool = False, news: bool = False, name: str = "Ana",
        page: str = "library", language: str = "en",
    ) -> bool:  # fmt: skip
        """Sign; whether the mail of thanks was queued."""
        who = Particulars({"first_name": name, "country": "IE"})
        with self.database.write() as connection:
            person_id = signer(connection, address=address, address_key=self.key, who=who, language="en", at=self.now)
            joining: JoinResult | None = None
            if news:
                asking = Asking(address, ("supporters",), f"act/{page}", "Yes, mail me.", {})
                joining = join(connection, asking, confirmed=asking.lists, address_key=self.key, at=self.now)
            origin = SignatureOrigin(campaign_id=1 if by_link else None)
            signed = sign(
                connection, page=page, statement="We ask.", person_id=person_id, who=who, origin=origin, at=self.now
            )
            by = SignedBy(person_id, address, by_link=by_link, language=language)
            return thank(
                connection, signed, by, joining=joining, limited=news and joining is None, address_key=self.key,
                at=self.now,
            )  # fmt: skip

    def courier(self, post: Post) -> ThanksCourier:
        return ThanksCourier(self.workspace, self.database, mails=self.mails, clock=lambda: self.now, transport=post)

    def run(self, *answers: Outcome | Exception) -> Post:
        post = Post(*answers)
        self.courier(post).deliver_due()
        return post

    def states(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.execute(select(signatures.c.thanks).order_by(signatures.c.id)).scalars())


@pytest.fixture
def signing(workspace: Workspace, database: Database, now: datetime) -> Signing:
    return Signing(workspace, database, now)

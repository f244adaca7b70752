"""What starting an automation takes: its definition and all its messages, checked, and the content that is approved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mailer.audience.selection.spec import Audience
from mailer.automations.checking import check_automation
from mailer.automations.names import sound_automation
from mailer.automations.steps import Automation, to_json
from mailer.checking.collect import Scope
from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.freeze import Plan
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import raise_errors
from mailer.review.content import NewsletterContent
from mailer.store.engine.database import Database
from mailer.workspace import AUTOMATION_FILE, Newsletter


@dataclass(frozen=True, slots=True)
class PlannedAutomation:
    """An automation that may be started. `plans`: the mail of each step that mails; `content`: all that is approved."""

    automation: Automation
    plans: Mapping[str, Plan]
    content: NewsletterContent


def plan_automation(
    database: Database, newsletter: Newsletter, *, now: datetime, everyone: bool = True
) -> PlannedAutomation:
    """The automation as its files are now. `everyone`: each message is merged for everybody on its list, too.

    Raises `MailerError` with every fault of the file and of its messages.
    """
    found = check_automation(database, newsletter, scope=Scope(everyone=everyone), now=now)
    faults = [fault for one in found for fault in one.errors]
    raise_errors(f"The automation {newsletter.slug} has faults:", faults)
    with database.read() as connection:
        automation = sound_automation(connection, newsletter)
    if not automation.sends:
        fault = Diagnostic(
            "no step mails anything", Place(newsletter.place(AUTOMATION_FILE)), 'Add one: send = "hello.md".'
        )
        raise_errors(f"The automation {newsletter.slug} has faults:", [fault])
    written = {one.slug.partition("/")[2]: one.plan for one in found}
    to = Audience(include=(automation.list,))
    plans: dict[str, Plan] = {}
    for step in automation.sends:
        plan = written[step.message]
        assert plan is not None, "a message without a plan has a fault"
        plans[step.name] = replace(plan, audience=replace(to, urgent=plan.message.is_urgent))
    return PlannedAutomation(automation, plans, _content(automation, plans))


def _content(automation: Automation, plans: Mapping[str, Plan]) -> NewsletterContent:
    """All of it as one: the first mail with what belongs to it, and beside it the definition and the other mails."""
    parts = {step: dict(content_of(plan, leaves=None).parts) for step, plan in plans.items()}
    first = automation.sends[0].name
    whole = parts.pop(first) | {"automation": to_json(automation), "steps": parts}
    return NewsletterContent(automation.slug, json.loads(json.dumps(whole)))

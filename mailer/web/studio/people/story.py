"""What happened to one person, in campaigners' words, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailer.audience.people.people import Dossier
from mailer.audience.people.timeline import Moment
from mailer.staff.audit import AuditEntry
from mailer.store.tables.states import DeliveryState, Feedback, Membership, Verdict

CLICKS = {  # by the judgement of who followed
    Verdict.HUMAN.value: "Followed a link in “{}”",
    Verdict.UNSURE.value: "Somebody, or a scanner, followed a link in “{}”",
    Verdict.MACHINE.value: "A scanner followed a link in “{}”",
}
MAILS = {
    DeliveryState.QUEUED.value: "“{}” waits for its turn",
    DeliveryState.SENDING.value: "“{}” is leaving",
    DeliveryState.SENT.value: "Got “{}”",
    DeliveryState.FAILED.value: "“{}” was refused for good",
    DeliveryState.UNCERTAIN.value: "May or may not have got “{}”",
    DeliveryState.SKIPPED.value: "Did not get “{}”",
    DeliveryState.CANCELLED.value: "“{}” was stopped before",
    DeliveryState.HELD.value: "“{}” is held, since the hour was past",
    Feedback.PROCESSED.value: "Got “{}”",
    Feedback.DELIVERED.value: "Got “{}”",
    Feedback.BOUNCED.value: "“{}” came back",
    Feedback.COMPLAINED.value: "Reported “{}” as spam",
}
CONSENTS = {
    Membership.SUBSCRIBED.value: "Agreed to get {}",
    Membership.PENDING.value: "Asked to join {}, not confirmed yet",
    Membership.UNSUBSCRIBED.value: "Left {}",
}
EVENTS = {
    "deferred": "“{}” was put off by the mailbox",
    "bounced": "“{}” came back",
    "complained": "Reported “{}” as spam",
    "unsubscribed": "Left by “{}”",
    "undone": "Leaving by “{}” was undone",
    "arrived": "“{}” did arrive",
    "delivered": "The mailbox took “{}”",
    "resolved": "It was decided what became of “{}”",
}
ICONS = {
    "consent": "circle-check", "mail": "mail", "event": "mail", "click": "mouse-pointer-click", "opening": "eye",
    "signature": "pen-line", "conversion": "circle-check", "tag": "tag", "stop": "octagon-x", "decision": "user",
    "automation": "workflow",
}  # fmt: skip
TAGGED = "person tagged"  # the tag itself is in the story
VIEWS = {"signature": "signed", "conversion": "signed", "consent": "consent", "stop": "consent", "decision": "consent"}


@dataclass(frozen=True, slots=True)
class ShownMoment:
    """One line of the story. `view`: signed, mails or consent, where it is shown alone."""

    at: datetime
    kind: str
    icon: str
    title: str
    words: str
    view: str
    is_large: bool  # what they did themselves


def shown_story(
    dossier: Dossier, decided: Iterable[AuditEntry], newsletters: Mapping[str, str], lists: Mapping[str, str],
    automations: Iterable[ShownMoment] = (),
) -> list[ShownMoment]:  # fmt: skip
    """Everything with a time beside it, what staff decided and changed included, and their ways through
    `automations`."""
    found = [*automations]
    found += [_shown(one, newsletters, lists) for one in dossier.story]
    found += [
        line(
            stop.at,
            "stop",
            f"Mail is stopped for {lists.get(stop.list, stop.list) or 'every list'}",
            _because(stop.reason, stop.source),
        )
        for stop in dossier.suppressions
    ]
    found += [_decision(one) for one in decided if one.action != TAGGED]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _decision(one: AuditEntry) -> ShownMoment:
    words = " · ".join(filter(None, (one.detail.replace("_", " "), one.reason)))
    return line(one.at, "decision", f"{one.action[:1].upper()}{one.action[1:]} by {one.by}", words)


def _shown(one: Moment, newsletters: Mapping[str, str], lists: Mapping[str, str]) -> ShownMoment:
    named = newsletters.get(one.what, one.what)
    match one.kind:
        case "mail":
            return line(one.at, one.kind, MAILS.get(one.state, "“{}”").format(named), _after(one.detail))
        case "consent":
            title = CONSENTS.get(one.state, "{}").format(lists.get(one.what, one.what))
            words = one.detail.removeprefix(f"{one.state} by ").removeprefix("import, ")
            return line(one.at, one.kind, title, words[:1].upper() + words[1:])
        case "event":
            title = EVENTS.get(one.state, f"{one.state}: “{{}}”").format(named)
            return line(one.at, one.kind, title, one.detail.removeprefix(one.state).strip())
        case "click":
            link = one.detail.partition(" · ")[0]
            title = CLICKS.get(one.state, CLICKS[Verdict.HUMAN.value]).format(named)
            return line(one.at, one.kind, title, "" if link.startswith(one.state) else link)
        case "opening":
            return line(one.at, one.kind, f"Pictures of “{named}” were loaded", "")
        case "signature":
            return line(one.at, one.kind, f"Signed “{named}”", one.detail)
        case "tag":
            return line(one.at, one.kind, f"Tagged {one.what}", one.detail)
        case _:
            return line(one.at, one.kind, f"Did more after “{named}”", one.detail)


def line(at: datetime, kind: str, title: str, words: str) -> ShownMoment:
    """One line of the story."""
    large = kind in ("signature", "consent", "conversion")
    return ShownMoment(at, kind, ICONS[kind], title, words, VIEWS.get(kind, "mails" if kind != "tag" else ""), large)


def _after(detail: str) -> str:
    """What a mailbox said, without our own word for the state."""
    return detail.partition("(")[2].removesuffix(")")


def _because(reason: str, source: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}{f', {source}' if source else ''}"

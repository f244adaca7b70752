"""The answer to “why did they (not) get this?” in words, for the command and the studio alike."""

from __future__ import annotations

from collections.abc import Callable

from mailer.audience.supporter_care.why import RuleKind, Why, WhyRule
from mailer.store.tables.states import DeliveryState, Feedback, Membership, SuppressionReason

Named = Callable[[str], str]  # what people call a list, a newsletter, or what an expression means

_STOPPED = {
    SuppressionReason.UNSUBSCRIBED.value: "had unsubscribed",
    SuppressionReason.BOUNCED.value: "has an address that doesn’t exist: mail to it came back",
    SuppressionReason.COMPLAINED.value: "had reported our mail as spam",
    SuppressionReason.STAFF.value: "was stopped by staff",
    SuppressionReason.INACTIVE.value: "had shown no interest for long, and was set inactive",
}
_NOT_ON = {
    Membership.PENDING.value: "had asked to join {} and not confirmed",
    Membership.UNSUBSCRIBED.value: "had left {}",
}
_CAME_BACK = {
    Feedback.BOUNCED.value: "{name}’s mail left, and came back: there is no such mailbox, or it took nothing.",
    Feedback.COMPLAINED.value: "{name} got it, and reported it as spam.",
    Feedback.DELIVERED.value: "{name} got it: the mailbox took it.",
}
_OF_STATE = {
    DeliveryState.SENT: "{name} got it: the mail was taken.",
    DeliveryState.QUEUED: "{name} gets it: the mail waits for its turn.",
    DeliveryState.SENDING: "{name}’s mail is leaving now.",
    DeliveryState.FAILED: "{name} did not get it: the mail was refused for good.",
    DeliveryState.UNCERTAIN: "{name} may or may not have got it: the line broke as it was handed over.",
    DeliveryState.HELD: "{name} has not got it: the hour was past before the mail’s turn, and it waits for a decision.",
    DeliveryState.CANCELLED: "{name} did not get it: it was stopped before the mail’s turn came.",
}


def headline(why: Why, name: str) -> str:
    """The answer in a sentence. `name`: what the person is called."""
    if why.state is DeliveryState.SKIPPED:
        return f"{name} did not get it: something changed before the mail’s turn: {why.code or 'it isn’t known what'}."
    if why.state is DeliveryState.SENT and why.feedback in _CAME_BACK:
        return _CAME_BACK[why.feedback].format(name=name)
    if why.state is not None:
        return _OF_STATE[why.state].format(name=name)
    against = why.against
    if not why.was_launched:
        return f"{name} won’t get it, as things are now." if against else f"{name} will get it, as things are now."
    if against:
        return f"{name} did not get it."
    if any(rule.kind is RuleKind.LIMIT for rule in why.rules):
        return f"{name} was not among those drawn by lot."
    return (
        f"{name} did not get it, and nothing that is known now explains it: what was known of {name} then is not kept."
    )


def reason(why: Why, name: str, *, lists: Named, newsletters: Named, expressions: Named) -> str:
    """The first rule that doesn't hold, as a sentence; "" where all hold or a mail was made."""
    rule = why.against
    if rule is None or why.state is not None:
        return ""
    when = " when it left" if why.was_launched else ""
    match rule.kind:
        case RuleKind.LIST:
            named = " or ".join(lists(one) for one in rule.about.split(", "))
            said = _NOT_ON.get(rule.fact, "was not on {}").format(named) + when
        case RuleKind.ADDRESS:
            said = _STOPPED.get(rule.fact, "was stopped")
        case RuleKind.EXCLUDED:
            said = f"was on {lists(rule.fact)}, which is left out"
        case RuleKind.CONDITION:
            said = f"is not among those it is for: {expressions(rule.about)}"
        case RuleKind.FREQUENCY if not rule.fact:
            said = "wants urgent newsletters alone"
        case RuleKind.FREQUENCY:
            said = f"wants one mail a month, and had “{newsletters(rule.fact)}”"
        case RuleKind.RECENTLY:
            said = f"had “{newsletters(rule.fact)}” within {rule.about} hours"
        case RuleKind.CAP:
            said = f"had {rule.fact}, or was to get them: {rule.about} is the cap"
        case RuleKind.EARLIER | RuleKind.LIMIT:
            said = f"was mailed “{newsletters(rule.fact)}”, whose readers are left out"
    return f"{name} {said}."


def title(  # noqa: PLR0911 - one for each kind
    rule: WhyRule, *, lists: Named, newsletters: Named, expressions: Named
) -> str:
    """What a rule asks, as it would be true of somebody."""
    match rule.kind:
        case RuleKind.LIST:
            return "On the list " + " or ".join(lists(one) for one in rule.about.split(", "))
        case RuleKind.ADDRESS:
            return "Hasn’t unsubscribed, and the address works"
        case RuleKind.EXCLUDED:
            return "Not on " + " or ".join(lists(one) for one in rule.about.split(", "))
        case RuleKind.CONDITION:
            said = expressions(rule.about)
            return f"Among {said}" if said.startswith("people") else said
        case RuleKind.FREQUENCY:
            return "Wants mail as often"
        case RuleKind.RECENTLY:
            return f"No mail in the {rule.about} hours before"
        case RuleKind.EARLIER:
            return "Not mailed " + " or ".join(f"“{newsletters(one)}”" for one in rule.about.split(", "))
        case RuleKind.CAP:
            return f"Has had fewer mails than the cap, {rule.about}"
        case RuleKind.LIMIT:
            return f"Among the {rule.about} people drawn by lot"

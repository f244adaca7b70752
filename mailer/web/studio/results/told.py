"""The figures in campaigners' words: what each number is called, and what brought a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from babel import Locale, UnknownLocaleError

from mailer.audience.consent.eligibility import Reason
from mailer.reports.after_sending import DIRECTLY
from mailer.reports.figures import CampaignFigures, LinkFigures
from mailer.web.studio.newsletters.listing import ListedNewsletter

USUAL_OF = 10  # newsletters that "usual" is made of
MUCH = 0.05  # of the usual, from which on it is better or less
PLACES = {
    "button": "button", "inline": "in the text", "footnote": "footnote", "footer": "at the foot", "share": "sharing",
    "signature": "signature", "template": "in the look",
}  # fmt: skip
CLASSES = {
    "hard": "No such address", "soft": "Full or busy until the end", "policy": "Turned away as unwanted",
    "ours": "Refused through our own fault", "unknown": "Turned away without a reason",
}  # fmt: skip
STEP_WORDS = {
    60: "minute", 600: "10 minutes", 3600: "hour", 10_800: "3 hours", 21_600: "6 hours", 86_400: "day", 604_800: "week",
}  # fmt: skip
REASONS: Mapping[str, str] = {  # why people on the lists got nothing
    Reason.UNSUBSCRIBED: "Unsubscribed", Reason.PENDING: "Never confirmed their address",
    Reason.COMPLAINED: "Reported a mail as spam", Reason.BOUNCED: "Their address doesn’t exist",
    Reason.STAFF: "Held back by a colleague", Reason.INACTIVE: "Inactive for long",
    Reason.EXCLUDED: "On a list that was left out",
    Reason.OUTSIDE: "Not in the audience", Reason.FEWER: "Asked for fewer mails",
    Reason.MAILED_RECENTLY: "Got another newsletter just before", Reason.MAILED_BEFORE: "Got an earlier newsletter",
    Reason.CAPPED: "Had as many mails as the cap allows", Reason.HOUR_PAST: "The hour was past where they live",
    Reason.LIMIT: "Beyond the number that was chosen", Reason.DELETED: "Forgotten since",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link of the mail with its figures; `number` is what the picture says at it."""

    link: LinkFigures
    place: str
    signed: int
    number: int


@dataclass(frozen=True, slots=True)
class UsualRate:
    """How many signatures for each 1,000 people the newsletters before brought."""

    per_thousand: float
    newsletters: int

    def compared(self, rate: float) -> str:
        """better, less or as usual"""
        apart = rate - self.per_thousand
        if abs(apart) <= MUCH * self.per_thousand:
            return "as usual"
        return "better" if apart > 0 else "less"


def usual_before(found: Sequence[ListedNewsletter], slug: str) -> UsualRate | None:
    """The average of those that left before; `found` has the newest first."""
    began = next((one.when for one in found if one.slug == slug), None)
    rates = [
        one.per_thousand
        for one in found
        if one.was_sent and one.per_thousand is not None and began and one.when and one.when < began
    ][:USUAL_OF]
    return UsualRate(sum(rates) / len(rates), len(rates)) if rates else None


def shown_links(figures: CampaignFigures, measure: str) -> list[ShownLink]:
    """Every link, in the order of the mail. `measure`: people who followed it, signatures, or every request of it."""
    signed = figures.signed.by_link
    found: list[ShownLink] = []
    for link in figures.links:
        number = {"signed": signed.get(link.n, 0), "all": link.clicks.raw}.get(measure, link.clicks.people)
        place = PLACES.get(link.placement, link.placement)
        found.append(ShownLink(link, place, signed.get(link.n, 0), number))
    return found


def sources(figures: CampaignFigures, names: Mapping[str, str]) -> list[tuple[str, int]]:
    """What brought the signatures on this newsletter's page. `names`: of newsletters, by slug."""
    found: list[tuple[str, int]] = []
    for source, people in figures.signed.by_source.items():
        slug = source.removeprefix("mail ") if source.startswith("mail ") else ""
        if slug == figures.slug:
            label = "This mail"
        elif slug:
            label = f"The mail “{names.get(slug, slug)}”"
        else:
            label = "Came by themselves" if source == DIRECTLY else source
        found.append((label, people))
    return found


def reason(name: str) -> str:
    """Why somebody did not get it."""
    return REASONS.get(name) or f"{name[:1].upper()}{name[1:]}"


@cache
def language_name(code: str) -> str:
    """What a language is called in English: Welsh."""
    if not code:
        return "Not known"
    try:
        return Locale.parse(code, sep="-").get_display_name("en") or code
    except (ValueError, UnknownLocaleError):
        return code

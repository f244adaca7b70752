"""The pages of the room that are a form of settings: which they are, and what campaigners call what is on them."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.timezones import zone_names
from mailer.web.studio.settings.fields import SettingField, SettingKind

PERCENT, COLOUR = SettingKind.PERCENT, SettingKind.COLOUR


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields under one heading, "" for none."""

    heading: str
    fields: tuple[SettingField, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """A page of the room. `asks` is its heading; `template`: where more is on it than the form."""

    name: str  # in its address
    title: str
    icon: str
    asks: str
    about: str
    groups: tuple[FieldGroup, ...]
    template: str = "settings/section.html"
    outside: bool = False  # whether supporters' pages and sending use it, which read settings when they start

    @property
    def path(self) -> str:
        return f"/settings/{self.name}"

    @property
    def fields(self) -> tuple[SettingField, ...]:
        return tuple(field for group in self.groups for field in group.fields)


ORGANISATION = SettingsPage(
    "organisation", "Organisation", "house", "Who mails?",
    "Your name and postal address are below every mail. The others are what supporters’ pages lead to.",
    (
        FieldGroup("", (
            SettingField("organisation.name", "Name", "As supporters know you."),
            SettingField("organisation.postal_address", "Postal address", "The law of many countries asks for it."),
            SettingField("timezone", "Time zone", "In which times are planned and read, such as Europe/London.",
                         suggested=zone_names),
        )),
        FieldGroup("On the web", (
            SettingField("public.url", "Public address", "Links in mails and sign pages begin with it. It leads to "
                         "your server, such as https://act.your-group.org."),
            SettingField("organisation.website", "Your site"),
            SettingField("organisation.about", "Page about you"),
            SettingField("organisation.contact", "Contact", "A page or an email address."),
            SettingField("organisation.privacy", "Privacy policy"),
            SettingField("organisation.imprint", "Imprint", "Where the law asks for one, as in Germany and Austria."),
        )),
    ),
    outside=True,
)  # fmt: skip
BRAND = SettingsPage(
    "brand", "Brand", "image", "How do mails and pages look?",
    "One colour is enough: what the pages have beside it is worked out, and can always be read.",
    (
        FieldGroup("Colours", (
            SettingField("brand.primary", "Main colour", "Buttons, headlines and the band on top.", given_kind=COLOUR),
            SettingField("brand.on_primary", "Words on it", given_kind=COLOUR),
            SettingField("brand.action", "Button on pages", "Empty: the main colour.", given_kind=COLOUR),
            SettingField("brand.link", "Links", given_kind=COLOUR),
            SettingField("brand.text", "Text", given_kind=COLOUR),
            SettingField("brand.muted", "Captions and footer", given_kind=COLOUR),
            SettingField("brand.surface", "Ground of the text", given_kind=COLOUR),
            SettingField("brand.background", "Ground around it", given_kind=COLOUR),
        )),
        FieldGroup("Logo and type", (
            SettingField("brand.logo", "Logo", "A picture in the workspace, such as pictures/logo.png, or an https "
                         "address. Empty: your name."),
            SettingField("brand.logo_dark", "Logo for dark grounds", "Such as the band on top. Empty: the logo."),
            SettingField("brand.logo_alt", "What the logo says", "For those who don’t see it."),
            SettingField("brand.font", "Font", "Mail programs have few: name several, the most wanted first."),
        )),
        FieldGroup("Where else people find you", (
            SettingField("brand.social", "One a line", "Such as Bluesky: https://bsky.app/profile/your-group.org"),
        )),
    ),
    template="settings/brand.html", outside=True,
)  # fmt: skip
SENDERS = SettingsPage(
    "senders", "Senders", "mail", "Who do mails come from?",
    "The usual sender. A list or a newsletter may have its own.",
    (
        FieldGroup("", (
            SettingField("sender.from", "From", "Such as Rhiannon, Clean River <news@your-group.org>, of a domain "
                         "that is yours."),
            SettingField("sender.reply_to", "Replies go to", "A mailbox that somebody reads. Empty: the sender."),
            SettingField("public.unsubscribe_mailto", "Mailbox that takes unsubscribes",
                         "Some mail programs unsubscribe by mail. Empty: by the link alone."),
        )),
        FieldGroup("For the check of your domain", (
            SettingField("sender.dkim_selectors", "DKIM selectors", "One a line: the part before ._domainkey of the "
                         "DNS records that your mail service shows. Empty: the service’s usual ones."),
        )),
    ),
    template="settings/senders.html", outside=True,
)  # fmt: skip
PACE = SettingsPage(
    "pace", "Pace and warm-up", "timer", "How fast may mails leave?",
    "Providers slow down those who mail faster than they are used to.",
    (
        FieldGroup("", (
            SettingField("pace.per_second", "Mails a second", "In all. 0: as fast as your mail service takes them."),
            SettingField("pace.domains", "For single providers", "One a line, such as gmail.com: 20"),
        )),
        FieldGroup("Warm-up", (
            SettingField("pace.warm_up", "People on the first day, the second, …", "One a line; nobody is limited "
                         "after the last. Empty: no warm-up."),
            SettingField("pace.warm_up_since", "First day", "Days of mailing before it don’t count."),
        ), "A sending address that nobody knows yet starts small."),
    ),
    template="settings/pace.html", outside=True,
)  # fmt: skip
CAPS = SettingsPage(
    "caps", "How often people are mailed", "mail", "How many mails are enough?",
    "A newsletter leaves out people who had this many, and says so before it leaves. Nobody gets it later instead. "
    "Steps of automations count, too; urgent newsletters neither count nor are held back.",
    (
        FieldGroup("", (
            SettingField("caps.newsletters", "At most so many mails", "To one person. 0: there is no cap."),
            SettingField("caps.days", "In so many days", "From 1 to 365."),
        )),
    ),
)  # fmt: skip
GUARD = SettingsPage(
    "guard", "Guard rails", "shield", "When should a newsletter pause itself?",
    "When something goes wrong while it leaves, everybody who has not got it waits until somebody looks.",
    (
        FieldGroup("Addresses that don’t exist", (
            SettingField("guard.bounce_rate", "Per cent of all who were mailed", "0 turns it off.", given_kind=PERCENT),
            SettingField("guard.bounces_at_least", "And at least so many", "So that two of twenty don’t stop it."),
        ), "A list that is old or bought. Mail services look into 5 %, and close accounts at 10 %."),
        FieldGroup("Complaints", (
            SettingField("guard.complaint_rate", "Per cent of all who were mailed", "0 turns it off.",
                         given_kind=PERCENT),
            SettingField("guard.complaints_at_least", "And at least so many"),
        ), "People who press “spam”. Gmail wants to see less than 0.1 %, and never 0.3 %."),
        FieldGroup("Versions of a test", (
            SettingField("guard.unsubscribe_rate", "Per cent of those who got a version and left", "0 turns it off.",
                         given_kind=PERCENT),
            SettingField("guard.unsubscribes_at_least", "And at least so many"),
        ), "A version that makes people leave can’t win its test, whatever else it brings."),
        FieldGroup("Refused by receivers", (
            SettingField("guard.refused_share", "Per cent of the last mails", "0 turns it off.", given_kind=PERCENT),
            SettingField("guard.refused_of", "Of how many", "From 10 to 10,000."),
        ), "A blocklist shows like this, within minutes."),
        FieldGroup("Our own side", (
            SettingField("guard.refusals_of_us", "Refusals of our login or sender, in a row"),
            SettingField("guard.troubles", "Minutes without the mail service", "0 turns it off."),
        )),
    ),
    outside=True,
)  # fmt: skip
BOUNCES = SettingsPage(
    "bounces", "Bounces", "inbox", "Where do mails go that come back?",
    "A mailbox of yours that takes tags: mails leave with bounces+…@your-group.org, so that each that comes back tells "
    "who it was for. Services that report bounces by themselves don’t need it.",
    (
        FieldGroup("", (
            SettingField("bounces.address", "Bounce mailbox", "Such as bounces@your-group.org."),
            SettingField("bounces.imap", "Where it is read", "Such as "
                         "imaps://bounces%40your-group.org@imap.your-group.org/INBOX, without the password."),
        )),
        FieldGroup("Replies", (
            SettingField("replies.address", "Mailbox for replies", "Such as replies@your-group.org, which takes tags: "
                         "replies come to the Inbox. Empty: they go to the sender."),
            SettingField("replies.keep_days", "Days their words are kept"),
        ), "It is read as the bounce mailbox is, and may be the same."),
        FieldGroup("Mailboxes that are full or away", (
            SettingField("bounces.soft_campaigns", "Newsletters in a row"),
            SettingField("bounces.soft_days", "And at least so many days"),
        ), "After that nobody mails them any more."),
    ),
    template="settings/bounces.html", outside=True,
)  # fmt: skip
APPROVAL = SettingsPage(
    "approval", "Approval and hold", "circle-check", "Who must agree before a newsletter leaves?",
    "It holds for the studio and for commands alike.",
    (
        FieldGroup("", (
            SettingField("studio.approvals", "Approvals of exactly this text", choices=(
                ("0", "None is needed"), ("1", "One person"), ("2", "Two people"))),
            SettingField("studio.approver_may_be_writer", "Somebody may approve what they wrote themselves"),
            SettingField("studio.series_approval", "A newsletter that repeats", choices=(
                ("each", "Each issue is approved"), ("standing", "Once, for as long as nothing in it changes"))),
            SettingField("studio.hold", "Count down before it leaves", "Such as 10m or 1h, in which anybody with the "
                         "right can stop it. 0s for none."),
        )),
    ),
)  # fmt: skip
WEBHOOK = SettingsPage(
    "webhook", "Another program", "external-link", "Who should hear of signatures?",
    "Each signature is told to a program of yours, such as a CRM, within a minute, and again until it was taken.",
    (
        FieldGroup("", (
            SettingField("webhook.url", "Its address", "Empty: nobody is told."),
            SettingField("webhook.timeout_seconds", "Seconds it may take to answer"),
            SettingField("webhook.private", "It is on this machine or in our own network"),
        )),
    ),
    template="settings/webhook.html", outside=True,
)  # fmt: skip
LINKS = SettingsPage(
    "links", "Links and openings", "mouse-pointer-click", "What is learned about readers?",
    "Links that people follow are counted in any case, since signatures hang on them.",
    (
        FieldGroup("", (
            SettingField("tracking.opens", "Count openings too, of those who agreed to be tracked",
                         "Mail programs open mails by themselves, so the figure says little."),
            SettingField("tracking.conversions", "Let another site report what people did there"),
            SettingField("tracking.fresh_days", "Days for which a mail’s link fills the sign page in",
                         "After that people type their name themselves."),
            SettingField("link_parameters", "Added to every link", "One a line, such as utm_source: newsletter"),
        )),
    ),
    outside=True,
)  # fmt: skip
PAGES = (ORGANISATION, BRAND, SENDERS, PACE, CAPS, GUARD, BOUNCES, APPROVAL, WEBHOOK, LINKS)

# What is set in the file by those who look after the server, with the reason.
BY_HAND = {
    "database": "moving it is more than naming another: docs/deploy.md",
    "studio.url": "who types it wrongly locks everybody out",
    "studio.proxies": "whose word on addresses is believed",
    "run.workers": "as many as the machine has processors for",
    "studio.git": "needs a repository and a key on the server",
    "studio.git_push": "as studio.git",
    "studio.git_pull": "as studio.git",
    "public.proxies": "as studio.proxies",
    "dns.server": "for a network whose resolver can’t be used",
    "dns.timeout_seconds": "as dns.server",
    "check.clients": "one decides it for all writers",
    "sso.issuer": "is registered at the provider by who runs it",
    "sso.client_id": "as sso.issuer",
    "sso.claim": "as sso.issuer",
    "sso.roles": "who may do everything isn’t decided by form",
    "sso.button": "as sso.issuer",
}


def page_of(setting: str) -> SettingsPage | None:
    """The page that a setting is on; None for one that none has."""
    return next((one for one in PAGES if any(field.name == setting for field in one.fields)), None)

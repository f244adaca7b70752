"""The exports of other programs: how each is known by its header, and what its columns and words mean.

The tables are from the exports themselves, their sources and documentation. A column that is named nowhere here is
taken as in any other file, so one that looks like consent still stops the import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailer.audience.imports.meaning.statuses import (
    BOUNCED,
    COMPLAINED,
    LEFT,
    NO_CONSENT,
    PENDING,
    STAFF,
    SUBSCRIBED,
    UNSUBSCRIBED,
    RowStatus,
    Words,
    consent,
    flag,
)
from mailer.audience.people.recency import LAST_ACTIVE

SKIP = "-"


@dataclass(frozen=True, slots=True)
class Peer:
    """One kind of export. Columns are written as `columns.identifier` leaves them."""

    name: str  # for --from
    title: str
    marks: Sequence[frozenset[str]]  # a header that has all columns of one of these is of this kind
    statuses: Mapping[str, Words]  # column → what its values say
    fields: Mapping[str, str] = field(default_factory=dict[str, str])  # column → field, or "-" to leave it out
    opted_in: Sequence[str] = ()  # columns with the moment of consent, the best first
    expected: Sequence[str] = ()  # columns without which some who left could not be told
    beside: Mapping[str, str] = field(default_factory=dict[str, str])  # flag → the column of the address it is about
    tells_by_name: bool = False  # the name of the file says what everyone in it is, where no column does
    one_file_each: str = ""  # the remedy where each status is a file of its own, up to "what everyone in it is"
    is_ours: bool = False  # every other column is a field under its own name

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a header, of identifiers, is of this kind."""
        names = set(header)
        return any(mark <= names for mark in self.marks)


def _marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(one.split()) for one in sets)


def _words(**statuses: RowStatus | None) -> Mapping[str, RowStatus | None]:
    return {name.replace("_", " "): status for name, status in statuses.items()}


def _left_out(columns: str) -> dict[str, str]:
    return dict.fromkeys(columns.split(), SKIP)


def _kept(columns: str) -> dict[str, str]:
    """Columns that look like consent and are about something else, such as telephones."""
    return {name: name for name in columns.split()}


OURS = Peer(
    "mailer", "Mailer's own export",
    _marks("email first_name last_name country language status changed_at"),
    {"status": Words(), "suppressed": Words()}, {"changed_at": SKIP},
    opted_in=("changed_at",), is_ours=True,
)  # fmt: skip
MAILCHIMP = Peer(
    "mailchimp", "Mailchimp",
    _marks("member_rating leid euid", "leid euid optin_time", "member_rating confirm_time optin_time"),
    {
        "unsub_time": flag(UNSUBSCRIBED, blank=UNSUBSCRIBED),
        "unsub_reason": Words(_words(normal=None, abuse=COMPLAINED), others=False, ignored=True),
        "clean_time": flag(BOUNCED, blank=BOUNCED),
    },
    {
        "cc": "country", "timezone": "timezone", "tags": "tags", "last_changed": LAST_ACTIVE,
        **_left_out(
            "member_rating optin_time optin_ip confirm_time confirm_ip latitude longitude gmtoff dstoff region "
            "leid euid unsub_campaign_title unsub_campaign_id unsub_reason_other clean_campaign_title "
            "clean_campaign_id"
        ),
    },
    opted_in=("confirm_time", "optin_time"), tells_by_name=True,
)  # fmt: skip

LISTMONK = Peer(
    "listmonk", "listmonk", _marks("uuid email attributes status", "uuid email attribs status"),
    {"status": Words(_words(enabled=SUBSCRIBED, disabled=STAFF, blocklisted=STAFF))},
    {"attributes": "attributes", "attribs": "attributes", **_left_out("uuid updated_at created_at")},
    opted_in=("created_at",), expected=("status",),
)  # fmt: skip

ACTION_NETWORK = Peer(
    "actionnetwork", "Action Network", _marks("can2_subscription_status", "can2_user_tags", "can2_subscription_date",
                                              "can2_sms_status", "can2_state_abbreviated", "can2_county"),
    {
        "can2_subscription_status": Words(
            _words(
                subscribed=SUBSCRIBED, unsubscribed=UNSUBSCRIBED, bouncing=BOUNCED, previous_bounce=SUBSCRIBED,
                spam_complaint=COMPLAINED, previous_spam_complaint=COMPLAINED,
            ),
            blank=NO_CONSENT,
        )
    },
    {"can2_user_tags": "tags", "can2_sms_status": "sms_status", **_left_out("uuid can2_subscription_date")},
    opted_in=("can2_subscription_date",), expected=("can2_subscription_status",),
)  # fmt: skip

ACTIONKIT = Peer(
    "actionkit", "ActionKit", _marks("akid email", "user_id email subscription_status", "user_id email postal plus4"),
    {
        "subscription_status": Words(
            _words(subscribed=SUBSCRIBED, unsubscribed=UNSUBSCRIBED, bounced=BOUNCED, never=NO_CONSENT, blocked=STAFF),
            blank=NO_CONSENT,
        )
    },
    _left_out("user_id akid created_at"), opted_in=("created_at",), expected=("subscription_status",),
)  # fmt: skip

NATIONBUILDER = Peer(
    "nationbuilder", "NationBuilder",
    _marks("nationbuilder_id", "email_opt_in do_not_contact", "email_opt_in signup_type"),
    {
        "email_opt_in": consent(), "do_not_contact": flag(STAFF), "unsubscribed_at": flag(UNSUBSCRIBED),
        "is_deceased": flag(STAFF), "email_is_bad": flag(BOUNCED),
        **{f"email{n}_is_bad": flag(BOUNCED) for n in range(1, 5)},
    },
    {
        "email": "email", "primary_country_code": "country", "tag_list": "tags", "primary_city": "city",
        **_left_out("nationbuilder_id email1 email2 email3 email4 created_at"),
        **_kept("mobile_opt_in is_mobile_bad is_phone_bad do_not_call federal_donotcall"),
        **_kept("call_status_id call_status_name"),
    },
    opted_in=("created_at",), expected=("email_opt_in", "email1_is_bad", "do_not_contact"),
    beside={f"email{n}_is_bad": f"email{n}" for n in range(1, 5)},
)  # fmt: skip

_ON_HOLD = Words(
    {**_words(no=None, on_hold_bounce=BOUNCED, on_hold_opt_out=LEFT, yes=BOUNCED, ja=BOUNCED, oui=BOUNCED),
     "0": None, "1": BOUNCED, "2": LEFT, "false": None, "true": BOUNCED}
)  # fmt: skip
_CIVI_ID = ("contact_id", "internal_contact_id")
CIVICRM = Peer(
    "civicrm", "CiviCRM",
    _marks(*(f"{number} {flagged}" for number in (*_CIVI_ID, "id") for flagged in
             ("no_bulk_emails_user_opt_out", "do_not_email", "on_hold", "email_on_hold", "is_opt_out")),
           "do_not_email is_opt_out", "do_not_email no_bulk_emails_user_opt_out"),
    {
        "do_not_email": flag(STAFF), "no_bulk_emails_user_opt_out": flag(LEFT), "is_opt_out": flag(LEFT),
        "on_hold": _ON_HOLD, "email_on_hold": _ON_HOLD, "is_deceased": flag(STAFF), "deceased": flag(STAFF),
        "contact_is_in_trash": flag(STAFF), "is_deleted": flag(STAFF), "group_status": Words(),
    },
    {
        "preferred_language": "language", "country": "country",
        **_left_out("contact_id internal_contact_id created_date"),
        **_kept("do_not_phone do_not_mail do_not_sms do_not_trade do_not_post privacy"),
    },
    opted_in=("created_date",),
    expected=("do_not_email", "no_bulk_emails_user_opt_out|is_opt_out", "on_hold|email_on_hold"),
)  # fmt: skip

SUBSTACK = Peer(
    "substack", "Substack",
    _marks("email email_disabled expiry", "email email_disabled active_subscription",
           "email email_disabled prefer_digests", "email email_disabled created_at"),
    {"email_disabled": flag(UNSUBSCRIBED)},
    {**_kept("active_subscription"), **_left_out("stripe_connected_customer_id created_at")}, opted_in=("created_at",),
    expected=("email_disabled",),
)  # fmt: skip

GHOST = Peer(
    "ghost", "Ghost", _marks("subscribed_to_emails", "email complimentary_plan stripe_customer_id"),
    {"subscribed_to_emails": consent(), "deleted_at": flag(UNSUBSCRIBED)},
    {"labels": "tags", **_left_out("id stripe_customer_id created_at")},
    opted_in=("created_at",), expected=("subscribed_to_emails",),
)  # fmt: skip

BEEHIIV = Peer(
    "beehiiv", "beehiiv", _marks("email status tier", "email status subscription_tier"),
    {
        "status": Words(
            _words(active=SUBSCRIBED, inactive=UNSUBSCRIBED, unsubscribed=UNSUBSCRIBED, validating=PENDING,
                   pending=PENDING, needs_attention=PENDING, invalid=BOUNCED), blank=NO_CONSENT,
        ),
        "unsubscribed_at": flag(UNSUBSCRIBED),
    },
    {**_kept("subscription_tier"), **_left_out("subscriber_id created_at subscribed_at")},
    opted_in=("subscribed_at", "created_at"), expected=("status",),
)  # fmt: skip

_BUTTONDOWN = Words(
    _words(
        regular=SUBSCRIBED, premium=SUBSCRIBED, paid=SUBSCRIBED, gifted=SUBSCRIBED, trialed=SUBSCRIBED,
        unactivated=PENDING, undeliverable=BOUNCED, malformed=BOUNCED, complained=COMPLAINED, spammy=STAFF,
        blocked=STAFF, removed=STAFF, unsubscribed=UNSUBSCRIBED, churned=UNSUBSCRIBED, churning=UNSUBSCRIBED,
        past_due=UNSUBSCRIBED, paused=UNSUBSCRIBED, unpaid=UNSUBSCRIBED, upcoming=NO_CONSENT,
    ),
    blank=NO_CONSENT,
)  # fmt: skip
BUTTONDOWN = Peer(
    "buttondown", "Buttondown",
    _marks("email_address type creation_date", "email notes metadata tags", "email type metadata tags",
           "email subscriber_type metadata", "email_address metadata tags"),
    {
        "type": _BUTTONDOWN, "subscriber_type": _BUTTONDOWN, "unsubscription_date": flag(UNSUBSCRIBED),
        "undeliverability_date": flag(BOUNCED),
    },
    {
        "metadata": "attributes",
        **_left_out("id creation_date unsubscription_reason undeliverability_reason ip_address"),
    },
    opted_in=("creation_date",), expected=("type|subscriber_type",),
)  # fmt: skip

MAILERLITE = Peer(  # each tab is a file of its own, and nothing in it says which
    "mailerlite", "MailerLite", _marks("subscriber sent opens clicks"),
    {"unsubscribed": flag(UNSUBSCRIBED), "status": Words()},
    {"subscriber": "email", **_left_out("sent opens clicks opened clicked subscribed")},
    opted_in=("subscribed",), expected=("status",),
    one_file_each="Each of its tabs (Active, Unsubscribed, Unconfirmed, Bounced, Junk) is a file of its own. Say",
)  # fmt: skip

_BREVO = Words(
    _words(subscribed=SUBSCRIBED, unsubscribed=UNSUBSCRIBED, blocklisted=STAFF, blacklisted=STAFF, blocked=STAFF),
    blank=NO_CONSENT,
)
_BREVO_FLAG = flag(STAFF)
BREVO = Peer(  # a file may have the status, or be of those that a filter found
    "brevo", "Brevo",
    _marks("contact_id email firstname lastname", "email added_time modified_time", "contact_id email sms whatsapp"),
    {
        "email_marketing": _BREVO, "email_campaigns": _BREVO, "email_marketing_status": _BREVO,
        "subscription_status": _BREVO, "email_blacklisted": _BREVO_FLAG, "email_blocklisted": _BREVO_FLAG,
        "blacklisted": _BREVO_FLAG, "blocklisted": _BREVO_FLAG,
    },
    {
        "firstname": "first_name", "lastname": "last_name", "prenom": "first_name", "nom": "last_name",
        "modified_time": LAST_ACTIVE, **_left_out("contact_id added_time"),
        **_kept("sms_marketing sms_blacklisted sms_blocklisted whatsapp_blacklisted whatsapp_marketing"),
    },
    opted_in=("added_time",),
    expected=("email_marketing|email_campaigns|email_marketing_status|subscription_status|email_blacklisted|"
              "email_blocklisted|blacklisted|blocklisted",),
    one_file_each="Export those who are subscribed and those who are blocklisted as files of their own. Say",
)  # fmt: skip

PEERS = (OURS, MAILCHIMP, LISTMONK, ACTION_NETWORK, ACTIONKIT, NATIONBUILDER, CIVICRM, SUBSTACK, GHOST, BEEHIIV,
         BUTTONDOWN, MAILERLITE, BREVO)  # fmt: skip
BY_NAME: Mapping[str, Peer] = {peer.name: peer for peer in PEERS}


def peer_of(header: Sequence[str]) -> Peer | None:
    """The kind of export that a header, of identifiers, is of; None when it is of none that is known."""
    return next((peer for peer in PEERS if peer.fits(header)), None)

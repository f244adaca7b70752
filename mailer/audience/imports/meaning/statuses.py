"""What files say about whether a person may be mailed: the usual words for it, and which columns look like it.

A value is one of the words below, in whatever case; what isn't known is refused by `imports.row_check` and never means
"subscribed". What other programs call their columns is in `peers`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RowStatus(StrEnum):
    """What a row says of its person. All but the first three keep the address from being mailed."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"  # asked to join, never confirmed
    NO_CONSENT = "no consent"  # known to the other program, never agreed to newsletters: not put on the list
    UNSUBSCRIBED = "unsubscribed"  # from this list
    LEFT = "unsubscribed everywhere"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    STAFF = "staff"  # stopped by staff, on every list


SUBSCRIBED, PENDING, NO_CONSENT, UNSUBSCRIBED, LEFT, BOUNCED, COMPLAINED, STAFF = RowStatus
STOPS: Mapping[RowStatus, int] = {UNSUBSCRIBED: 1, LEFT: 2, BOUNCED: 4, COMPLAINED: 8, STAFF: 16}  # bits of a row
MEMBERSHIPS = (NO_CONSENT, PENDING, SUBSCRIBED)  # of several columns the first of these counts

# As `word` leaves them. In the languages of the programs and groups that people come from.
USUAL: Mapping[str, RowStatus] = {
    **dict.fromkeys(
        ("subscribed", "active", "confirmed", "enabled", "opted in", "opt in", "optin", "optedin", "regular", "valid",
         "added", "angemeldet", "abonniert", "aktiv", "abonne", "inscrit", "actif", "suscrito", "activo", "inscrito",
         "iscritto", "attivo", "ingeschreven", "actief", "previous bounce"), SUBSCRIBED),
    **dict.fromkeys(
        ("pending", "unconfirmed", "not confirmed", "unactivated", "validating", "awaiting confirmation",
         "double opt in pending", "unbestatigt", "en attente", "pendiente", "in attesa"), PENDING),
    **dict.fromkeys(
        ("no consent", "non subscribed", "nonsubscribed", "never", "never subscribed", "never opted in", "archived",
         "transactional", "no opt in", "not opted in"), NO_CONSENT),
    **dict.fromkeys(
        ("unsubscribed", "unsubscribe", "un subscribed", "not subscribed", "opted out", "opt out", "optout", "optedout",
         "left", "inactive", "removed", "deleted", "cancelled", "canceled", "signed off", "abgemeldet", "ausgetragen",
         "gekundigt", "abbestellt", "resilie", "avmeldt", "avregistrerad",
         "inaktiv", "desabonne", "desinscrit", "inactif", "dado de baja", "baja", "cancelado", "disiscritto",
         "cancellato", "uitgeschreven", "afgemeld", "descadastrado", "wypisany"), UNSUBSCRIBED),
    **dict.fromkeys(("unsubscribed everywhere", "globally unsubscribed", "global unsubscribe"), LEFT),
    **dict.fromkeys(
        ("bounced", "bounce", "bouncing", "cleaned", "hard bounce", "hard bounced", "hardbounce", "soft bounce",
         "soft bounced", "on hold bounce", "on hold", "invalid", "undeliverable", "undelivered", "bad", "malformed",
         "unzustellbar", "rebond", "rebotado", "dead"), BOUNCED),
    **dict.fromkeys(
        ("complained", "complaint", "complaints", "spam", "spam complaint", "previous spam complaint", "spam report",
         "spam reported", "marked as spam", "abuse", "abuse complaint", "junk", "reported"), COMPLAINED),
    **dict.fromkeys(
        ("staff", "blocked", "blocklisted", "blacklisted", "suppressed", "disabled", "banned", "do not mail",
         "do not email", "do not contact", "do not send", "do not mail me", "dnm", "gesperrt", "bloque", "bloqueado",
         "bloccato", "geblokkeerd", "deceased", "verstorben"), STAFF),
}  # fmt: skip
FLAGGED = ("previous bounce",)  # subscribed, with the word kept beside the person

YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "t",
        "1",
        "x",
        "on",
        "ja",
        "j",
        "oui",
        "si",
        "sim",
        "tak",
        "wahr",
        "vrai",
        "verdadero",
        "checked",
        "✓",
        "✔",
    ]
)
NO = frozenset(
    [
        "no",
        "n",
        "false",
        "f",
        "0",
        "off",
        "nein",
        "non",
        "nao",
        "nie",
        "nee",
        "falsch",
        "faux",
        "falso",
        "-",
        "none",
        "null",
        "n/a",
    ]
)
DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:[T ].*)?|\d\d?[./-]\d\d?[./-]\d{2,4}(?: .*)?")

# Unusual words, recognised by a part of them. A negated one ("not bounced") isn't understood.
_STEMS: tuple[tuple[RowStatus, re.Pattern[str]], ...] = (
    (COMPLAINED, re.compile(r"spam|abuse|complain|junk|plainte|beschwerde|queja")),
    (BOUNCED, re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b|bounc|undeliver|unzustell|invalid|mailbox full|no such user")),
    (UNSUBSCRIBED, re.compile(r"un ?subscri|unsub\b|opt(ed)? ?out|abgemeldet|abgemeldt|des(abonn|inscri)|disiscri")),
    (STAFF, re.compile(r"black ?list|block ?list|suppress|do not|banned")),
)
_NEGATED = re.compile(r"\b(not|no|never|non|nicht|kein|keine|pas|previously|was)\b(?! (longer )?subscri)")


def plain(text: str) -> str:
    """A text in small letters without accents, for comparing."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def word(value: str) -> str:
    """A value of a status column as the tables here write it: `Opted-Out` is "opted out"."""
    return re.sub(r"[\s_\u00a0-]+", " ", plain(value)).strip() or value.strip()


@dataclass(frozen=True, slots=True)
class Words:
    """What the values of one column say. None is nothing: then other columns decide."""

    exact: Mapping[str, RowStatus | None] = field(default_factory=dict[str, RowStatus | None])
    blank: RowStatus | None = None
    dates: RowStatus | None = None  # a date says since when
    others: bool = True  # the usual words count too
    ignored: bool = False  # what isn't known says nothing, as in a column of reasons

    def status_of(self, value: str) -> RowStatus | None:
        """The status a value means. Raises `KeyError` when it isn't known."""
        said = word(value)
        if not said:
            return self.blank
        if said in self.exact:
            return self.exact[said]
        if self.dates and DATE.fullmatch(value.strip()):
            return self.dates
        if self.others and said in USUAL:
            return USUAL[said]
        if said.isdecimal() and int(said[:9]) and self.exact.get("1", SUBSCRIBED) != SUBSCRIBED:
            return self.exact["1"]  # a number of bounces
        stem = next((status for status, pattern in _STEMS if pattern.search(said)), None)
        if stem and not _NEGATED.search(said):
            return stem
        if self.ignored:
            return None
        raise KeyError(value)


def flag(status: RowStatus, *, blank: RowStatus | None = None) -> Words:
    """A column whose "yes", or date, says that somebody left, bounced …; "no" says nothing."""
    return Words({**dict.fromkeys(YES, status), **dict.fromkeys(NO, None)}, blank=blank, dates=status)


def consent() -> Words:
    """A column whose "yes", or date, says that somebody agreed. An empty cell is no agreement."""
    yes_or_no = {**dict.fromkeys(YES, SUBSCRIBED), **dict.fromkeys(NO, UNSUBSCRIBED)}
    return Words(yes_or_no, blank=NO_CONSENT, dates=SUBSCRIBED)


# A column called status, of which it isn't known what 0, 1 and 2 mean.
STATUS = Words(
    {**dict.fromkeys(("yes", "true", "ja", "oui", "si"), SUBSCRIBED),
     **dict.fromkeys(("no", "false", "nein", "non"), UNSUBSCRIBED)}
)  # fmt: skip


# Parts of names, as `_parts` writes them: `emailOptOut`, `EMAIL_OPT_OUT` and `Email opt-out` are alike.
_POLARITY: tuple[tuple[re.Pattern[str], Words], ...] = (
    (re.compile(r"spam|complain|abuse|junk|plainte|beschwerde"), flag(COMPLAINED)),
    (re.compile(r"bounc|\bclean|\bbad\b|hold\b|undeliver|invalid|rebond|rebot|unzustell"), flag(BOUNCED)),
    (
        re.compile(r"un ?sub|opt(ed)? ?out|abmeld|abgemeld|austrag|widerspr|widerruf|des(abonn|inscri)|disiscri|"
                   r"\bbaja\b|uitgeschreven|afgemeld|wypis|no bulk"),
        flag(UNSUBSCRIBED),
    ),
    (
        re.compile(r"do ?not|\bdn[cme]\b|don t|disabled|black ?list|block|suppress|sperr|bloque|bloccat|deceased|"
                   r"verstorben|decede|delet|remov|archiv|keine|ne pas|no enviar|non inviare|nao enviar|niet e|geen|"
                   r"refus|exclu|inactiv"),
        flag(STAFF),
    ),
    (
        re.compile(r"opt(ed)? ?in\b|subscri|consent|consens|permission|gdpr|dsgvo|rgpd|einwillig|zustimm|abonn|"
                   r"inscri|suscri|iscri|toestemming|ingeschreven|zgoda|confirm|accept|agree|marketing|newsletter|"
                   r"mailable|active|enabled"),
        consent(),
    ),
)  # fmt: skip
_STRONG = re.compile(
    r"un ?sub|subscri|opt(ed)? ?(in|out)\b|bounc|\bclean(ed)?\b|clean ?time|spam|complain|abuse|\bhold\b|"
    r"onhold|\bbad\b|disabled|\bdo ?not\b|\bdo ?not ?(mail|e ?mail|contact|send|call)|\bdn[cme]\b|black ?list|"
    r"block ?list|blocked|suppress|consen[ts]|status|permission|gdpr|dsgvo|rgpd|undeliver|unconfirm|abmeld|"
    r"abgemeld|einwillig|zustimm|widerspr|gesperrt|des(abonn|inscri)|disiscri|abonn|rebond|rebot|plainte|"
    r"statut|\bstato\b|\bbaja\b|suscri|uitgeschreven|afgemeld|toestemming|wypis|zgoda|deceased|verstorben|"
    r"no bulk|keine e ?mail|ne pas|no enviar|non inviare|nao enviar|niet e ?mail|geen (bulk|e ?mail)|zuruckgestellt"
)
_WEAK = re.compile(
    r"accept|agree|newsletter|marketing|mailable|\b(in)?active\b|enabled|archived|deleted|removed|confirmed|"
    r"\bvalid\b|verified|refus|block|contactable|\bjunk\b|\bleft\b|inscri|iscri"
)
# Values that no column of another kind has.
_TELLING = frozenset(
    said for said in USUAL
    if said.startswith(("un", "opt", "bounc", "hard", "soft", "complain", "spam", "abuse", "do not", "black",
                        "blocklist", "cleaned", "suppress", "abgemeldet", "des", "disis", "uitges", "afgem",
                        "subscribed", "not subscribed", "non subscribed", "previous spam", "on hold", "suscrito",
                        "gekundigt", "abbestellt", "ausgetragen", "resilie"))
    and said not in ("undelivered", "unbestatigt")
)  # fmt: skip
TELLING_STEMS = ("subscri", "bounc", "complain", "opt", "spam", "abuse", "do not", "blacklist", "blocklist", "cleaned",
                 "suppress", "abgemeldet", "désabonn", "désinscri", "on hold", "on_hold", "gekündigt",
                 "gekundigt", "abbestellt", "ausgetragen", "résili")  # fmt: skip


def _parts(column: str) -> str:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", column))
    return re.sub(r"[^\w]+|_", " ", plain(split)).strip()


def words_for(column: str) -> Words:
    """How the values of a column with this name are to be read, once it is known to hold a status."""
    parts = _parts(column)
    return next((words for pattern, words in _POLARITY if pattern.search(parts)), STATUS)


def is_telling(value: str) -> bool:
    """Whether a value, or one tag among several in a cell, can only be about consent."""
    return any(word(part) in _TELLING for part in (value, *re.split(r"[,;|]", value)))


def looks_like_consent(column: str, values: Iterable[str]) -> bool:
    """Whether a column's name, or what was seen in it, may say who must not be mailed."""
    parts, seen = _parts(column), [value for value in values if value.strip()]
    if _STRONG.search(parts):
        agrees = any(pattern.search(parts) and words.blank for pattern, words in _POLARITY)
        return bool(seen) or agrees  # an empty column of those who left says nothing
    if any(is_telling(value) for value in seen):
        return True
    answers = (word(value) in YES | NO or bool(DATE.fullmatch(value.strip())) for value in seen)
    return bool(_WEAK.search(parts) and seen and all(answers))


_NAMES: tuple[tuple[RowStatus, re.Pattern[str]], ...] = (
    (NO_CONSENT, re.compile(r"non ?subscri|transactional|archived")),
    (COMPLAINED, re.compile(r"spam|complain|abuse|\bjunk\b")),
    (BOUNCED, re.compile(r"bounc|\bcleaned\b|undeliver|\binvalid\b")),
    (UNSUBSCRIBED, re.compile(r"un ?sub|opt(ed)? ?outs?\b|abgemeldet|des(abonn|inscri)|disiscri|\bleft\b")),
    (STAFF, re.compile(r"suppress|black ?list|block ?list|\bblocked\b|do ?not")),
    (PENDING, re.compile(r"unconfirmed|\bpending\b")),
)


def status_by_name(file: str) -> RowStatus | None:
    """What the name of a file says of everyone in it, such as `unsubscribed_members_export.csv`."""
    parts = _parts(file)
    return next((status for status, pattern in _NAMES if pattern.search(parts)), None)

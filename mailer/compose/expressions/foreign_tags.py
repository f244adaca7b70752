"""Merge tags as other programs write them, and ours when half typed: they would be mailed as they are.

Knows what their usual names are called here, so that a fault can name the tag to write. Only text outside of
Jinja's own constructs is checked; what is wrong inside of one is for `templating.unknown_names`, `parser` and
`templating.slips`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from mailer.diagnostics import Fix
from mailer.errors import nearest

# Names in other programs and languages, small and without blanks, dots and signs → the name here.
_NAMES: dict[str, tuple[str, ...]] = {
    "supporter.first_name": (
        "first", "firstname", "fname", "givenname", "forename", "vorname", "prenom", "prénom", "voornaam", "nombre",
        "primeironome", "contactfirst", "recipientfirst", "userfirstname", "informalname", "firstnameorfriend",
        "emailgreetingdisplay", "addresseedisplay",
    ),
    "supporter.last_name": (
        "last", "lastname", "lname", "surname", "familyname", "nachname", "nomdefamille", "achternaam", "apellido",
        "apellidos", "cognome", "sobrenome", "recipientlast",
    ),
    "supporter.name": ("name", "fullname", "displayname", "recipientname", "subscribername", "yourname", "toname"),
    "supporter.email": ("email", "emailaddress", "mail", "mailaddress", "recipientemail", "toemail", "subscriberemail"),
    "supporter.country": ("country", "countrycode", "countryname"),
    "supporter.language": ("language", "lang", "locale", "preferredlanguage"),
    "unsubscribe_url": (
        "unsubscribe", "unsub", "unsubscribeurl", "unsubscribelink", "unsubscribeme", "unsubscribetext", "optout",
        "optouturl", "optoutlink", "rawunsubscribe", "sgunsubscribeurl", "actionunsubscribeurl",
        "subscriptionunsubscribeurl", "listunsubscribe", "unsuburl",
    ),
    "view_url": (
        "archive", "archiveurl", "webversion", "webview", "webviewurl", "viewinbrowser", "browser", "mirror",
        "mailingviewurl", "messageurl", "webpage", "permalink", "view",
    ),
    "preferences_url": (
        "updateprofile", "preferences", "preferencesurl", "managepreferences", "manageurl", "preferencecenter",
        "subscriptionmanageurl", "profileurl",
    ),
    "organisation.name": ("listcompany", "company", "organization", "organisation", "organisationname", "domainname"),
    "organisation.postal_address": ("listaddress", "listaddresshtml", "domainaddress", "postaladdress"),
    "list.title": ("listname", "listtitle"),
}  # fmt: skip
HERE = {word: ours for ours, words in _NAMES.items() for word in words}
# Ordinary words that also appear in brackets and between signs without being a tag.
ORDINARY = frozenset(
    ("first", "last", "name", "mail", "email", "country", "language", "lang", "view", "archive", "browser", "mirror",
     "company", "organisation", "organization", "preferences", "nombre", "permalink", "webpage", "locale",
     "unsubscribe", "optout")
)  # fmt: skip
# Filters of Liquid, Django, Twig and Handlebars → ours.
FILTERS_HERE = {
    "fallback": "default", "default_if_none": "default", "defaultvalue": "default", "capitalize": "title",
    "capitalise": "title", "capfirst": "title", "titlecase": "title", "ucfirst": "title", "upcase": "upper",
    "uppercase": "upper", "downcase": "lower", "lowercase": "lower", "dateformat": "date", "date_format": "date",
    "intcomma": "number", "number_with_delimiter": "number", "url_encode": "urlencode",
}  # fmt: skip
STAND_IN = {"supporter.first_name": "friend", "supporter.name": "friend", "supporter.last_name": ""}
CONSTRUCT = re.compile(r"\{\{(?:(?!\n\s*\n).)*?\}\}|\{%(?:(?!\n\s*\n).)*?%\}|\{#.*?#\}", re.DOTALL)
STYLES = re.compile(r"<(mj-style|style)\b.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
FILLER = "\ue000"  # stands for each character of a construct that Jinja reads
# What other programs write behind a name for people who have none: |friend or default:'friend' or fallback=friend
_FALLBACK = re.compile(
    r"(?:fallback\s*=|default\s*[:=(]|[|,](?!\s*(?:default|fallback))|:(?=\s*[\"'“]))"
    r"\s*[\"'“‘]?(?P<words>[^\"'”’|,:=(){}\[\]%*]+)[\"'”’]?\s*\)?\s*$"
)
_NAME = r"[^\W\d_][\w.]*"

# Each with the name inside. What only looks like a tag when its name is one we know has its name in `known`.
_SURE = (
    r"\*\|(?P<mailchimp>[^|\n]{1,60})\|\*",  # *|FNAME|*
    r"<%[=-]?(?P<erb>[^%\n]{1,80}?)%>",  # <%= name %>
    r"<\?(?:=|php)(?P<php>[^?\n]{1,80}?)\?>",
    r"(?<!\\)\{\s+\{(?P<apart>[^{}\n]{1,80})\}\s*\}",  # { { x } }
    r"(?<!\\)\{\s*\{(?P<apart_end>[^{}\n]{1,80})\}\s+\}",
    rf"(?<![\\{{])\{{\s*(?P<half>{_NAME}[^{{}}\n]{{0,60}})\}}\}}",  # { x }}
    rf"{FILLER}[ \t]?(?P<closed_twice>\}}+)|(?P<opened_twice>(?<!\\)\{{+)[ \t]?(?={FILLER})",  # {{ x }}}
    # {contact.first_name}, {contactfield=firstname|friend}, {user_data~First Name}, {$name}, {!Contact.Name}
    r"(?<!\\)\{(?P<single>[$!]?[^\W\d_]\w*(?:[.:=~_]\w[\w ]*)+(?:[|,][^{}\n]*)?|[$!][^\W\d_]\w*)\}",
    r"(?<!\\)\}\}(?P<stray_end>)|(?<![\w%])%\}(?P<stray_block>)",
    r"(?<![\w%])%%(?P<percents>[^\W\d_][\w .]{0,40}?)%%(?![\w%])",
    r"(?<![\w%])%(?P<percent>[^\W\d_]\w*[._]\w[\w.]*|[A-Z]{3,}[A-Z_]*)%(?![\w%])",  # %recipient.first%, %FIRSTNAME%
    r"\[\[?(?P<bracket>(?:subscriber|data|user|contact|S1|var):[^\]\n]{1,60}|[^\W\d_]\w*\s*,\s*fallback=[^\]\n]{0,40})\]\]?",
)
_KNOWN = (
    rf"(?<![\\{{])[#$]?\{{\s*(?P<brace>{_NAME}\s*(?:[|,][^{{}}\n]*)?)\}}(?!\}})",  # {first_name}, {name, "friend"}
    r"(?<![\w%])%(?P<one_percent>[^\W\d_][\w ]*)%(?![\w%])",
    r"\[\[?(?P<brackets>[^\W\d_][\w ]*)\]\]?(?![\w(\[:])",
    r"(?<![\w-])-(?P<dashes>[^\W\d_]\w*)-(?![\w-])",  # -first_name-
    r"(?:«|<<|##|@@|\$\$|\|\|)\s*(?P<paired>[^\W\d_][\w ]*?)\s*(?:»|>>|##|@@|\$\$|\|\|)",
    r"\$(?P<dollar>[^\W\d_]\w*)\$?",
)
_ALWAYS_TAGS = ("brace", "one_percent")  # here even an ordinary word such as {name} is one
SURE = re.compile("|".join(_SURE))
KNOWN = re.compile("|".join(_KNOWN))


@dataclass(frozen=True, slots=True)
class ForeignTag:
    """What looks like a merge tag and would be mailed. `line` counts from 0; `remedy` names the tag to write."""

    message: str
    line: int
    remedy: str
    fix: Fix | None = None


@lru_cache(maxsize=128)  # every message asks of its templates
def foreign_tags(text: str, *, fields: frozenset[str], is_mjml: bool = False) -> tuple[ForeignTag, ...]:
    """What in `text` looks like a merge tag and isn't one. `fields` are those of the supporter."""
    return tuple(_found(text, fields, is_mjml=is_mjml))


def _found(text: str, fields: Collection[str], *, is_mjml: bool) -> Iterator[ForeignTag]:
    rest = CONSTRUCT.sub(lambda found: _filled(found[0], FILLER), text)
    if is_mjml:
        rest = STYLES.sub(lambda found: _filled(found[0], " "), rest)
    theirs = {plain(field) for field in fields}
    found = [(match, match.lastgroup or "") for match in SURE.finditer(rest)]
    taken = [match.span() for match, _ in found]
    for match in KNOWN.finditer(rest):
        kind = match.lastgroup or ""
        word = plain(_bare(match[kind]))
        known = kind in _ALWAYS_TAGS or word not in ORDINARY
        is_tag = (word in HERE and known) or (kind == "brace" and word in theirs)
        if is_tag and not any(start < match.end() and match.start() < end for start, end in taken):
            found.append((match, kind))
    for match, kind in sorted(found, key=lambda one: one[0].start()):
        line = rest.count("\n", 0, match.start())
        if kind in ("closed_twice", "opened_twice", "stray_end", "stray_block"):
            shown = _around(text, match)
            remedy = "A merge tag has two braces on each side: {{ supporter.first_name }}."
            yield ForeignTag(f"“{shown}” has a brace too many, which would be mailed", line, remedy)
        else:
            shown, ours = text[match.start() : match.end()], written_here(match[kind], fields=fields)
            remedy = tag_for(match[kind], fields=fields)
            message = f"{shown} is no merge tag and would be mailed as it is"
            yield ForeignTag(message, line, remedy, Fix(shown, ours) if ours else None)


def tag_for(name: str, *, fields: Collection[str]) -> str:
    """What to write in place of a tag with this name (and perhaps a fallback behind it)."""
    ours = written_here(name, fields=fields)
    if not ours:
        known = ", ".join(sorted(fields)[:12])
        return f"A merge tag is written {{{{ supporter.first_name }}}}; after supporter. you can write: {known}."
    return f"Here it is written {ours}."


def written_here(name: str, *, fields: Collection[str]) -> str:
    """The tag that does here what a tag with this name (and perhaps a fallback) does elsewhere; "" for none."""
    ours = name_here(name, fields=fields)
    if ours is None:
        return ""
    fallback = _FALLBACK.search(name)
    words = fallback["words"].strip() if fallback else STAND_IN.get(ours, "")
    ending = f' | default("{words}")' if words else ""
    return f"{{{{ {ours}{ending} }}}}"


def filter_hint(name: str, known: Collection[str]) -> str:
    """A remedy for a filter that isn't known."""
    ours = FILTERS_HERE.get(name.lower())
    return f"Here it is called {ours}." if ours in known else nearest(name, known)


def meant(name: str, known: Collection[str]) -> str:
    """The name of ours that it is so near to that nothing else can be meant; "" for none."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.75)), "")


def name_here(name: str, *, fields: Collection[str]) -> str | None:
    """What a name of another program is called here, such as supporter.first_name for contact.FIRSTNAME."""
    bare = _bare(name)
    ours = {plain(field): f"supporter.{field}" for field in fields}
    for part in (bare, *reversed(re.split(r"[.:=~]", bare))):
        word = plain(part)
        found = HERE.get(word) or ours.get(word)
        if found:
            return found
    return None


def plain(name: str) -> str:
    """A name in small letters, without blanks, dots and signs."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _bare(name: str) -> str:
    """The name without signs before it and a fallback behind it."""
    return re.split(r"[|,]", name.strip().lstrip("$!#/>.= "), maxsplit=1)[0].strip()


def _filled(text: str, sign: str) -> str:
    """As many characters, so that what is found keeps its place, and the same line breaks."""
    return "\n".join(sign * len(line) for line in text.split("\n"))


def _around(text: str, match: re.Match[str]) -> str:
    """The words around what was found, on its line."""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    return text[max(start, match.start() - 40) : (end if end >= 0 else len(text))][:60].strip()

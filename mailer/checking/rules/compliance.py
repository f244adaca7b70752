"""Rules of law and of the large mailbox providers: the way out, who mails, the headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.checking.registry import HEADERS, HTML, TEXT, looked_at_elsewhere, rule
from mailer.checking.rules.accessibility import font_pixels
from mailer.checking.specimen import Specimen
from mailer.compose.html_tree import Element
from mailer.diagnostics import Diagnostic, Level
from mailer.senders import domain_of

# Mailboxes for people: their DMARC has others refuse what anybody else mails in their name.
FREE_MAIL = ("gmail.com", "googlemail.com", "yahoo.com", "outlook.com", "hotmail.com", "live.com", "aol.com", "gmx.de",
             "gmx.net", "web.de", "icloud.com", "me.com", "mail.ru", "proton.me", "protonmail.com")  # fmt: skip
HTTPS_ADDRESS = re.compile(r"<https://[^>\s]+>")

looked_at_elsewhere(
    "law.no-unsubscribe", Level.ERROR, "the HTML has no unsubscribe link", waivable=False,
    why="The law asks for it nearly everywhere (CAN-SPAM 15 U.S.C. §7704(a)(5), GDPR art. 7(3)); without it people "
    "press “spam”.",
)  # fmt: skip
looked_at_elsewhere(
    "law.no-address", Level.ERROR, "the HTML has no postal address", waivable=False,
    why="CAN-SPAM, 15 U.S.C. §7704(a)(5)(A)(iii), and the laws of many countries ask for it.",
)  # fmt: skip


@rule(
    "law.hidden", Level.ERROR, "the unsubscribe link or the postal address can't be seen",
    why="What people can't see doesn't count, neither for the law nor for them.",
)  # fmt: skip
def hidden(specimen: Specimen) -> Iterator[Diagnostic]:
    leaving = [element for element in specimen.html.find("a") if "/u/" in element.attrs.get("href", "")]
    if leaving and not any(_seen(element) for element in leaving):
        yield Diagnostic("the unsubscribe link is hidden or tiny", HTML, "Show it readably in the footer.")
    address = _bare(specimen.settings.organisation.postal_address)
    if address and address not in _bare(specimen.html.text()):
        yield Diagnostic("the postal address is hidden", HTML, "Show it readably in the footer.")


@rule(
    "law.text", Level.ERROR, "the plain text has no unsubscribe address, or no postal address",
    why="People who read the text have the same rights.",
)  # fmt: skip
def text(specimen: Specimen) -> Iterator[Diagnostic]:
    if not specimen.source.is_thanks and f"{specimen.message.public_url}/u/" not in specimen.text:
        yield Diagnostic("the text has no unsubscribe address", TEXT, "Write {{ unsubscribe_url }} in it.")
    if _bare(specimen.settings.organisation.postal_address) not in _bare(specimen.text):
        yield Diagnostic("the text has no postal address", TEXT, "Write {{ organisation.postal_address }} in it.")


@rule(
    "law.headers", Level.ERROR, "the List headers are not what Gmail and Yahoo ask of bulk mail",
    why="Without List-Unsubscribe by https and its one-click companion (RFC 8058) they deliver to the spam folder.",
)  # fmt: skip
def headers(specimen: Specimen) -> Iterator[Diagnostic]:
    if specimen.source.is_thanks:  # no list's mail
        return
    leaving = specimen.headers.get("list-unsubscribe", "")
    outward = specimen.settings.transport != "outbox" and not specimen.is_example
    if not leaving or (outward and not HTTPS_ADDRESS.search(leaving)):
        remedy = "Set public.url in mailer.toml to an https address."
        yield Diagnostic("List-Unsubscribe names no https address", HEADERS, remedy)
    if specimen.headers.get("list-unsubscribe-post") != "List-Unsubscribe=One-Click":
        yield Diagnostic("List-Unsubscribe-Post is missing", HEADERS, "It must say List-Unsubscribe=One-Click.")
    if f"<{specimen.definition.list_id}>" not in specimen.headers.get("list-id", ""):
        yield Diagnostic("List-ID doesn't name the list", HEADERS, "Set list_id in the list's file.")


@rule(
    "law.alignment", Level.WARNING, "From is at another domain than the one that is vouched for",
    why="DMARC (RFC 9989) lets a mail pass when the return path (SPF) or the signature (DKIM) is of From's domain.",
)  # fmt: skip
def alignment(specimen: Specimen) -> Iterator[Diagnostic]:
    domain = domain_of(specimen.message.from_)
    own, returning = domain_of(specimen.settings.sender.from_), domain_of(specimen.settings.bounces.address)
    place = specimen.source.place("from")
    if returning and not _aligned(domain, returning):
        yield Diagnostic(f"From is at {domain}, and mails come back to {returning}", place,
                         f"Take a bounces.address at {domain}, or a From at {returning}.")  # fmt: skip
    elif own and specimen.settings.sender.dkim_selectors and not _aligned(domain, own):
        yield Diagnostic(f"From is at {domain}, and the DKIM selectors in mailer.toml are those of {own}", place,
                         f"Make sure that {domain} has DKIM too: mailer doctor")  # fmt: skip


@rule(
    "law.free-mail", Level.ERROR, "From is a mailbox of a provider for people, such as gmail.com",
    why="These domains tell others to refuse mail in their name that they didn't send (DMARC).",
)  # fmt: skip
def free_mail(specimen: Specimen) -> Iterator[Diagnostic]:
    domain = domain_of(specimen.message.from_)
    if domain in FREE_MAIL:
        yield Diagnostic(f"From is at {domain}", specimen.source.place("from"), "Mail from a domain of your own.")


def _aligned(one: str, other: str) -> bool:
    """Relaxed alignment, without the list of public suffixes: the same, or one below the other or beside it."""
    if one == other or one.endswith(f".{other}") or other.endswith(f".{one}"):
        return True
    parents = one.partition(".")[2], other.partition(".")[2]
    return parents[0] == parents[1] and parents[0].count(".") >= 1


def _seen(element: Element) -> bool:
    return not element.hidden and bool(element.text(alternatives=True)) and font_pixels(element) >= 9


def _bare(words: str) -> str:
    return " ".join(words.split())

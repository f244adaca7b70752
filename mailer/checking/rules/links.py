"""Rules about links: where they lead, what they are called, how often the action is offered. Asking is for
`evidence.link_probe`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from mailer.checking.registry import rule
from mailer.checking.specimen import Specimen, host_of, is_reserved
from mailer.compose.message import as_written
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import nearest
from mailer.locale.language import choose, later
from mailer.transports.loopback import on_this_machine

# Translators: Words of a link that say nothing about where it leads, in small letters. Write those that your language
# has, as many as there are, with | between.
VAGUE = later(
    "here|click here|click|more|read more|learn more|this link|link|this page|go|continue|see more|find out more|"
    "more info"
)
SHORTENERS = ("bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly", "t.co",
              "t.ly", "tiny.cc", "tinyurl.com")  # fmt: skip
LOOKS_LIKE_ADDRESS = re.compile(r"(https?://|www\.)\S+|[\w-]+(\.[\w-]+)*\.(org|com|net|info|eu|uk|de|fr|int)(/\S*)?")
SEVERAL_LINKS = 2  # a mail with this many others has several stories and several asks


@rule(
    "links.placeholder", Level.ERROR, "a link leads to “#” or to a name that nobody owns, such as example.org",
    why="It was to be filled in later, and people would land nowhere. In a workspace whose own sender is still at "
    "such a name, example.org counts as its site.",
)  # fmt: skip
def placeholder(specimen: Specimen) -> Iterator[Diagnostic]:
    remedy = "Write the address it should lead to."
    for link, place in specimen.links():
        if is_reserved(host_of(link.url)) and not specimen.is_example:
            yield Diagnostic(f"the link “{link.label}” leads to {link.url}", place, remedy)
    for element in specimen.html.find("a"):
        href = element.attrs.get("href", "").strip()
        if "href" in element.attrs and href in ("", "#"):
            words = element.text()
            yield Diagnostic(f"the link “{words}” leads to “{href}”", specimen.place_of(words), remedy)


@rule(
    "links.anchor", Level.ERROR, "a link leads to a part of the mail that isn't there, such as (#part-two)",
    why="People click it and nothing happens. A heading is found by its words in small letters, with hyphens between.",
)  # fmt: skip
def anchor(specimen: Specimen) -> Iterator[Diagnostic]:
    places = {element.attrs[key] for element in specimen.html.walk() for key in ("id", "name") if key in element.attrs}
    for href in dict.fromkeys(element.attrs.get("href", "").strip() for element in specimen.html.find("a")):
        if href.startswith("#") and len(href) > 1 and href != "#top" and unquote(href[1:]) not in places:
            headings = [name for name in places if not name.isdigit()]
            yield Diagnostic(
                f"nothing in the mail is called {href}", specimen.place_of(href), nearest(href[1:], headings)
            )


@rule(
    "links.syntax", Level.WARNING, "a link's address looks mistyped",
    why="It is an address by its form, and leads to nobody's site.",
)  # fmt: skip
def syntax(specimen: Specimen) -> Iterator[Diagnostic]:
    for link, place in specimen.links():
        url, host = link.url, host_of(link.url)
        rest = url.partition("://")[2]
        if not host or ("." not in host and ":" not in host and not on_this_machine(host) and "{{" not in url):
            yield Diagnostic(f"the link “{link.label}” names no site: {url}", place, "Look at the address.")
        elif re.match(r"https?:/?/?", rest) or rest.startswith("/"):
            yield Diagnostic(f"{url} has two beginnings", place, "Take one https:// out.")
        elif re.search(r"([.,;:!]|&nbsp;|%20|[\])>\"'”’]+[.,;]?)$", url.partition("?")[0]) and not _balanced(url):
            yield Diagnostic(
                f"{url} ends with a sign that looks like the sentence's", place, "Take it out of the link."
            )


@rule(
    "links.insecure", Level.WARNING, "a link begins with http:// where https:// should be",
    why="Anyone on the network can read and change what people see and sign; browsers warn of such sites.",
)  # fmt: skip
def insecure(specimen: Specimen) -> Iterator[Diagnostic]:
    for link, place in specimen.links():
        host = host_of(link.url)
        if link.url.lower().startswith("http://") and not on_this_machine(host):
            yield Diagnostic(f"{link.url} begins with http://", place, f"Write https://{link.url[7:]}")
    public = specimen.settings.public.url
    if public.startswith("http://") and specimen.settings.transport != "outbox" and not specimen.is_example:
        words = f"every link of the mail begins with {public}"
        yield Diagnostic(
            words,
            Place(part="mailer.toml"),
            "Give the server a certificate: docs/deploy.md. Then set public.url in mailer.toml.",
        )


@rule(
    "links.action-missing", Level.WARNING, "the message has an action, and no link leads to it",
    why="People are asked to do something and find no way to do it.",
)  # fmt: skip
def action_missing(specimen: Specimen) -> Iterator[Diagnostic]:
    if specimen.source.action and not any(link.is_action for link in specimen.message.links):
        remedy = "Write `::: ask` and `:::` on two lines where the button should be, or [words](action)."
        yield Diagnostic("the action's link is nowhere in the mail", specimen.source.place("action"), remedy)


@rule(
    "links.action-once", Level.NOTE, "the action is offered only once in a mail that asks for one thing",
    why="People won over by the first lines, and those who read to the end, should find it without scrolling. A mail "
    "with two or more other links tells several stories, and is left alone.",
)  # fmt: skip
def action_once(specimen: Specimen) -> Iterator[Diagnostic]:
    links = specimen.message.links
    actions = [link for link in links if link.is_action]
    others = {link.url for link in links if not link.is_action and link.placement not in ("footer", "footnote")}
    if len(actions) == 1 and len(others) < SEVERAL_LINKS:
        remedy = "Ask once near the top and once at the end: `::: ask` and `:::`, or [words](action)."
        yield Diagnostic("the action is offered only once", specimen.source.place("action"), remedy)


@rule(
    "links.vague", Level.WARNING, "a link's words don't say where it leads, such as “click here”",
    why="Read aloud in a list of links, or seen at a glance, it says nothing. 17.6 % of mails have such links.",
)  # fmt: skip
def vague(specimen: Specimen) -> Iterator[Diagnostic]:
    known = {*VAGUE.split("|"), *choose(specimen.message.language).say(VAGUE).split("|")}
    told: set[str] = set()
    for element in specimen.html.find("a"):
        words = element.text(alternatives=True)
        bare = words.lower().strip(" .!?:…>›»→")
        if bare in known and bare not in told and not element.hidden:
            told.add(bare)
            yield Diagnostic(
                f"a link is called “{words}”", specimen.place_of(words), "Say where it leads: “Read their answer”."
            )


@rule(
    "links.address-as-words", Level.WARNING, "a link's words are an address",
    why="The link goes through this server to be counted, so the address that is shown isn't the one that is opened; "
    "filters take that for phishing.",
)  # fmt: skip
def address_as_words(specimen: Specimen) -> Iterator[Diagnostic]:
    for element in specimen.html.find("a"):
        words = element.text()
        if specimen.link_of(element) and LOOKS_LIKE_ADDRESS.fullmatch(words.lower()):
            yield Diagnostic(f"the link “{words}” shows an address", specimen.place_of(words),
                             "Write words instead: [our report](https://…).")  # fmt: skip


@rule(
    "links.shortener", Level.WARNING, "a link goes through an address shortener",
    why="Filters distrust shorteners, since spam hides behind them; clicks are counted here anyway.",
)  # fmt: skip
def shortener(specimen: Specimen) -> Iterator[Diagnostic]:
    for link, place in specimen.links():
        if host_of(link.url) in SHORTENERS:
            yield Diagnostic(f"{link.url} is a shortened address", place, "Write the address it leads to.")


@rule(
    "links.action-page", Level.ERROR, "the action's address doesn't match its page",
    why="The mail would send people to a page that isn't there, or past the one that is.",
)  # fmt: skip
def action_page(specimen: Specimen) -> Iterator[Diagnostic]:
    action, slug = specimen.source.action, specimen.source.newsletter.slug
    if action is None or action.page:  # the page beside the message: `compose` knows its address
        return
    stem = f"{specimen.settings.public.url}/act/"
    place = specimen.source.place("action.url")
    if action.url.startswith(stem):
        named = re.split(r"[/?#]", action.url[len(stem) :])[0]
        if "{" not in named and named not in specimen.pages:
            remedy = f"Write newsletters/{named or slug}/action.md, or correct the address."
            yield Diagnostic(f"{action.url} is an address of ours, and there is no page for it", place, remedy)
    elif slug in specimen.pages and not specimen.source.is_thanks:  # whose readers have signed
        yield Diagnostic(f"this newsletter has a sign page, and its action leads to {action.url}", place,
                         f"Write url: {stem}{slug}")  # fmt: skip


@rule(
    "links.unreachable", Level.WARNING, "a link's site doesn't answer, or says that there is no such page (--online)",
    why="People would land on an error.",
)  # fmt: skip
def unreachable(specimen: Specimen) -> Iterator[Diagnostic]:
    for link, place in specimen.links():
        answer = specimen.answers.get(link.url)
        if answer and not 200 <= answer.status < 400:
            said = f"answers {answer.status}" if answer.status else f"couldn't be reached: {answer.reason}"
            yield Diagnostic(f"{link.url} {said}", place, "Open it in a browser; some sites refuse programs.")


@rule(
    "links.redirect", Level.NOTE, "a link's site sends people on to another address (--online)",
    why="It works today; the address it leads to is quicker and lasts longer.",
)  # fmt: skip
def redirect(specimen: Specimen) -> Iterator[Diagnostic]:
    for link, place in specimen.links():
        answer = specimen.answers.get(link.url)
        if answer and answer.redirects and 200 <= answer.status < 300:
            path = " → ".join((as_written(specimen.message, link.destination), *answer.redirects))
            yield Diagnostic(path, place, f"Write {answer.redirects[-1]}")


def _balanced(url: str) -> bool:
    """Whether a bracket at the end belongs to the address, as in …/Rome_(film)."""
    return url.endswith(")") and url.count("(") == url.count(")")

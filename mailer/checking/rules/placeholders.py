"""The rule on what the sample left behind: example.org and its like, anywhere in what would be mailed.

A link's own address is looked at by `links.placeholder`; this looks at words, addresses, headers and settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.checking.registry import rule
from mailer.checking.specimen import Specimen
from mailer.compose.message import Parts, as_written
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.senders import RESERVED_DOMAINS

RESERVED = re.compile(
    rf"(?<![\w@.-])(?:[\w.+-]+@)?(?:[\w-]+\.)*(?:{'|'.join(map(re.escape, RESERVED_DOMAINS))})(?![\w-]|\.\w)",
    re.IGNORECASE,
)
UNREAD = re.compile(r"<style.*?</style>|supporter\.\w+", re.DOTALL)  # p.example is a class, and a field may be a test
LONE = re.compile(r"[a-z]+", re.IGNORECASE)  # the word example, or test, is no site
SAMPLE_NAME = "Example Campaigns"
SAMPLE_ADDRESS = "1 Example Street"
SETTINGS = Place("mailer.toml")


@rule(
    "law.placeholder", Level.ERROR, "something of the sample is left: example.org or its like, or the sample's name",
    why="People would read it, answer to it or leave by it, and it belongs to nobody. In a workspace whose own sender "
    "is still the sample's, nobody real is mailed, and nothing is said.",
)  # fmt: skip
def placeholder(specimen: Specimen) -> Iterator[Diagnostic]:
    if specimen.is_example and _names(specimen.message.from_):
        return
    told: set[str] = set()
    for what, text, place in _said(specimen):
        for name in _names(text):
            if name not in told:
                told.add(name)
                message = f"{what}: {name} is a name that nobody can own"
                yield Diagnostic(message, place or specimen.place_of(name), "Write your own in its place.")
    organisation = specimen.settings.organisation
    for text, sample in ((organisation.name, SAMPLE_NAME), (organisation.postal_address, SAMPLE_ADDRESS)):
        if text.startswith(sample):
            yield Diagnostic(
                f"the organisation still has the sample's: {text}", SETTINGS, "Write your own below [organisation]."
            )


def _said(specimen: Specimen) -> Iterator[tuple[str, str, Place | None]]:
    """What would be mailed, with what it is and the file it comes from: settings first, for they explain the rest."""
    settings, definition, message = specimen.settings, specimen.definition, specimen.message
    of_list = Place(f"lists/{definition.name}.toml")
    organisation = settings.organisation
    for text in (organisation.name, organisation.postal_address, organisation.website):
        yield "the organisation", text, SETTINGS
    yield "List-Unsubscribe", settings.public.unsubscribe_mailto, SETTINGS
    yield "the public address", settings.public.url, SETTINGS
    yield "the return path", settings.bounces.address, SETTINGS
    yield "List-ID", definition.list_id, of_list
    yield "the list's title", definition.title, of_list
    for text in (definition.description, *definition.descriptions.values()):
        yield "the list's description", text, of_list
    yield "From", message.from_, specimen.source.place("from") if specimen.source.from_ else None
    yield "Reply-To", message.reply_to, specimen.source.place("reply_to") if specimen.source.reply_to else None
    for what, parts in (("subject", message.subject), ("preheader", message.preheader), ("text", message.text),
                        ("HTML", message.html)):  # fmt: skip
        yield what, _written(specimen, parts), None


def _written(specimen: Specimen, parts: Parts) -> str:
    """Parts with the merge tags as staff wrote them, without what nobody reads and the addresses that links lead to."""
    text = UNREAD.sub("", as_written(specimen.message, parts)).replace(specimen.message.public_url, "")
    for link in specimen.message.links:  # where a link's words are its address
        text = text.replace(link.url, "")
    return text


def _names(text: str) -> list[str]:
    return [found[0] for found in RESERVED.finditer(text) if not LONE.fullmatch(found[0])]

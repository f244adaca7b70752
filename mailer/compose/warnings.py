"""What is looked at beside the form: things that are allowed and still go wrong in people's inboxes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape

from markupsafe import escape

from mailer.compose.expressions.foreign_tags import foreign_tags
from mailer.compose.message import Choice, Context, Slot
from mailer.compose.source.message_file import Source
from mailer.compose.templating.deferred import PERSONAL_ADDRESSES
from mailer.compose.templating.render import Resolved
from mailer.diagnostics import Diagnostic, Level, Place

CLIPPED_BYTES = 102_000  # Gmail shows about the first 102 KB of a mail and hides the rest, the unsubscribe link with it
HEAVY_BYTES = 80_000
MARKUP = re.compile(r"<[^>]*>")
LONG_SUBJECT = 78  # characters; phones show about 35


def vet_words(source: Source, fields: frozenset[str]) -> list[Diagnostic]:
    """Faults in what the author wrote that no parser would mind. `fields` are those of the supporter."""
    faults: list[Diagnostic] = []
    texts = [(source.place(key), text) for key, text in texts_of(source).items()]
    texts.append((Place(source.file, source.body_line), source.body))
    for place, text in texts:
        faults += vet_tags(text, place, fields=fields, is_mjml=source.is_mjml)
    if not source.preheader:
        remedy = "Add preheader: and a sentence of 40 to 100 characters; inboxes show it after the subject."
        where = source.place("subject")
        faults.append(
            Diagnostic("there is no preheader", where, remedy, level=Level.WARNING, rule="subject.no-preheader")
        )
    if len(source.subject) > LONG_SUBJECT and "{" not in source.subject:
        faults.append(
            Diagnostic(f"the subject has {len(source.subject)} characters", source.place("subject"),
                  "Inboxes cut it off: put what matters into the first 35.", level=Level.WARNING, rule="subject.long")
        )  # fmt: skip
    return faults


def vet_tags(text: str, place: Place, *, fields: frozenset[str], is_mjml: bool) -> list[Diagnostic]:
    """Merge tags of other programs, and half of ours, in a text that begins at `place`."""
    found = foreign_tags(text, fields=fields, is_mjml=is_mjml)
    places = ((tag, Place(place.file, (place.line or 1) + tag.line)) for tag in found)
    rule = "writing.foreign-tag"
    return [Diagnostic(tag.message, at, tag.remedy, rule=rule, fix=tag.fix) for tag, at in places]


def vet_layout(layout: Resolved, *, postscripts: Iterable[str], picture: str) -> Iterator[Diagnostic]:
    """What a template made before there was a P.S. would leave out of the mail, where nobody would see that."""
    for html in postscripts:
        if html not in layout.text:
            remedy = '{% for block in postscripts %}{% include "blocks/" ~ block.kind ~ ".mjml" %}{% endfor %}'
            yield Diagnostic("the template doesn't show a P.S.", layout.place(1), f"Add to it: {remedy}")
    if picture and str(escape(picture)) not in layout.text:
        remedy = "See templates/blocks/signature.mjml for how it is shown."
        yield Diagnostic("the template doesn't show the signature's picture", layout.place(1), remedy)


def texts_of(source: Source) -> dict[str, str]:
    """What people read or follow of the front matter, by its key."""
    action = {"action.url": source.action.url, "action.label": source.action.label} if source.action else {}
    texts = {"subject": source.subject, "preheader": source.preheader, "headline": source.headline}
    return {**texts, **action, **source.fields, "signature": source.signature}


def vet_leaving(slots: Iterable[Slot | Choice], source: Source) -> list[Diagnostic]:
    """That a newsletter has its link for leaving, and a thanks.md none of the person's own addresses: somebody who
    signed is on no list by that."""
    found, place = {(slot.source, slot.context) for slot in slots if isinstance(slot, Slot)}, Place(source.file)
    if source.is_thanks:
        shown = {source for source, _ in found}
        remedy = "Show it in newsletters only, as blocks/footer.mjml does: {% if not message.is_thanks %} …"
        names = (name for name in PERSONAL_ADDRESSES if name in shown)
        return [Diagnostic(f"a thanks.md has no {{{{ {name} }}}}", place, remedy) for name in names]
    if found & {("unsubscribe_url", Context.ATTRIBUTE), ("unsubscribe_url", Context.HTML)}:
        return []
    remedy = 'Put it into the footer: <a href="{{ unsubscribe_url }}">Unsubscribe</a>'
    return [Diagnostic("the mail has no link for leaving", place, remedy, rule="law.no-unsubscribe")]


def vet_finished(html: str, *, file: str, address: str) -> list[Diagnostic]:
    """Faults of the finished mail: what the law asks for, and its size."""
    faults: list[Diagnostic] = []
    words = unescape(" ".join(MARKUP.sub(" ", html).split()))
    if " ".join(address.split()) not in words:
        remedy = "Put it into the footer: {{ organisation.postal_address }}"
        faults.append(Diagnostic("the mail has no postal address", Place(file), remedy, rule="law.no-address"))
    size = len(html.encode())
    if size > HEAVY_BYTES:
        clipped = "cuts it off" if size > CLIPPED_BYTES else f"cuts mails off at about {CLIPPED_BYTES:,} bytes"
        what = f"the HTML is {size:,} bytes; Gmail {clipped}"
        faults.append(Diagnostic(what, Place(file), "Shorten it.", level=Level.WARNING, rule="size.heavy"))
    return faults

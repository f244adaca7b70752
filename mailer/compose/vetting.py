"""What is looked at beside the form: things that are allowed and still go wrong in people's inboxes."""

from __future__ import annotations

import re
from html import unescape

from mailer.compose.source import Source
from mailer.errors import Fault, Place

CLIPPED_BYTES = 102_000  # Gmail shows about the first 102 KB of a mail and hides the rest, the unsubscribe link with it
HEAVY_BYTES = 80_000
MARKUP = re.compile(r"<[^>]*>")
LONG_SUBJECT = 78  # characters; phones show about 35
# Merge tags as other programs write them: they would reach people as they are.
FOREIGN_TAG = re.compile(
    r"\*\|[A-Z_:0-9]+\|\*"  # *|FNAME|*
    r"|(?<![{%#])\{(?:(?:first|last|full)?[_-]?name|[fl]name|email|country)\}(?!\})"  # {first_name}
    r"|%(?:FIRST|LAST)_?NAME%"
    r"|\[\[?(?:first|last)[_ ]?name\]\]?",
    re.IGNORECASE,
)


def vet_words(source: Source) -> list[Fault]:
    """Faults in what the author wrote that no parser would mind."""
    faults: list[Fault] = []
    lines = [(source.place(key), text) for key, text in (("subject", source.subject), ("preheader", source.preheader))]
    lines += [
        (Place(source.file, number), line) for number, line in enumerate(source.body.split("\n"), source.body_line)
    ]
    for place, text in lines:
        for found in FOREIGN_TAG.finditer(text):
            hint = 'Here it is written {{ supporter.first_name | default("friend") }}.'
            what = f"{found[0]} is no merge tag and would be mailed as it stands"
            faults.append(Fault(what, place, hint, rule="writing.foreign-tag"))
    if not source.preheader:
        hint = "Add preheader: and a sentence of 40 to 100 characters; inboxes show it after the subject."
        where = source.place("subject")
        faults.append(Fault("there is no preheader", where, hint, warning=True, rule="subject.no-preheader"))
    if len(source.subject) > LONG_SUBJECT and "{" not in source.subject:
        faults.append(
            Fault(f"the subject has {len(source.subject)} characters", source.place("subject"),
                  "Inboxes cut it off: put what matters into the first 35.", warning=True, rule="subject.long")
        )  # fmt: skip
    return faults


def vet_finished(html: str, *, file: str, unsubscribes: bool, address: str) -> list[Fault]:
    """Faults of the finished mail: what the law asks for, and its size."""
    faults: list[Fault] = []
    if not unsubscribes:
        hint = 'Put it into the footer: <a href="{{ unsubscribe_url }}">Unsubscribe</a>'
        faults.append(Fault("the mail has no link for leaving", Place(file), hint, rule="law.no-unsubscribe"))
    words = unescape(" ".join(MARKUP.sub(" ", html).split()))
    if " ".join(address.split()) not in words:
        hint = "Put it into the footer: {{ organisation.postal_address }}"
        faults.append(Fault("the mail has no postal address", Place(file), hint, rule="law.no-address"))
    size = len(html.encode())
    if size > HEAVY_BYTES:
        clipped = "cuts it off" if size > CLIPPED_BYTES else "cuts mails off at about 102,000 bytes"
        what = f"the HTML is {size:,} bytes; Gmail {clipped}"
        faults.append(Fault(what, Place(file), "Shorten it.", warning=True, rule="size.heavy"))
    return faults

"""What merge tags say of the petition that a newsletter's front matter names, such as {{ petition.signatures }}.

How many had signed and the day of the delivery are known once it is noted, and don't change after that: a mail that was
approved says the same when it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from mailer.audience.petition.delivered import petition_delivered
from mailer.compose.source.message_file import Source
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError, nearest
from mailer.locale.language import Language
from mailer.workspace import Newsletter

PETITION = "petition"  # the name before the dot
DELIVERED = ("signatures", "delivered", "note")


def in_each_language(source: Source, done: Callable[[Source], Source]) -> Source:
    """The source with that done to it and to each of its translations, and to the versions of its test."""
    return replace(
        done(source), translations=tuple(map(done, source.translations)),
        variants=tuple(in_each_language(one, done) for one in source.variants),
    )  # fmt: skip


def telling(connection: Connection, source: Source, language: Language) -> Source:
    """The source with what is known of its petition, and what is wrong with naming it among its faults."""
    from mailer.compose.action_page.versions import read_page_versions  # few newsletters tell of one

    workspace, slug = source.newsletter.workspace, source.petition
    newsletter = Newsletter(workspace, slug)
    try:
        page = read_page_versions(workspace.newsletter(slug))[0].best([source.language])
    except MailerError as error:
        pages = workspace.action_pages()
        remedy = f"mailer check {slug}" if slug in pages else nearest(slug, pages)
        fault = Diagnostic(f"petition names {slug!r}: {error.message}", source.place(PETITION), remedy)
        return replace(
            source, faults=(*source.faults, fault), told={PETITION: dict.fromkeys(("headline", "url"), slug)}
        )
    told = {"headline": page.headline, "url": address_of_page(newsletter)}
    kept = petition_delivered(connection, slug)
    if kept is not None:
        figures = (language.number(kept.signatures), language.day(kept.day), kept.note)
        return replace(source, told={PETITION: told | dict(zip(DELIVERED, figures, strict=True))})
    faults = [
        Diagnostic(
            f"{slug} isn't noted as delivered, so there is no {PETITION}.{name} yet", source.place(PETITION),
            f"When it is: mailer signatures {slug} --delivered DAY",
        )
        for name in DELIVERED
        if f"{PETITION}.{name}" in f"{source.subject}{source.preheader}{source.headline}{source.body}"
    ]  # fmt: skip
    known = told | dict.fromkeys(DELIVERED, "?") if faults else told
    return replace(source, faults=(*source.faults, *faults), told={PETITION: known})


def address_of_page(newsletter: Newsletter) -> str:
    """Where its sign page is."""
    return f"{newsletter.workspace.settings.public.url}/act/{newsletter.slug}"

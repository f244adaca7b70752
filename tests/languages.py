"""A newsletter in three languages, and people who read all kinds of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id
from mailer.store.engine.database import Database
from mailer.store.tables.core import people, subscriptions
from mailer.workspace import Newsletter, Workspace

SLUG = "river"
KEY = b"an-address-key-for-tests-that-is-long-enough"
ORIGINAL = """\
---
subject: Clean our river
preheader: "The council decides in three weeks, and has heard from nobody yet but its treasurer."
list: supporters
template: appeal
language: en
action:
  page: true
  label: Add your name
---
Dear {{ supporter.first_name | default("friend") }},

Sewage runs into our river. [Read the report](https://example.org/report).

::: ask
:::
"""
FRENCH = """\
---
subject: Nettoyons notre rivière
preheader: "Le conseil décide dans trois semaines, et personne ne lui a encore écrit."
action:
  label: Je signe
---
Bonjour {{ supporter.first_name | default("à toutes et à tous") }},

Les égouts coulent dans notre rivière.

::: ask
:::
"""
BRAZILIAN = """\
---
subject: Limpe o nosso rio
preheader: "O conselho decide em três semanas, e ainda não ouviu ninguém além do tesoureiro."
action:
  label: Assine
---
Olá {{ supporter.first_name | default("você") }},

O esgoto corre para o nosso rio.

::: ask
:::
"""
PAGE = """\
---
headline: Clean our river
statement: We ask the council to stop the sewage.
target: 1000
---
The council decides in three weeks.
"""
FRENCH_PAGE = """\
---
headline: Nettoyons notre rivière
statement: Nous demandons au conseil d’arrêter les rejets.
---
Le conseil décide dans trois semaines.
"""
SUBJECTS = {"": "Clean our river", "fr": "Nettoyons notre rivière", "pt-BR": "Limpe o nosso rio"}
# What somebody reads, and the version that is theirs.
READERS = {
    "": "", "en": "", "en-GB": "", "de": "", "fr": "fr", "fr-CA": "fr", "FR": "fr", "pt-BR": "pt-BR", "pt": "pt-BR",
    "pt-PT": "pt-BR", "zh-Hant-TW": "", "x": "",
}  # fmt: skip


def write(workspace: Workspace, **files: str) -> Newsletter:
    """The newsletter, with `message_fr="…"` and the like in place of its own texts; "" leaves one out."""
    folder = workspace.newsletters / SLUG
    folder.mkdir(exist_ok=True)
    texts = {
        "message": ORIGINAL, "message_fr": FRENCH, "message_pt-BR": BRAZILIAN, "action": PAGE, "action_fr": FRENCH_PAGE,
    } | files  # fmt: skip
    for name, text in texts.items():
        path = folder / f"{name.replace('_', '.')}.md"
        path.unlink(missing_ok=True)
        if text:
            path.write_text(text, encoding="utf-8")
    return workspace.newsletter(SLUG)


def add_readers(database: Database, *, each: int, now: datetime) -> dict[str, str]:
    """So many people of each kind, on the list; each address with the language it reads."""
    known = {
        f"reader{number}-{place}@example.org": language
        for place, language in enumerate(READERS)
        for number in range(each)
    }
    with database.write() as connection:
        supporters = list_id(connection, "supporters")
        rows = [
            {
                "address": address, "address_hash": address_hash(address, KEY), "language": language,
                "first_name": f"First{address[6:8]}", "created_at": now, "updated_at": now,
            }
            for address, language in sorted(known.items())
        ]  # fmt: skip
        connection.execute(insert(people), rows)
        ids = connection.execute(select(people.c.id).where(people.c.address.in_(known))).scalars()
        standing = {"list_id": supporters, "status": "subscribed", "changed_at": now}
        connection.execute(insert(subscriptions), [{**standing, "person_id": person} for person in ids])
    return known

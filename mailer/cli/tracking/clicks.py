"""`mailer clicks recompute`: re-classifies each stored hit by the current rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.context import note, print_json, workspace_and_database
from mailer.counting import counted

if TYPE_CHECKING:
    from mailer.tracking.classify import Recount


@click.group()
def clicks() -> None:
    """Stored clicks, and who made them (human or bot)."""


@clicks.command()
@click.argument("slug", metavar="[NEWSLETTER]", required=False)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--json", "as_json", is_flag=True, help="Print what changed as JSON.")
def recompute(slug: str | None, dry_run: bool, as_json: bool) -> None:
    """Re-classify the stored clicks of a newsletter, or of all, by the current rules.

    `mailer run` classifies new clicks; this is for those that older rules classified. Only verdicts and their reasons
    change.
    """
    from sqlalchemy import select

    from mailer.delivery.campaigns.lifecycle import require_campaign
    from mailer.staff.audit import newsletter_subject
    from mailer.store.tables.core import campaigns
    from mailer.tracking.classify import recompute as judge_again

    with workspace_and_database() as (_, database):
        with database.read() as connection:
            if slug is not None:
                chosen = [require_campaign(connection, slug)]
            else:
                chosen = list(connection.execute(select(campaigns).order_by(campaigns.c.created_at)).all())
            found = [(row.slug, row.id) for row in chosen]
        recounts = {name: judge_again(database, number, dry_run=dry_run) for name, number in found}
        for name in () if dry_run else recounts:
            note(database, "clicks judged again", newsletter_subject(name))
    if as_json:
        print_json({name: _as_data(recount) for name, recount in recounts.items()})
        return
    for name, recount in recounts.items():
        click.echo(f"{name}: {_words(recount, would='would go' if dry_run else 'went')}")


def _as_data(recount: Recount) -> dict[str, object]:
    changed = [{"from": before, "to": now, "hits": count} for (before, now), count in sorted(recount.changed.items())]
    return {"hits": recount.hits, "changed": changed, "reasons_changed": recount.reasoned}


def _words(recount: Recount, *, would: str) -> str:
    if not recount.hits:
        return "nobody's hits are kept."
    moved = [f"{count:,} {would} from {before} to {now}" for (before, now), count in recount.changed.most_common()]
    if recount.reasoned:
        moved.append(f"{recount.reasoned:,} keep their verdict for other reasons")
    return f"{counted(recount.hits, 'hit')} judged; {', '.join(moved) or 'nothing changes'}."

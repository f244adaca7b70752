"""What `mailer signatures` does beside counting: comments to show or hide, what is handed in, that it was delivered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import note, now, print_json
from mailer.cli.tables import add_row, new_table, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mailer.audience.petition.comments import SignerComment
    from mailer.compose.action_page.parse import ActionPage, CommentsShown
    from mailer.store.engine.database import Database
    from mailer.workspace import Workspace


class CommentNumbers(click.ParamType[frozenset[int]]):
    """Numbers of comments: 12,15."""

    name = "numbers"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[int]:
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
            self.fail(f"{value!r} are no numbers of comments, such as 12,15", param, ctx)
        return frozenset(map(int, parts))


def decide_comments(database: Database, page: str, decisions: Mapping[str, frozenset[int] | None]) -> None:
    """Show, hide and hold, all or nothing."""
    from mailer.audience.petition.comments import decide
    from mailer.staff.actor import terminal
    from mailer.store.tables.states import CommentState

    words = {"show": CommentState.SHOWN, "hide": CommentState.HIDDEN, "hold": CommentState.HELD}
    chosen = [(words[name], numbers) for name, numbers in decisions.items() if numbers]
    if len({number for _, numbers in chosen for number in numbers}) < sum(len(numbers) for _, numbers in chosen):
        raise click.UsageError("a comment can't be shown, hidden and held at once")
    with database.write() as connection:
        for state, numbers in chosen:
            decide(connection, terminal(), page, state, numbers=numbers, at=now())
    for state, numbers in chosen:
        click.echo(f"{state.value}: {len(numbers):,}")


def list_comments(database: Database, shown: ActionPage | None, page: str, *, as_json: bool) -> None:
    """Print every comment, those that wait first."""
    from mailer.audience.petition.comments import comments_to_decide
    from mailer.compose.action_page.parse import CommentsShown

    with database.read() as connection:
        found = comments_to_decide(connection, page)
    how = shown.show_comments if shown else CommentsShown.NEVER
    states = {one.id: _state(one, how) for one in found}
    if as_json:
        print_json({"page": page, "show_comments": how.value, "comments": [
            {"number": one.id, "state": states[one.id], "name": one.name, "comment": one.text, "at": one.at}
            for one in found
        ]})  # fmt: skip
        return
    if how is CommentsShown.NEVER:
        click.echo(f"The page shows none of them. To show some: `show_comments: held` in newsletters/{page}/action.md")
    table = new_table("Number", "State", "Name", "Comment", numbers=(0,))
    for one in found:
        add_row(table, str(one.id), states[one.id], one.name, " ".join(one.text.split()))
    print_table(table)
    waiting = sum(state == "waits" for state in states.values())
    click.echo(f"{waiting:,} of {len(found):,} wait. --show and --hide take their numbers.")


def _state(comment: SignerComment, how: CommentsShown) -> str:
    if not comment.agreed:
        return "not to be shown"  # no box was ticked for it
    return "waits" if comment.waits(how) else comment.state.value or "shown"


def write_petition(workspace: Workspace, database: Database, page: ActionPage, out: Path, *, full_names: bool) -> None:
    """Write the bundle and say what is in it."""
    from mailer.audience.petition.bundle import LETTER_FILE, PDF, SUMS, make_bundle, write_bundle

    newsletter, at = workspace.newsletter(page.slug), now()
    note(database, "petition bundle made", f"newsletter {page.slug}", "full names" if full_names else "names masked")
    with database.read() as connection:
        bundle = make_bundle(
            connection, newsletter, page, organisation=workspace.settings.organisation, full_names=full_names, at=at
        )
    write_bundle(bundle, out, at=at)
    click.echo(f"{bundle.counted.total:,} signatures, {bundle.counted.named:,} of them with a name, in {out}:")
    for name, digest in bundle.sums.items():
        click.echo(f"  {name:<18} SHA-256 {digest}")
    if not full_names:
        click.echo("Names of people who didn't agree to be shown have an initial only. --full-names has them whole.")
    if bundle.not_printed:
        click.echo(f"{bundle.not_printed:,} names are in letters that {PDF} can't print. The CSV has them.")
    if bundle.left_to_csv:
        click.echo(f"There are too many names to print. The CSV has them, and {PDF} says so.")
    if not bundle.own_letter:
        click.echo(f"The cover letter is the usual one. Your own would be {newsletter.place(LETTER_FILE)}.")
    click.echo(f"Anyone who gets it can check it: sha256sum -c {SUMS}")


def mark_delivered(database: Database, page: str, day: datetime, words: str) -> None:
    """Note that it was delivered."""
    from mailer.audience.petition.delivered import note_delivery
    from mailer.staff.actor import terminal

    with database.write() as connection:
        kept = note_delivery(connection, terminal(), page, day=day.date(), note=words, at=now())
    click.echo(f"{page}: noted as delivered on {kept.day}, with {kept.signatures:,} signatures. The page says so.")


def mark_not_delivered(database: Database, page: str) -> None:
    """Take that back."""
    from mailer.audience.petition.delivered import forget_delivery
    from mailer.staff.actor import terminal

    with database.write() as connection:
        forget_delivery(connection, terminal(), page, at=now())
    click.echo(f"{page}: not delivered. The page says so no more.")

"""`mailer preview`, the studio opened at a newsletter, and `mailer shots`, pictures of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import workspace_and_database

if TYPE_CHECKING:
    from mailer.store.engine.database import Database
    from mailer.web.studio.preview.screenshots import Sitter
    from mailer.workspace import Newsletter


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="The port; 0 takes a free one."
)
@click.option("--no-open", is_flag=True, help="Only print the address; open no browser.")
def preview(slug: str, port: int, no_open: bool) -> None:
    """Open a newsletter in the studio: its text, and beside it what people get, updated as you write.

    Changes saved in another editor show up by themselves. Stop it with Ctrl-C.
    """
    from mailer.cli.system.studio import serve_studio
    from mailer.workspace import find_workspace

    find_workspace().newsletter(slug)  # raises for a name that doesn't exist
    serve_studio("127.0.0.1", port, to=f"/newsletters/{slug}/", opens=not no_open)


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where to save them.")
@click.option("--as", "as_address", metavar="ADDRESS", help="Make it as this person gets it; their address.")
@click.option("--language", metavar="LANGUAGE", help="Make this translation; else the one that the person gets.")
@click.option("--version", "arm", metavar="a|b|c|d", help="Make this version of its test.  [default: a]")
@click.option("--thanks", is_flag=True, help="Take the page that thanks who signed, and its mail where there is one.")
def shots(
    slug: str, out: Path, as_address: str | None, language: str | None, arm: str | None, thanks: bool
) -> None:  # fmt: skip
    """Save screenshots of a newsletter: on a phone and a desktop, light, dark and forced dark.

    With --thanks, of the petition's thanks instead: NEWSLETTER-thanks-…, and NEWSLETTER-thanks-mail-… if there is a
    thanks.md. Needs a headless browser on this machine and the extra `shots`; nothing is fetched while they are taken.
    """
    from mailer.audience.people.people import find_supporter
    from mailer.web.studio.preview.sample_readers import HARD_CASES
    from mailer.web.studio.preview.screenshots import take_shots

    with workspace_and_database() as (workspace, database):
        newsletter, supporter = workspace.newsletter(slug), HARD_CASES[0].supporter
        if as_address:
            with database.read() as connection:
                _, supporter = find_supporter(connection, as_address)
        sitters: list[Sitter] = []
        if thanks:
            sitters.append(_thanks_page(newsletter, database, language or supporter.get("language", "")))
        if not thanks or newsletter.has_thanks_mail:
            sitters.append(_mail(newsletter, database, supporter, language, arm=arm, thanks=thanks))
        for path in take_shots(sitters, folder=out):
            click.echo(str(path))


def _mail(
    newsletter: Newsletter, database: Database, supporter: Mapping[str, str], language: str | None, *,
    arm: str | None, thanks: bool,
) -> Sitter:  # fmt: skip
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.campaigns.plan import prepare
    from mailer.web.studio.preview.person_mail import Press
    from mailer.web.studio.preview.screenshots import mail_sitter
    from mailer.workspace import THANKS_FILE

    prepared = prepare(database, read_source(newsletter, THANKS_FILE) if thanks else read_source(newsletter))
    for fault in prepared.warnings:
        click.echo(str(fault), err=True)
    plan = prepared.plan.of_version(arm) if arm else prepared.plan
    plan = plan.in_language(language) if language else plan.read_by(supporter)
    name = "-".join([newsletter.slug, *(["thanks-mail"] if thanks else []), *([arm.lower()] if arm else [])])
    return mail_sitter(Press(plan, newsletter.workspace), supporter, name)


def _thanks_page(newsletter: Newsletter, database: Database, language: str) -> Sitter:
    from datetime import UTC, datetime

    from mailer.audience.petition.told import told_of
    from mailer.compose.action_page.versions import read_page_versions
    from mailer.web.pages.templates import Pages
    from mailer.web.studio.compose.page_looks import page_html
    from mailer.web.studio.preview.screenshots import page_sitter

    page = read_page_versions(newsletter)[0].best([language])
    with database.read() as connection:
        told = told_of(connection, page)
    pages = Pages(newsletter.workspace.settings, inline=True)
    html = page_html(pages, page, told, newsletter.workspace, now=datetime.now(UTC), thanks=True)
    return page_sitter(f"{newsletter.slug}-thanks", html)

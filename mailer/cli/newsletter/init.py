"""`mailer init` and `mailer new`: a workspace, and a newsletter in it, each working at once and explaining itself."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mailer.cli.newsletter.first_settings import Answers

AUTOMATIONS = ("welcome", "thanks-ladder", "non-signers", "petition-news", "re-engagement")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", default="", help="The organisation's name, as supporters know it.")
@click.option("--address", default="", help="Its postal address, which appears in the footer of every mail.")
@click.option("--sender", default="", metavar="ADDRESS", help="The From address: appeals@your-group.org, or Name <…>.")
@click.option("--site", default="", metavar="URL", help="Its website; if not given, the sender's domain.")
@click.option("--zone", default="", metavar="ZONE", help="The time zone you plan in, such as Europe/London.")
def init(folder: Path, *, name: str, address: str, sender: str, site: str, zone: str) -> None:
    """Create a workspace in DIR: settings, templates, two sample newsletters and a sample list.

    On a terminal it asks for what no option gives; press Enter to keep the sample's. In an existing workspace it adds
    only what is missing, such as secrets.toml after a fresh clone, and overwrites nothing.
    """
    from mailer.cli.newsletter.first_settings import Answers
    from mailer.cli.newsletter.starter import make_workspace, organisation_is_example
    from mailer.settings import SETTINGS_FILE

    answers = Answers(name=name, address=address, sender=sender, site=site, zone=zone)
    is_new = not (folder / SETTINGS_FILE).exists()
    if not is_new and answers != Answers():
        raise click.UsageError(f"{folder} has its settings already: change them in {folder / SETTINGS_FILE}")
    if is_new and _is_terminal():
        answers = _asked(answers)
    made = make_workspace(folder, answers)
    if not made:
        click.echo(f"{folder} is a complete workspace; nothing was changed.")
        return
    click.echo(f"Made in {folder}:")
    for path in made:
        click.echo(f"  {path}")
    if organisation_is_example(folder):
        click.echo("\nPut your organisation's name, postal address and sender into mailer.toml before you mail anyone.")
    if "mailer.toml" in made:
        go = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
        click.echo(f"Next: {go}mailer check")


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _asked(answers: Answers) -> Answers:
    """The answers with those that staff type where no option gave one."""
    from dataclasses import replace

    questions = {
        "name": "Your organisation's name",
        "address": "Its postal address, which the law requires in every mail",
        "sender": "The address you mail from, such as appeals@your-group.org",
        "site": "Your web site",
        "zone": "Your time zone, such as Europe/London",
    }
    missing = {key: words for key, words in questions.items() if not getattr(answers, key)}
    if missing:
        click.echo("Who is it for? Press Enter to leave something for later.")
    said = {key: str(click.prompt(words, default="", show_default=False)).strip() for key, words in missing.items()}
    return replace(answers, **said)


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--template", help="The folder in templates/ that gives it its look.  [default: appeal, or digest]")
@click.option("--series", is_flag=True, help="Start one that repeats, with news from a feed, from the template digest.")
@click.option("--thanks", is_flag=True, help="Of a newsletter with a sign page: start the mail that thanks signers.")
@click.option("--delivered", metavar="PETITION", help="Start the news to those who signed it that it was delivered.")
@click.option("--automation", metavar="KIND", help=f"Start an automation: {', '.join(AUTOMATIONS)}.")
@click.option("--petition", metavar="PETITION", help="What that automation is about; else the newest petition.")
def new(
    slug: str,
    template: str | None,
    series: bool,
    thanks: bool,
    delivered: str | None,
    automation: str | None,
    petition: str | None,
) -> None:
    """Start a newsletter, named like 2026-12-night-school, from a template with hints to fill in.

    Or one that repeats: --series. Or one of the mails to those who signed a page: --thanks, --delivered. Or an
    automation: --automation welcome.
    """
    from mailer.editing.first_draft import make_newsletter
    from mailer.editing.first_mails import make_delivered, make_thanks
    from mailer.workspace import find_workspace

    if sum(map(bool, (series, thanks, delivered, automation))) > 1:
        raise click.UsageError("--series, --thanks, --delivered and --automation each start something else: choose one")
    if petition and not automation:
        raise click.UsageError("--petition says what an automation is about: add --automation")
    workspace = find_workspace()
    if thanks:
        path = make_thanks(workspace.newsletter(slug))
    elif automation:
        from mailer.automations.first_automation import make_automation

        path = make_automation(workspace, slug, automation, petition=petition or "")
    elif delivered:
        path = make_delivered(workspace, slug, petition=delivered)
    else:
        look = template or ("digest" if series else "appeal")
        path = make_newsletter(workspace, slug, template=look, notes=True, repeats=series)
    click.echo(f"Made {path.as_posix()}")
    click.echo(f"Write it, then: mailer check {slug}" + (f", and mailer series start {slug}" if series else ""))

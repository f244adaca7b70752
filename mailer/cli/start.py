"""`mailer init` and `mailer new`: a workspace, and a newsletter in it, each working at once and explaining itself."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make a workspace in DIR: settings, templates, two sample newsletters and a sample list.

    In a workspace that is there already it makes only what is missing, such as secrets.toml after a fresh clone, and
    overwrites nothing.
    """
    from mailer.cli.starter import make_workspace, organisation_is_example

    made = make_workspace(folder)
    if not made:
        click.echo(f"{folder} is a complete workspace; nothing was changed.")
        return
    click.echo(f"Made in {folder}:")
    for name in made:
        click.echo(f"  {name}")
    if organisation_is_example(folder):
        click.echo("\nPut your organisation's name and postal address into mailer.toml before you mail anyone.")
    if "mailer.toml" in made:
        go = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
        click.echo(f"Next: {go}mailer check")


@click.command()
@click.argument("slug")
@click.option(
    "--template", default="appeal", show_default=True, help="The folder in templates/ that gives it its look."
)
def new(slug: str, template: str) -> None:
    """Begin the newsletter SLUG, such as 2026-12-night-school: a message that explains itself."""
    from mailer.cli.newsletter import make_newsletter
    from mailer.workspace import find_workspace

    path = make_newsletter(find_workspace(), slug, template=template)
    click.echo(f"Made {path.as_posix()}")
    click.echo(f"Write it, then: mailer check {slug}")

"""`mailer check`: what the preflight says, worst first; and the same for commands that must not mail a mistake."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import console, now, print_json, workspace_and_database
from mailer.counting import counted
from mailer.errors import MailerError

if TYPE_CHECKING:
    from datetime import datetime

    from mailer.audience.selection.languages import VersionReach
    from mailer.audience.selection.select import Selection
    from mailer.checking.preflight import Preflight
    from mailer.delivery.campaigns.freeze import Plan
    from mailer.diagnostics import Diagnostic
    from mailer.store.engine.database import Database
    from mailer.workspace import Newsletter

COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
INDENT = 11  # two spaces, the longest level, two spaces
WIDEST = 110  # longer lines are hard to read
MOST_VARIANTS = 12


class NotFitToMail(MailerError):
    """The preflight found errors."""


@click.command()
@click.argument("slug", metavar="[NEWSLETTER]", required=False)
@click.option("--online", is_flag=True, help="Also check that each link's site answers.")
@click.option("--variants", is_flag=True, help="Show the versions, how many people get each, and unusual ones.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def check(slug: str | None, online: bool, variants: bool, as_json: bool) -> None:
    """Check a newsletter or an automation before sending, or all of them and the lists.

    Makes everyone's email and applies every rule of docs/checks.md. A newsletter with errors isn't sent; you can waive
    a rule in the front matter, with a reason. Exits with 1 when there is an error.
    """
    from mailer.checking.collect import Scope
    from mailer.checking.evidence.spamassassin import installed
    from mailer.checking.preflight import Preflight, look_at_lists, preflight

    def checked(newsletter: Newsletter) -> list[Preflight]:
        if newsletter.is_automation:
            from mailer.automations.checking import check_automation

            return check_automation(database, newsletter, scope=scope, now=now())
        return [preflight(database, newsletter, scope=scope, now=now())]

    found: list[Preflight] = []
    with workspace_and_database() as (workspace, database):
        scope = Scope(online=online, spam=slug is not None and installed())
        if slug is None:
            found.append(Preflight("lists", tuple(look_at_lists(workspace))))
        for newsletter in [workspace.newsletter(name) for name in ([slug] if slug else workspace.folders())]:
            found += checked(newsletter)
        addresses = _addresses(database, found) if variants or as_json else {}
    if as_json:
        print_json({one.slug: _as_data(one, addresses) for one in found})
    else:
        for one in found:
            show(one)
            if slug is not None:
                _show_difference(one)
            if variants:
                _show_variants(one, addresses)
    sys.exit(1 if any(one.errors for one in found) else 0)


def fit_to_prove(database: Database, newsletter: Newsletter) -> Plan:
    """The plan of a newsletter that has no error by itself, whatever its audience. Else as `fit_to_mail`."""
    return _fit(database, newsletter, everyone=False)[0]


def thanks_to_prove(database: Database, newsletter: Newsletter) -> Plan:
    """The plan of a newsletter's thanks.md. Raises with its errors."""
    from mailer.checking.preflight import fit_to_thank
    from mailer.compose.source.message_file import read_source
    from mailer.workspace import THANKS_FILE

    return fit_to_thank(database, read_source(newsletter, THANKS_FILE), now=now())


def fit_to_mail(
    database: Database, newsletter: Newsletter, *, at: datetime | None = None
) -> tuple[Plan, Selection, Sequence[VersionReach]]:
    """The plan of a newsletter that has no error for anybody who gets it, who that is, and who gets which language.

    What was found is shown, errors first; raises when there are any. `at`: when it is to go out, if not now; what will
    be past by then is told.
    """
    plan, found = _fit(database, newsletter, everyone=True, at=at)
    assert found.selection is not None
    return plan, found.selection, found.reached


def _fit(
    database: Database, newsletter: Newsletter, *, everyone: bool, at: datetime | None = None
) -> tuple[Plan, Preflight]:
    from mailer.checking.collect import Scope
    from mailer.checking.preflight import preflight
    from mailer.checking.runner import EDITED

    slug = newsletter.slug
    found = preflight(database, newsletter, scope=Scope(everyone=everyone), now=at or now())
    # Sending and scheduling freeze the files as they are now, so nothing older goes out.
    told = [one for one in found.remarks if one.level.value != "note" and not one.waived and one.rule != EDITED]
    _show_remarks(told, err=True)
    if found.errors or found.plan is None:
        remedy = f"Fix it, or waive a rule with your reason: docs/checks.md. See everything: mailer check {slug}"
        raise NotFitToMail(f"{slug} isn't mailed: {counted(len(found.errors), 'error')}", remedy=remedy)
    return found.plan, found


def show(found: Preflight) -> None:
    """One line when there are no problems; else the remarks below it."""
    click.echo(f"{click.style(found.slug, bold=True)}  {_verdict(found)}")
    _show_remarks(found.remarks)


def _verdict(found: Preflight) -> str:
    counts = Counter(remark.level.value for remark in found.remarks if not remark.waived)
    waived = sum(1 for remark in found.remarks if remark.waived)
    words = [click.style(counted(counts[level], level), fg=COLOURS[level]) for level in COLOURS if counts[level]]
    said = ", ".join(words) if words else click.style("sound", fg="green")
    if waived:
        said += f", {waived} waived"
    figures = found.figures
    if figures is not None and figures.people:
        many = len(figures.variants) + figures.more_variants
        said += f" · {counted(figures.people)}" + (f", {counted(many, 'variant')}" if many > 1 else "")
        said += f" · {max(1, round(found.html_bytes / 1000))} kB"
    return said


def _show_remarks(remarks: Sequence[Diagnostic], *, err: bool = False) -> None:
    stream = sys.stderr if err else sys.stdout
    width = min(console().width, WIDEST) if stream.isatty() else None
    for (rule, why, remedy), alike in groupby(remarks, key=_said_once):
        for remark in alike:
            level = "waived" if remark.waived else remark.level.value
            # None, not False: click writes the sign that ends bold and dim for a False.
            bold, dim = level == "error" or None, level == "waived" or None
            label = click.style(f"{level:<{INDENT - 4}}", fg=COLOURS.get(level), bold=bold, dim=dim)
            first, *rest = _lines(remark.sentence + (f" [{rule}]" if not why else ""), width)
            click.echo(f"  {label}  {first}", err=err)
            for line in rest:
                click.echo(" " * INDENT + line, err=err)
        for line in _lines(f"{why} [{rule}]", width) if why else ():
            click.echo(" " * INDENT + click.style(line, dim=True), err=err)
        for at, line in enumerate(_lines(remedy, width, arrow=2) if remedy else ()):
            click.echo(" " * INDENT + ("→ " if at == 0 else "  ") + line, err=err)


def _said_once(remark: Diagnostic) -> tuple[str, str, str]:
    """What remarks that follow each other may have in common: the rule, why it matters, and what to do."""
    from mailer.checking.runner import why_of

    if remark.waived:
        return remark.rule, f"Waived: {remark.waived}", ""
    return remark.rule, why_of(remark.rule), remark.remedy


def _lines(text: str, width: int | None, *, arrow: int = 0) -> list[str]:
    """The text broken at the terminal's edge; in a pipe each stays one line, for grep."""
    text = " ".join(text.split())
    if width is None:
        return [text]
    return wrap(text, max(30, width - INDENT - arrow), break_long_words=False, break_on_hyphens=False) or [""]


def _show_difference(found: Preflight) -> None:
    """What goes out and what the files say, where the remark had no room for all of it."""
    edited = found.edited
    if edited is None or edited.is_told_whole:
        return
    click.echo(f"All that was edited since {found.slug} was {edited.word}, {edited.since:%Y-%m-%d %H:%M} UTC:")
    for line in edited.differences:
        click.echo(f"  {line}")


def _addresses(database: Database, found: Sequence[Preflight]) -> dict[int, str]:
    """The addresses of the people that variants and examples name, as `--as` takes them."""
    from mailer.audience.people.people import supporters

    figures = [one.figures for one in found if one.figures is not None]
    shown = {one.person_id for each in figures for one in (*each.variants, *each.standouts)}
    with database.read() as connection:
        return {number: person["email"] for number, person in supporters(connection, shown).items()}


def _show_variants(found: Preflight, addresses: Mapping[int, str]) -> None:
    from mailer.cli.tables import add_row, new_table, print_table

    figures = found.figures
    if figures is None or not figures.people:
        return
    table = new_table("People", "see", "one of them, for --as", numbers=(0,))
    for variant in figures.variants[:MOST_VARIANTS]:
        branches = " · ".join(variant.branches) or "the same mail"
        add_row(table, f"{variant.people:,}", branches, addresses.get(variant.person_id, ""))
    for one in figures.standouts:
        add_row(table, "", f"the {one.which.value} mail", addresses.get(one.person_id, ""), style="dim")
    print_table(table)
    more = len(figures.variants) - MOST_VARIANTS + figures.more_variants
    if more > 0:
        click.echo(f"and {counted(more, 'more variant')}")


def _as_data(found: Preflight, addresses: Mapping[int, str]) -> dict[str, Any]:
    from mailer.checking.runner import why_of
    from mailer.diagnostics import as_data

    remarks = [as_data(one) | {"why": why_of(one.rule) or None} for one in found.remarks]
    data: dict[str, Any] = {"remarks": remarks}
    if found.edited is not None:
        data["edited"] = {"since": found.edited.since, "differences": found.edited.differences}
    figures = found.figures
    if figures is not None:
        data |= {
            "people": figures.people,
            "html_bytes": found.html_bytes,
            "variants": [
                {
                    "branches": one.branches,
                    "people": one.people,
                    "person": one.person_id,
                    "address": addresses.get(one.person_id),
                }
                for one in figures.variants
            ],
            "more_variants": figures.more_variants,
            "examples": {one.which.value: one.person_id for one in figures.standouts},
            "addresses": {one.which.value: addresses.get(one.person_id) for one in figures.standouts},
        }
    return data

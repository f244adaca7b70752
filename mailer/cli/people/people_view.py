"""How what is known of a person is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.cli.tables import add_row, new_table, print_table

if TYPE_CHECKING:
    from mailer.audience.people.people import Dossier
    from mailer.audience.supporter_care.why import Why


def show_dossier(dossier: Dossier) -> None:
    """Print everything known of an address."""
    from mailer.audience.people.zones import in_words, zone_of
    from mailer.counting import printable

    table = new_table("", "", title=dossier.address, header=False)
    for name, value in dossier.fields.items():
        if value and name not in ("email", "timezone"):
            add_row(table, name, value)
    if dossier.created_at:
        add_row(table, "known since", f"{dossier.created_at:%Y-%m-%d %H:%M} UTC")
        add_row(table, "clicks tracked", "yes" if dossier.tracking else "no")
        add_row(table, "time zone", in_words(*zone_of(dossier.fields, dossier.timezone_source)))
        if dossier.frequency != "every":
            add_row(table, "wants", f"{dossier.frequency} mail only")
        mails = ", ".join(f"{number:,} {state}" for state, number in dossier.deliveries.items())
        add_row(table, "mails", mails or "none")
    else:
        add_row(table, "person", "not in the database; only that the address must not be mailed is remembered")
    print_table(table)
    _show_lists(dossier)
    if dossier.consents:
        table = new_table("When (UTC)", "List", "Became", "How", "Source", "Wording")
        for one in dossier.consents:
            source = f"{one.source}; agreed on {one.given_at:%Y-%m-%d %H:%M}" if one.given_at else one.source
            add_row(table, f"{one.at:%Y-%m-%d %H:%M}", one.list, one.status, one.how, source, one.wording)
        print_table(table)
    if dossier.story:
        table = new_table("When (UTC)", "What", "Where", "")
        for moment in dossier.story:
            if moment.kind != "consent":  # these have their own table, with the wording
                add_row(table, f"{moment.at:%Y-%m-%d %H:%M}", moment.kind, moment.what, printable(moment.detail))
        print_table(table)
    _show_decisions(dossier)
    if dossier.suppressions:
        table = new_table("Not mailed since (UTC)", "List", "Because", "Source")
        for stop in dossier.suppressions:
            add_row(table, f"{stop.at:%Y-%m-%d %H:%M}", stop.list or "every list", stop.reason, stop.source)
        print_table(table)


def show_why(found: Why, name: str) -> None:
    """Print why somebody got a newsletter, or not."""
    import click

    from mailer.audience.supporter_care.why_words import headline, reason, title
    from mailer.counting import printable

    def same(text: str) -> str:
        return text

    told = reason(found, name, lists=same, newsletters=same, expressions=same)
    click.echo(printable(f"{headline(found, name)} {told}".strip()))
    if found.local:
        click.echo(printable(found.local))
    table = new_table("", "Rule", "", "Since (UTC)", title=found.slug)
    for rule in found.rules:
        holds = {True: "yes", False: "no", None: "?"}[rule.holds]
        words = title(rule, lists=same, newsletters=same, expressions=same)
        add_row(table, holds, words, rule.fact, f"{rule.at:%Y-%m-%d %H:%M}" if rule.at else "")
    print_table(table)
    table = new_table("List", "Consent then", "Now", "How", "Source", "Wording")
    for one in found.consents:
        add_row(table, one.list, one.then or "none", one.now or "none", one.how, one.source, one.wording)
    print_table(table)
    if found.steps:
        table = new_table("When (UTC)", "Mail", "")
        for step in found.steps:
            add_row(table, f"{step.at:%Y-%m-%d %H:%M}", step.kind, printable(step.detail))
        print_table(table)


def _show_decisions(dossier: Dossier) -> None:
    """Staff's decisions about the address."""
    if not dossier.decisions:
        return
    table = new_table("When (UTC)", "By", "Decided", "What", "Why")
    for one in dossier.decisions:
        add_row(table, f"{one.at:%Y-%m-%d %H:%M}", one.by, one.action, one.detail, one.reason)
    print_table(table)


def _show_lists(dossier: Dossier) -> None:
    """Their lists, and for each whether they may be mailed through it."""
    if not dossier.lists:
        return
    table = new_table("List", "Status", "Since (UTC)", "May be mailed")
    for one in dossier.lists:
        add_row(
            table,
            one.list,
            one.status,
            f"{one.changed_at:%Y-%m-%d %H:%M}",
            f"no: {one.obstacle}" if one.obstacle else "yes",
        )
    print_table(table)

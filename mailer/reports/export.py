"""Figures for other programs: as JSON data, and as CSV rows that a spreadsheet takes for text and numbers only."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from mailer.audience.people.csv_export import guarded
from mailer.reports.after_sending import UNKNOWN
from mailer.reports.compared import PER_THOUSAND, ComparedCounts, NamedCounts
from mailer.reports.figures import CampaignFigures, Clicks, Delivered, Openings

HEADER = ("section", "item", "measure", "value")


def as_json(figures: CampaignFigures) -> dict[str, Any]:
    """The figures as plain data; moments in ISO 8601, rates as fractions of the sent mails."""
    data = asdict(figures)
    for name in ("due_at", "launched_at", "finished_at"):
        data[name] = data[name].isoformat() if data[name] else None
    for step in data["course"]["steps"]:
        step["begins"] = step["begins"].isoformat()
    data["test"] = figures.test.as_json() if figures.test else None
    for group in data["groups"]:
        group["decide_at"] = group["decide_at"].isoformat() if group["decide_at"] else None
    return data


def as_csv(figures: CampaignFigures) -> str:
    """The figures as CSV, one measure a row: section, item, measure, value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180 §2
    writer.writerow(HEADER)
    for row in _rows(figures):
        writer.writerow([_text(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def compared_as_csv(keys: Sequence[str], rows: Iterable[NamedCounts]) -> str:
    """Newsletters, lists or months beside each other as CSV. `keys` name the columns of what each is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180 §2
    counted = [one.name for one in fields(ComparedCounts)]
    writer.writerow([*keys, *counted, *(f"{name} per 1,000" for name in PER_THOUSAND)])
    for named, counts in rows:
        rates = [counts.per_thousand(name) for name in PER_THOUSAND]
        numbers = [getattr(counts, name) for name in counted]
        writer.writerow([*map(_text, named), *numbers, *("" if rate is None else f"{rate:.3f}" for rate in rates)])
    return text.getvalue()


def _rows(figures: CampaignFigures) -> Iterator[tuple[str, str, str, str | int | float | None]]:
    yield "campaign", figures.slug, "state", figures.state.value
    for name in ("due_at", "launched_at", "finished_at"):
        moment = getattr(figures, name)
        yield "campaign", figures.slug, name, moment.isoformat() if moment else None
    yield "audience", "everyone on the lists", "people", figures.audience
    yield from _reasons("left out", figures.left_out)
    for field in fields(Delivered):
        name = "all" if field.name == "people" else field.name
        yield "mails", name, "people", getattr(figures.delivered, field.name)
    yield from _reasons("failed", figures.failed_by_class)
    yield from _reasons("skipped", figures.skipped_by_reason)
    yield from _clicks("action link", "all placements", figures.action)
    for placement in figures.placements:
        yield from _clicks("action link", placement.name, placement.clicks)
    for link in figures.links:
        item = f"{link.n} {link.label} ({link.placement}) {link.url}"
        yield from _clicks("links", item, link.clicks)
    if figures.openings:
        for field in fields(Openings):
            yield "openings", "all mails", field.name, getattr(figures.openings, field.name)
    for done in figures.conversions:
        yield "conversions", done.name, "count", done.count
        yield "conversions", done.name, "people", done.people
    yield "unsubscribed", "by way of this mail", "people", figures.unsubscribed
    yield "unsubscribed", "by way of this mail", "people_per_sent", figures.unsubscribed_per_sent
    yield "replied", "to this mail", "people", figures.replied
    yield from _outcomes(figures)


def _outcomes(figures: CampaignFigures) -> Iterator[tuple[str, str, str, str | int | float | None]]:
    back, signed = figures.came_back, figures.signed
    for name in ("heard_of", "delivered", "bounced", "complained"):
        yield "came back", name, "people", getattr(back, name)
    for name in ("bounced_per_sent", "complained_per_sent"):
        yield "came back", name.removesuffix("_per_sent"), "people_per_sent", getattr(back, name)
    yield from _reasons("bounced", back.bounced_by_class)
    yield "signed", "by way of this mail", "people", signed.people
    yield "signed", "by way of this mail", "per_thousand_sent", signed.per_thousand_sent
    yield from _reasons("signed by placement", signed.by_placement)
    for n, people in signed.by_link.items():
        yield "signed by link", str(n), "people", people
    yield from _reasons("signed on the page", signed.by_source)
    for section, languages in (("by language", figures.by_language), ("by language of the mail", figures.by_version)):
        for one in languages:
            for name in ("sent", "signed", "unsubscribed"):
                yield section, one.language or UNKNOWN, name, getattr(one, name)
    pages = {language or UNKNOWN: people for language, people in figures.page_languages.items()}
    yield from _reasons("signed on the page by language", pages)
    if figures.test:
        yield from figures.test.rows()
    for group in figures.groups:
        item = f"people {group.words}"
        yield "down the list", item, "state", group.state.value
        for name in ("people", "sample", "sent", "clicked", "complained"):
            yield "down the list", item, name, getattr(group, name)
    for step in figures.course.steps:
        yield "course", step.begins.isoformat(), "clicks", step.clicks
        yield "course", step.begins.isoformat(), "signatures", step.signatures


def _reasons(section: str, counts: Mapping[str, int]) -> Iterator[tuple[str, str, str, int]]:
    for reason, people in counts.items():
        yield section, reason, "people", people


def _clicks(section: str, item: str, clicks: Clicks) -> Iterator[tuple[str, str, str, int | float | None]]:
    for field in fields(Clicks):
        yield section, item, field.name, getattr(clicks, field.name)


def _text(cell: str) -> str:
    # Names come from other sites too, and people look at CSV on a terminal: no signs that move its cursor.
    printable = "".join(c if c.isprintable() or c in "\t\r\n" else "�" for c in cell)
    return guarded(printable)

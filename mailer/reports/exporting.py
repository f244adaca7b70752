"""Figures for other programs: as JSON data, and as CSV rows that a spreadsheet takes for text and numbers only."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from mailer.audience.exporting import guarded
from mailer.reports.figures import Clicks, Delivered, Figures

HEADER = ("section", "item", "measure", "value")


def as_json(figures: Figures) -> dict[str, Any]:
    """The figures as plain data; moments in ISO 8601, rates as fractions of the sent mails."""
    data = asdict(figures)
    for name in ("due_at", "launched_at", "finished_at"):
        data[name] = data[name].isoformat() if data[name] else None
    return data


def as_csv(figures: Figures) -> str:
    """The figures as CSV, one measure a row: section, item, measure, value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180 §2
    writer.writerow(HEADER)
    for row in _rows(figures):
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def _rows(figures: Figures) -> Iterator[tuple[str, str, str, str | int | float | None]]:
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
    yield from _clicks("sign-up link", "all placements", figures.action)
    for placement in figures.placements:
        yield from _clicks("sign-up link", placement.name, placement.clicks)
    for link in figures.links:
        item = f"{link.n} {link.label} ({link.placement}) {link.url}"
        yield from _clicks("links", item, link.clicks)
    yield "unsubscribed", "by way of this mail", "people", figures.unsubscribed
    yield "unsubscribed", "by way of this mail", "people_per_sent", figures.unsubscribed_per_sent


def _reasons(section: str, counts: Mapping[str, int]) -> Iterator[tuple[str, str, str, int]]:
    for reason, people in counts.items():
        yield section, reason, "people", people


def _clicks(section: str, item: str, clicks: Clicks) -> Iterator[tuple[str, str, str, int | float | None]]:
    for field in fields(Clicks):
        yield section, item, field.name, getattr(clicks, field.name)

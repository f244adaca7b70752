"""Figures as staff read them: sections, bars and tables on a terminal; the same words without bars when piped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mailer.counting import counted, printable
from mailer.reports.by_language import LanguageFigures
from mailer.reports.compared import NamedCounts
from mailer.reports.figures import CampaignFigures, Clicks, Openings
from mailer.reports.tested.shown import tested
from mailer.store.tables.states import CampaignState

LABEL_CELLS, NUMBER_CELLS, SHARE_CELLS, BAR_CELLS = 28, 7, 19, 24
FULL, EIGHTHS = "█", " ▏▎▍▌▋▊▉"
DASH = "–"

# What each state means for the figures below it, as a sentence and a colour.
STATES: Mapping[CampaignState, tuple[str, str]] = {
    CampaignState.SCHEDULED: ("Scheduled", "cyan"),
    CampaignState.SENDING: ("Still sending: the figures grow", "yellow"),
    CampaignState.PAUSED: ("Paused: part of it is sent", "yellow"),
    CampaignState.OVERDUE: ("Overdue: it was not sent when it was due, and waits for your decision", "red"),
    CampaignState.CANCELLED: ("Cancelled", "red"),
    CampaignState.FINISHED: ("Finished", "green"),
}
# What a class of refusals says about whose fault it is.
CLASSES = {
    "hard": "no such address",
    "soft": "full or busy until the end",
    "policy": "refused for content or reputation",
    "ours": "our login, identity or syntax",
    "unknown": "no class given",
}


def show(figures: CampaignFigures, console: Console) -> None:
    """Print the report."""
    if console.is_terminal:
        for section in _sections(figures, bars=True):
            console.print(section)
            console.print()
        return
    with console.capture() as captured:
        for section in _sections(figures, bars=False):
            console.print(section)
            console.print()
    # Tables pad their cells, which is of no use in a file.
    lines = [line.rstrip() for line in captured.get().splitlines()]
    console.print(Text("\n".join(lines)), soft_wrap=True)


def _sections(figures: CampaignFigures, *, bars: bool) -> Iterator[RenderableType]:
    yield _heading(figures)
    if figures.audience is None:
        yield Text("The audience is chosen when it starts, so there is nothing to count yet.")
        return
    yield _section("Audience", _audience(figures, bars=bars))
    yield _section("Mails", _mails(figures, bars=bars))
    yield _section("Action link", _action(figures, bars=bars))
    for title, body in tested(figures.test, figures.groups, when=partial(_moment, zone=figures.zone)):
        yield _section(title, body)
    others = [link for link in figures.links if not link.is_action]
    if others:
        yield _section("Other links", _links(figures))
    if figures.signed.people or figures.signed.on_page:
        yield _section("Signatures", _signed(figures, bars=bars))
    if figures.by_version:
        yield _section("By language of the mail", _by_language(figures.by_version))
    if len(figures.by_language) > 1:
        yield _section("By language", _by_language(figures.by_language))
    if figures.course.steps:
        yield _section(f"Over time ({figures.zone or 'UTC'})", _course(figures, bars=bars))
    if figures.came_back.heard_of or figures.came_back.bounced or figures.came_back.complained:
        yield _section("Came back", _came_back(figures, bars=bars))
    if figures.openings:
        yield _section("Openings", _openings(figures.openings))
    if figures.conversions:
        yield _section("Conversions on other sites", _conversions(figures, bars=bars))
    yield _section("Unsubscribed by this mail", _unsubscribed(figures, bars=bars))
    if figures.replied:
        yield _section("Wrote back", _replied(figures, bars=bars))
    if figures.waived:
        yield _section("Waived before it was sent", _waived(figures))
    yield _notes(figures)


def _heading(figures: CampaignFigures) -> RenderableType:
    words, colour = STATES[figures.state]
    line = Text.assemble((words, f"bold {colour}"), f" ({figures.why})" if figures.why else "")
    when: list[str] = []
    if figures.state in (CampaignState.SCHEDULED, CampaignState.OVERDUE) and figures.due_at:
        when.append(f"due {_moment(figures.due_at, figures.zone)}")
    if figures.launched_at:
        when.append(f"begun {_moment(figures.launched_at, figures.zone)}")
    if figures.finished_at:
        when.append(f"ended {_moment(figures.finished_at, figures.zone)}")
    if figures.transport:
        when.append(f"by {figures.transport}")
    return Group(Text(figures.slug, style="bold"), line, Text(" · ".join(when), style="dim"))


def _audience(figures: CampaignFigures, *, bars: bool) -> Table:
    total = figures.audience or 0
    rows = _Rows(total, bars=bars)
    rows.add("on the lists", total)
    rows.add("chosen", figures.delivered.people, style="bold", of="of the lists")
    for reason, people in figures.left_out.items():
        rows.add(f"left out: {reason}", people, colour="bright_black")
    return rows.table


def _mails(figures: CampaignFigures, *, bars: bool) -> Table:
    numbers = figures.delivered
    rows = _Rows(numbers.people, bars=bars)
    rows.add("sent", numbers.sent, style="bold", colour="green", of="of the chosen")
    rows.add("queued", numbers.queued, colour="cyan", quiet=True)
    rows.add("on their way now", numbers.sending, colour="cyan", quiet=True)
    rows.add("failed", numbers.failed, colour="red")
    for reason, people in figures.failed_by_class.items():
        rows.add(f"  {reason}: {CLASSES.get(reason, reason)}", people, style="dim", colour="")
    rows.add("uncertain: may have arrived", numbers.uncertain, colour="yellow")
    rows.add("held: their hour was past", numbers.held, colour="yellow", quiet=True)
    rows.add("skipped at hand-over", numbers.skipped, colour="bright_black")
    for reason, people in figures.skipped_by_reason.items():
        rows.add(f"  {reason}", people, style="dim", colour="")
    rows.add("cancelled before their turn", numbers.cancelled, colour="red", quiet=True)
    return rows.table


def _action(figures: CampaignFigures, *, bars: bool) -> RenderableType:
    if not figures.placements:
        return Text("This message has no action link.")
    rows = _Rows(figures.delivered.sent, bars=bars)
    rows.add("people", figures.action.people, style="bold", colour="green", of="of sent")
    if len(figures.placements) > 1:
        for placement in figures.placements:
            rows.add(f"  {placement.name}", placement.clicks.people, colour="bright_black")
    rows.add("unsure, beside them", figures.action.unsure, colour="yellow", quiet=True)
    return Group(rows.table, Text(_raw(figures.action), style="dim"))


def _raw(clicks: Clicks) -> str:
    words = f"Followed {counted(clicks.raw, 'time')}: {counted(clicks.clicks, 'click')}"
    if clicks.untracked:
        words += f", {clicks.untracked:,} of them by people who are not tracked"
    return f"{words}; {clicks.machine:,} more by machines, not counted."


def _openings(openings: Openings) -> Text:
    return Text(
        f"At least {counted(openings.people)}; {openings.unsure:,} more unsure. Apple and others fetch the picture"
        f" whether the mail is read or not, and many programs never do, so there is no open rate."
        f" Fetched {counted(openings.fetched, 'time')}."
    )


def _conversions(figures: CampaignFigures, *, bars: bool) -> Table:
    rows = _Rows(figures.delivered.sent, bars=bars)
    for done in figures.conversions:
        rows.add(printable(done.name), done.count, colour="green", of="of sent")
    return rows.table


def _links(figures: CampaignFigures) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("Link", overflow="fold", ratio=1)
    table.add_column("Place")
    for name in ("People", "of sent", "Clicks", "Machines", "All"):
        table.add_column(name, justify="right", no_wrap=True)
    for link in figures.links:
        if not link.is_action:
            label = Text.assemble(printable(link.label), "\n", (printable(link.url), "dim"))
            clicks = link.clicks
            rate = _percent(clicks.people_per_sent) if clicks.people else DASH
            numbers = (_count(clicks.people), rate, _count(clicks.clicks), _count(clicks.machine), _count(clicks.raw))
            table.add_row(label, link.placement, *numbers)
    return table


def _unsubscribed(figures: CampaignFigures, *, bars: bool) -> Table:
    rows = _Rows(figures.delivered.sent, bars=bars)
    rows.add("people", figures.unsubscribed, colour="yellow", of="of sent")
    return rows.table


def _replied(figures: CampaignFigures, *, bars: bool) -> Table:
    rows = _Rows(figures.delivered.sent, bars=bars)
    rows.add("people", figures.replied, colour="green", of="of sent")
    return rows.table


def _signed(figures: CampaignFigures, *, bars: bool) -> RenderableType:
    signed = figures.signed
    rows = _Rows(figures.delivered.sent, bars=bars)
    rows.add("through this mail", signed.people, style="bold", colour="green", of="of sent")
    for placement, people in signed.by_placement.items():
        rows.add(f"  {placement}", people, colour="bright_black")
    lines: list[RenderableType] = [rows.table]
    if signed.per_thousand_sent is not None:
        lines.append(Text(f"{signed.per_thousand_sent:,.1f} signatures for each 1,000 mails sent.", style="dim"))
    if signed.on_page:
        page = _Rows(signed.on_page, bars=bars)
        page.add("on its page in all", signed.on_page, style="bold")
        for source, people in signed.by_source.items():
            page.add(f"  {printable(source)}", people, colour="bright_black", of="of these")
        if len(figures.page_languages) > 1:
            for language, people in figures.page_languages.items():
                page.add(f"  in {printable(language) or 'unknown'}", people, colour="bright_black", of="of these")
        lines.append(page.table)
    return Group(*lines)


def _by_language(languages: Sequence[LanguageFigures]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("Language", min_width=LABEL_CELLS)
    for name in ("Sent", "Signed", "Per 1,000", "Unsubscribed"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in languages:
        rate = f"{one.per_thousand:,.1f}" if one.per_thousand is not None else DASH
        name = printable(one.language) or "not known"
        table.add_row(name, _count(one.sent), _count(one.signed), rate, _count(one.unsubscribed))
    return table


def _course(figures: CampaignFigures, *, bars: bool) -> Table:
    steps = figures.course.steps
    most = max(max(step.clicks, step.signatures) for step in steps)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("From", no_wrap=True, min_width=LABEL_CELLS)
    table.add_column("Clicks", justify="right", no_wrap=True)
    table.add_column("Signatures", justify="right", no_wrap=True)
    if bars:
        table.add_column("")
    zone = ZoneInfo(figures.zone) if figures.zone else UTC
    for step in steps:
        cells: list[RenderableType] = [f"{step.begins.astimezone(zone):%a %-d %b %H:%M}"]
        cells += [_count(step.clicks), _count(step.signatures)]
        if bars:
            clicks = Text(bar(step.clicks / most), style="bright_black")
            cells.append(Group(clicks, Text(bar(step.signatures / most), style="green")) if step.signatures else clicks)
        table.add_row(*cells)
    return table


def _came_back(figures: CampaignFigures, *, bars: bool) -> RenderableType:
    back = figures.came_back
    rows = _Rows(figures.delivered.sent, bars=bars)
    rows.add("delivered", back.delivered, style="bold", colour="green", of="of sent")
    rows.add("bounced later", back.bounced, colour="red", of="of sent")
    for reason, people in back.bounced_by_class.items():
        rows.add(f"  {reason}: {CLASSES.get(reason, reason)}", people, style="dim", colour="")
    rows.add("complained: reported as spam", back.complained, colour="red", of="of sent")
    unknown = max(0, figures.delivered.sent - back.heard_of)
    words = f"For {unknown:,} sent mails no report came back, neither of arrival nor of failure."
    return Group(rows.table, Text(words, style="dim")) if unknown else rows.table


def _waived(figures: CampaignFigures) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    for rule, reason in figures.waived.items():
        table.add_row(printable(rule), printable(reason))
    return table


def _notes(figures: CampaignFigures) -> Text:
    sent = figures.delivered.sent
    per = f"Click rates are per sent mail ({sent:,}). " if sent else "Nothing is sent yet, so there are no rates. "
    return Text(
        f"{per}“People” counts mails whose link was followed at least once by something other than a known bot. "
        "Scanners that look like browsers are detected by patterns in their clicks, and some are missed.",
        style="dim",
    )


def compared_table(keys: Sequence[str], rows: Iterable[NamedCounts]) -> Table:
    """Newsletters, lists or months beside each other. `keys` name the columns of what each is."""
    table = Table(box=None, pad_edge=False)
    for key in keys:
        table.add_column(key, overflow="fold")
    for heading in ("sent", "signed", "per 1,000", "unsubscribed", "per 1,000", "complained"):
        table.add_column(heading, justify="right")
    for named, counts in rows:
        rates = [counts.per_thousand(measure) for measure in ("signed", "unsubscribed")]
        signed, left = ("" if rate is None else f"{rate:.1f}" for rate in rates)
        numbers = (f"{counts.sent:,}", f"{counts.signed:,}", signed, f"{counts.unsubscribed:,}", left)
        table.add_row(*map(Text, (*named, *numbers, f"{counts.complained:,}")))
    return table


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(title, style="bold underline"), Padding(body, (0, 0, 0, 2)))


class _Rows:
    """Rows of a label, a number, its share of `total` and a bar."""

    def __init__(self, total: int, *, bars: bool) -> None:
        self._total = total
        self._bars = bars
        self.table = Table.grid(padding=(0, 2, 0, 0))
        # One width in all sections, so that numbers and bars line up.
        self.table.add_column(overflow="fold", min_width=LABEL_CELLS)
        self.table.add_column(justify="right", no_wrap=True, min_width=NUMBER_CELLS)
        self.table.add_column(no_wrap=True, min_width=SHARE_CELLS)
        if bars:
            self.table.add_column(no_wrap=True)

    def add(
        self, label: str, count: int, *, style: str = "", colour: str = "blue", of: str = "", quiet: bool = False
    ) -> None:
        """Add a row; `quiet` leaves it out when the number is 0, and no colour gives no bar."""
        if quiet and not count:
            return
        share = count / self._total if self._total else None
        words = f"{_percent(share)} {of}".rstrip() if share is not None and (of or count) else ""
        cells = [Text(label, style=style), Text(f"{count:,}", style=style), Text(words, style="dim")]
        if self._bars:
            cells.append(Text(bar(share or 0.0) if colour else "", style=colour))
        self.table.add_row(*cells)


def bar(share: float, cells: int = BAR_CELLS) -> str:
    """A bar as long as `share` of `cells`, to an eighth of a cell; anything above nothing shows."""
    eighths = min(cells * 8, max(round(share * cells * 8), 1 if share > 0 else 0))
    full, rest = divmod(eighths, 8)
    return FULL * full + (EIGHTHS[rest] if rest else "")


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{share:.1%}" if share == 0 or share >= 0.001 else f"{share:.2%}"


def _count(number: int) -> str:
    return f"{number:,}" if number else DASH


def _moment(moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone) if zone else UTC)
    return f"{local:%a %-d %b %Y %H:%M} {zone or 'UTC'}"

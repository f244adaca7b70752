"""What a newsletter tries, as the form has it: from its front matter, from what was sent, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailer.audience.selection.front_matter import DAYS, DOWN_THE_LIST, read_cohorts
from mailer.compose.message import ARMS, PlannedTest
from mailer.compose.source.message_file import Source
from mailer.editing.splice import FrontValue
from mailer.errors import MailerError
from mailer.experiments.cohorts import PlannedCohorts
from mailer.web.studio.core.context import Form

OTHERS = ARMS[1:]  # the versions beside the mail itself
PARTS = (("subject", "Subject"), ("preheader", "Line after it"), ("from", "From"))
NOTHING, VERSIONS, DOWN = "nothing", "versions", "down"  # what is done with the audience
HOURS = (1, 2, 4, 8, 24, 48)
LONGEST = 998  # characters of a header (RFC 5322 §2.1.1)
USUAL, USUAL_GROUPS = PlannedTest(), PlannedCohorts()


@dataclass(frozen=True, slots=True)
class TrialForm:
    """What the form holds, as it was typed. `versions`: what is different in b, c and d, by part; `share` in percent,
    "" as recommended; `files`: versions that are files of their own, by letter."""

    mode: str
    versions: Mapping[str, Mapping[str, str]]
    share: str = ""
    hours: str = f"{USUAL.wait_seconds // 3600}"
    decides: str = USUAL.decides
    groups: str = ""
    sample: str = ""
    group_hours: str = ""
    clicks: str = ""
    complaints: str = ""
    files: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def arms(self) -> int:
        """How many versions there are, the mail itself among them."""
        return 1 + len({*self.files, *(arm for arm, parts in self.versions.items() if any(parts.values()))})


def saved_form(source: Source) -> TrialForm:
    """What the newsletter says. What can't be read there is as usual: reading it tells."""
    test = source.test or USUAL
    plan = read_cohorts(source.audience.get(DOWN_THE_LIST), _told_elsewhere)
    groups = plan or USUAL_GROUPS
    return TrialForm(
        mode=VERSIONS if source.test else DOWN if plan else NOTHING,
        versions={arm: {part: str(source.tried.get(arm, {}).get(part) or "") for part, _ in PARTS} for arm in OTHERS},
        share=f"{100 * test.share:.0f}" if test.share else "",
        hours=f"{test.wait_seconds / 3600:g}", decides=test.decides,
        groups=", ".join(map(_age, groups.days)), sample=f"{groups.sample}",
        group_hours=f"{groups.wait_seconds / 3600:g}", clicks=f"{groups.clicks:g}",
        complaints=f"{groups.complaints:g}", files=source.newsletter.variants(source.file.rpartition("/")[2]),
    )  # fmt: skip


def sent_form(form: Form, saved: TrialForm) -> TrialForm:
    """What was sent."""
    mode = form.get("mode")
    typed = {arm: {part: " ".join(form.text(f"{arm}.{part}")[:LONGEST].split()) for part, _ in PARTS} for arm in OTHERS}
    return TrialForm(
        mode if mode in (VERSIONS, DOWN) else NOTHING, typed, form.get("share").rstrip(" %"), form.get("hours"),
        form.get("decides"), form.get("groups"), form.get("sample").replace(",", ""), form.get("group_hours"),
        form.get("clicks"), form.get("complaints"), saved.files,
    )  # fmt: skip


def changes(asked: TrialForm, source: Source) -> dict[str, FrontValue]:
    """What must be spliced into the file so that it says what was asked. Raises `MailerError` for what is no number,
    and for a test of one version alone."""
    was = saved_form(source)
    found: dict[str, FrontValue] = {}
    if asked.mode != VERSIONS:
        if source.test is not None:
            found["test"] = None
    else:
        found |= _versions(asked, source)
    if asked.mode != DOWN:
        if source.audience.get(DOWN_THE_LIST) is not None:
            found[f"audience.{DOWN_THE_LIST}"] = None
    elif was.mode != DOWN or _groups(asked) != _groups(was):
        found |= _down(asked)
    return found


def _versions(asked: TrialForm, source: Source) -> dict[str, FrontValue]:
    typed = [parts for parts in asked.versions.values() if any(parts.values())]
    free = [arm for arm in OTHERS if arm not in asked.files]
    if not typed and not asked.files:
        raise MailerError("one version alone can’t be tried", remedy="Say what is different in B.")
    found: dict[str, FrontValue] = {}
    for number, arm in enumerate(free):  # letters follow each other, whichever fields were left empty
        before = source.tried.get(arm, {})
        for part, _ in PARTS:
            now = typed[number][part] if number < len(typed) else ""
            if now != str(before.get(part) or ""):
                found[f"test.{arm}.{part}"] = now
    share = _number(asked.share, "The part of the audience") if asked.share else None
    test = source.test or USUAL
    if share is None or test.share is None or share / 100 != test.share:
        found["test.share"] = None if share is None else f"{share:g}%"
    hours = _number(asked.hours, "How long it lasts")
    if hours * 3600 != test.wait_seconds or source.test is None:
        found["test.wait"] = f"{hours:g}h"
    if asked.decides != test.decides:
        found["test.decides"] = asked.decides
    put = {key: value for key, value in found.items() if value}  # first, so that nothing above them gets empty
    return put | {key: None for key in found if key not in put and key in source.lines}


def _down(asked: TrialForm) -> dict[str, FrontValue]:
    """Only what isn't usual, so that a file says no more than it means."""
    usual, said = _groups(saved_usual()), _groups(asked)
    own = {key: value for key, value in said.items() if value != usual[key]}
    at = f"audience.{DOWN_THE_LIST}"
    if not own:
        return {at: True}
    return {at: None} | {f"{at}.{key}": value for key, value in own.items()}


def saved_usual() -> TrialForm:
    """The form of a newsletter that goes down its list as is usual."""
    usual = USUAL_GROUPS
    return TrialForm(
        DOWN, {}, groups=", ".join(map(_age, usual.days)), sample=f"{usual.sample}",
        group_hours=f"{usual.wait_seconds / 3600:g}", clicks=f"{usual.clicks:g}", complaints=f"{usual.complaints:g}",
    )  # fmt: skip


def _groups(asked: TrialForm) -> dict[str, Any]:
    """What the front matter says of groups."""
    return {
        "groups": tuple(age.strip() for age in asked.groups.split(",") if age.strip()),
        "sample": int(_number(asked.sample, "The sample")),
        "wait": f"{_number(asked.group_hours, 'How long a sample is waited for'):g}h",
        "clicks": _number(asked.clicks, "The clicks"),
        "complaints": _number(asked.complaints, "The complaints"),
    }


def _number(given: str, what: str) -> float:
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise MailerError(f"{what} must be a number, not “{given[:40]}”")
    return int(number) if number == int(number) else number


def _age(days: int) -> str:
    unit = "year" if days % DAYS["year"] == 0 else "day"
    number = days // DAYS[unit]
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _told_elsewhere(_key: str, _message: str, _remedy: str) -> None:
    """What is wrong with the audience is said where it is read."""


def written(source: Source) -> Mapping[str, str]:
    """What the mail itself says in each part."""
    return {"subject": source.subject, "preheader": source.preheader, "from": source.from_}

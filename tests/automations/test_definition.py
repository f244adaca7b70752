"""Reading automation.toml: what it means, every fault at once with its line, and its ways through."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.audience.selection.saving_segments import newsletters_asking
from mailer.automations.definition import automation_from, read_automation
from mailer.automations.flow import misguided
from mailer.automations.names import sound_automation
from mailer.automations.steps import (
    AllowedHours,
    Automation,
    AutomationStep,
    AutomationTrigger,
    EndStep,
    IfStep,
    SendStep,
    TagStep,
    TriggerKind,
    UntilStep,
    WaitStep,
    following,
    from_json,
    to_json,
)
from mailer.compose.source.message_file import read_source
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.automations.conftest import MESSAGE, WELCOME, Write

WHOLE = """\
title = "After the appeal"
list = "supporters"
again_after = "26 weeks"
goals = ["library"]

[trigger]
sent = "appeal"

[window]
from = "21:00"
until = "06:30"

[steps.morning]
until = "Tuesday 09:30"
not_after = "2 days"

[steps.acted]
if = 'supporter.country == "GB"'
then = "mark"

[steps.hello]
send = "hello.md"
not_after = "12 hours"
next = "end"

[steps.mark]
tag = ["active", "uk"]
untag = "new"

[steps.over]
end = "inactive"
"""


def test_a_whole_file_is_read(write: Write) -> None:
    found = read_automation(write(WHOLE))
    assert found == Automation(
        "welcome", "After the appeal", "supporters", AutomationTrigger(TriggerKind.SENT, "appeal"),
        timedelta(weeks=26), ("library",), AllowedHours(time(21), time(6, 30)),
        (
            UntilStep("morning", time(9, 30), 1, timedelta(days=2), "acted"),
            IfStep("acted", 'supporter.country == "GB"', "mark", "hello"),
            SendStep("hello", "hello.md", timedelta(hours=12), ""),
            TagStep("mark", ("active", "uk"), ("new",), "over"),
            EndStep("over", inactive=True),
        ),
    )  # fmt: skip
    assert from_json(to_json(found)) == found


@pytest.mark.parametrize(
    ("said", "trigger"),
    [
        ('joined = "supporters"', AutomationTrigger(TriggerKind.JOINED, "supporters")),
        ('tagged = "volunteer"', AutomationTrigger(TriggerKind.TAGGED, "volunteer")),
        ('silent = "26 weeks"', AutomationTrigger(TriggerKind.SILENT, days=182)),
        ('date = "member_since"\nyearly = true\ndays = -7',
         AutomationTrigger(TriggerKind.DATE, "member_since", -7, yearly=True)),
        ('delivered = "library"', AutomationTrigger(TriggerKind.DELIVERED, "library")),
    ],
)  # fmt: skip
def test_what_starts_it(write: Write, said: str, trigger: AutomationTrigger) -> None:
    found = read_automation(write(WELCOME.replace('joined = "supporters"', said)))
    assert found.trigger == trigger
    assert from_json(to_json(found)) == found


def faults(write: Write, text: str, messages: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(MailerError) as caught:
        read_automation(write(text, messages))
    assert all(one.remedy for one in caught.value.diagnostics)
    assert all(one.place is not None for one in caught.value.diagnostics)
    return [one.sentence.removeprefix("newsletters/welcome/") for one in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('title = "Welcome"', "titel = 1", "automation.toml:1: unknown key 'titel'"),
        ('list = "supporters"', 'list = "friends"', "automation.toml:2: unknown list 'friends'"),
        ('joined = "supporters"', 'joined = "friends"', "automation.toml:5: there is no list 'friends'"),
        ('joined = "supporters"', "", "automation.toml:4: nothing starts it"),
        ('joined = "supporters"', 'joined = "supporters"\nsigned = "x"', "joined and signed both start it"),
        ('joined = "supporters"', 'joined = "supporters"\ndays = 3', "days has a meaning only beside date"),
        ('joined = "supporters"', 'silent = "3 hours"', "automation.toml:5: silent must be a day or more"),
        ('joined = "supporters"', 'date = "born"\ndays = true', "automation.toml:6: days must be a whole number"),
        ('wait = "3 days"', 'wait = "3 moons"', "automation.toml:11: wait must be a length of time"),
        ('wait = "3 days"', "wait = 3", "automation.toml:11: wait must be a length of time"),
        ('wait = "3 days"', "", "automation.toml:10: the step three-days does nothing"),
        ('wait = "3 days"', 'wait = "3 days"\nsend = "hello.md"', "automation.toml:10: the step three-days has both"),
        ('wait = "3 days"', 'wait = "3 days"\nthen = "hello"', "automation.toml:12: a step with wait has no 'then'"),
        ('wait = "3 days"', 'wait = "3 days"\nnext = "secnd"', "automation.toml:12: there is no step 'secnd'"),
        ('wait = "3 days"', 'next = "second"', "automation.toml:10: the step three-days does nothing"),
        ('wait = "3 days"', 'until = "Moonday 09:00"', "automation.toml:11: until must be a weekday"),
        ('wait = "3 days"', 'until = "25:00"', "automation.toml:11: until must be a weekday"),
        ('wait = "3 days"', "if = 'signd(\"x\")'\nelse = \"end\"", "automation.toml:11: "),
        ('wait = "3 days"', "if = 'supporter.country'", "automation.toml:11: both ways lead to the next step"),
        ('wait = "3 days"', 'tag = "a,b"', "automation.toml:11: 'a,b' can't be a tag"),
        ('wait = "3 days"', 'end = "asleep"', 'automation.toml:11: end must be true or "inactive"'),
        ('wait = "3 days"', "end = true", "automation.toml:13: nobody ever comes to the step second"),
        ('wait = "3 days"', "if = 'supporter.country'\nthen = \"hello\"", "the step hello is come to again"),
        ('wait = "3 days"', "if = 'supporter.country'\nthen = \"three-days\"", "is in a circle without a wait"),
        ('wait = "3 days"', 'wait = "3 days"\nnext = "hello"', "from the step hello there is no way to the end"),
        ('send = "second.md"', 'send = "third.md"', "automation.toml:14: there is no third.md beside the automation"),
        ('send = "second.md"', 'send = "../x.md"', "automation.toml:14: '../x.md' can't be a message"),
        ('send = "second.md"', 'send = "thanks.md"', "automation.toml:14: 'thanks.md' can't be a message"),
        ("[steps.second]", "[steps.end]", "automation.toml:13: 'end' can't be a step's name"),
        ('[steps.hello]\nsend = "hello.md"', '[window]\nfrom = "9"\nuntil = "20:00"', "from must be an hour of"),
        ('[steps.hello]\nsend = "hello.md"', '[window]\nfrom = "09:00"\nuntil = "09:00"', "the window never opens"),
        ('title = "Welcome"', 'title = "Welcome"\ngoals = [3]', "automation.toml:2: goals must be texts"),
    ],
)  # fmt: skip
def test_each_fault_has_its_line(write: Write, old: str, new: str, fault: str) -> None:
    assert fault in "\n".join(faults(write, WELCOME.replace(old, new)))


def test_all_faults_are_told_at_once(write: Write) -> None:
    text = WELCOME.replace("supporters", "friends").replace("3 days", "soon").replace("second.md", "gone.md")
    assert [one.partition(":")[2] for one in faults(write, text)] == [
        "2: unknown list 'friends'", "5: there is no list 'friends'",
        "11: wait must be a length of time, at most five years", "14: there is no gone.md beside the automation",
        "4: hello.md goes to supporters, and the automation to friends".replace("4:", "3:"),
    ]  # fmt: skip


def test_what_is_no_toml_and_no_steps(write: Write) -> None:
    assert "this is not valid TOML" in faults(write, "title = ")[0]
    assert "automation.toml:3: there is no step" in faults(write, 'title = "A"\nlist = "supporters"\n[steps]\n')[1]


def test_a_message_has_no_audience_and_no_place_in_the_archive(write: Write) -> None:
    own = MESSAGE.replace("template:", "audience:\n  segment: supporter.country\narchive: true\ntemplate:")
    found = faults(write, WELCOME, {"hello.md": own, "second.md": MESSAGE, "action.md": "x"})
    assert found == [
        "hello.md:4: the message of an automation has no audience of its own",
        "hello.md:6: the message of an automation can't be in the archive",
        "action.md: an automation has no sign page of its own",
    ]


def test_an_automation_is_no_newsletter(write: Write, workspace: Workspace) -> None:
    newsletter = write(WELCOME)
    assert (workspace.slugs(), workspace.automations()) == ([], ["welcome"])
    assert newsletter.is_automation
    with pytest.raises(MailerError, match="welcome is an automation"):
        read_source(newsletter)
    assert read_source(newsletter, "hello.md").subject == "Welcome"


def test_what_it_names_must_be_there(write: Write, database: Database) -> None:
    text = WHOLE.replace('supporter.country == "GB"', 'segment("keen") or tagged("x")')
    with database.read() as connection, pytest.raises(MailerError) as caught:
        sound_automation(connection, write(text))
    assert [one.sentence.removeprefix("newsletters/welcome/") for one in caught.value.diagnostics] == [
        "automation.toml:7: there is no newsletter 'appeal'", "automation.toml:4: there is no sign page 'library'",
        "automation.toml:18: there is no saved segment 'keen'",
    ]  # fmt: skip


def test_saved_segments_are_written_out(write: Write, database: Database, workspace: Workspace) -> None:
    (workspace.lists / "segments").mkdir()
    saved = "title = 'Keen'\nexpression = 'tagged(\"keen\")'\n"
    (workspace.lists / "segments" / "keen.toml").write_text(saved, encoding="utf-8")
    asks = '[steps.ask]\nif = \'segment("keen")\'\nelse = "end"\n\n[steps.hello]'
    with database.read() as connection:
        found = sound_automation(connection, write(WELCOME.replace("[steps.hello]", asks)))
    assert found.steps[0] == IfStep("ask", 'tagged("keen")', "hello", "")


def test_the_digest_is_of_what_it_does(write: Write) -> None:
    newsletter = write(WELCOME)
    digest = automation_from(WELCOME, newsletter).digest
    assert automation_from(f"# a note\n{WELCOME}", newsletter).digest == digest
    assert automation_from(WELCOME.replace("3 days", "4 days"), newsletter).digest != digest


NAMES = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def steps(draw: st.DrawFn) -> tuple[AutomationStep, ...]:
    names = draw(st.lists(NAMES, unique=True, min_size=1))
    to = st.sampled_from([*names, ""])
    kinds = st.sampled_from("wsite")

    def one(name: str) -> AutomationStep:
        match draw(kinds):
            case "w":
                return WaitStep(name, timedelta(days=1), draw(to))
            case "s":
                return SendStep(name, "hello.md", None, draw(to))
            case "i":
                return IfStep(name, "supporter.country", draw(to), draw(to))
            case "t":
                return TagStep(name, ("x",), (), draw(to))
            case _:
                return EndStep(name)

    return tuple(one(name) for name in names)


@given(steps(), st.lists(st.booleans(), min_size=60, max_size=60))
def test_where_nothing_is_wrong_nobody_is_mailed_twice_or_stays(
    made: tuple[AutomationStep, ...], turns: list[bool]
) -> None:
    """Walk through it by chance: what `misguided` finds sound mails nobody a step twice, waits in each circle, and can
    still end from wherever one is."""
    if list(misguided(made)):
        return
    by_name = {step.name: step for step in made}
    at, mailed, since_wait = made[0].name, set[str](), set[str]()
    for turn in turns:
        step = by_name[at]
        assert at not in since_wait, "a circle without a wait"
        since_wait = set() if isinstance(step, WaitStep) else since_wait | {at}
        if isinstance(step, SendStep):
            assert at not in mailed, "mailed twice"
            mailed.add(at)
        at = following(step)[-1 if turn else 0]
        if not at:
            return
    ends, open_ = False, [at]
    for name in open_:
        for to in following(by_name[name]):
            ends |= not to
            open_ += [to] if to and to not in open_ else []
    assert ends


def test_a_saved_segment_knows_the_automations_that_ask_for_it(
    write: Write, database: Database, workspace: Workspace
) -> None:
    write(WELCOME.replace("[steps.hello]", "[steps.ask]\nif = 'segment(\"keen\")'\nelse = \"end\"\n\n[steps.hello]"))
    with database.read() as connection:
        assert newsletters_asking(workspace, connection, ["keen"]) == ["welcome"]
        assert newsletters_asking(workspace, connection, ["other"]) == []

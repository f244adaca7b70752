"""Errors keep a newsletter from being mailed, in the words of `mailer check`; waivers let it go, with their reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailer.checking.evidence.caniemail import knowledge
from mailer.checking.evidence.spamassassin import read_report, spam_tests
from mailer.compose.message import from_json, to_json
from mailer.errors import MailerError
from mailer.settings import read_settings
from mailer.settings.schema import CLIENT_FAMILIES
from tests.checking.desk import Desk, Try
from tests.cli.conftest import Mailer, campaign, mailer

__all__ = ["campaign", "mailer"]  # fixtures, in a workspace made by `mailer init`

WAIVED = 'waive:\n  writing.placeholder: "TODO is the name of our band"\n---\n'


def spoil(slug: str, *, waived: bool = False) -> None:
    path = Path("newsletters") / slug / "message.md"
    head, body = path.read_text(encoding="utf-8").removeprefix("---\n").split("---\n", 1)
    path.write_text(f"---\n{head}{WAIVED if waived else '---' + chr(10)}\nTODO\n{body}", encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        ("test", "--to", "you@example.org"),
        ("send", "--yes", "3"),
        ("send", "--dry-run"),
        ("schedule", "--at", "2099-01-01 09:00"),
    ],
)
def test_errors_stop_whatever_would_mail(mailer: Mailer, campaign: str, command: tuple[str, ...]) -> None:
    spoil(campaign)
    done = mailer(command[0], campaign, *command[1:])
    assert done.code == 1
    assert "writing.placeholder" in done.err
    assert "“TODO” was to be filled in" in done.err
    assert f"{campaign} isn't mailed: 1 error" in done.err
    assert not [path for path in Path("outbox").rglob("*") if path.is_file()]
    assert "“TODO” was to be filled in" in mailer("check", campaign).out


def test_a_waived_rule_stops_nothing_and_its_reason_is_kept(mailer: Mailer, campaign: str) -> None:
    spoil(campaign, waived=True)
    done = mailer("check", campaign)
    assert done.code == 0
    assert "1 waived" in done.out
    assert "Waived: TODO is the name of our band [writing.placeholder]" in done.out
    assert mailer("send", campaign, "--yes", "3").code == 0
    remarks = json.loads(mailer("check", campaign, "--json").out)[campaign]["remarks"]
    assert (
        next(one["waived"] for one in remarks if one["rule"] == "writing.placeholder") == "TODO is the name of our band"
    )


def test_the_reason_is_frozen_with_the_message_and_older_messages_can_be_read(desk: Desk) -> None:
    plan = desk.preflight(Try(front={"waive": '\n  links.vague: "a quotation"'})).plan
    assert plan is not None
    data = json.loads(json.dumps(to_json(plan.message)))
    assert from_json(data).waived == {"links.vague": "a quotation"}
    del data["waived"]
    assert from_json(data).waived == {}


@pytest.mark.parametrize("waive", ["\n  links.vague:", "\n  links.vague: ''", " all of it", "\n  links.vague: 5"])
def test_a_waiver_needs_a_reason(desk: Desk, waive: str) -> None:
    found = desk.preflight(Try(front={"waive": waive}))
    assert [remark.rule for remark in found.errors] == ["compose.fault"]
    assert "waive" in found.errors[0].message


def test_a_page_that_holds_two_versions_is_as_bad_as_a_mail_that_does(desk: Desk) -> None:
    page = b"---\nheadline: Keep it\nstatement: Keep it.\n---\n\n<<<<<<< HEAD\nSign.\n=======\nJoin.\n>>>>>>> theirs\n"
    errors = desk.preflight(Try(files={"action.md": page})).errors
    places = [(one.place.file, one.place.line) for one in errors if one.place and "two versions" in one.message]
    assert places == [("newsletters/save-the-library/action.md", line) for line in (6, 10)]


def test_the_worst_comes_first(desk: Desk) -> None:
    remarks = desk.look(Try(body="TODO [Click here](https://council.gov/a)\n\n", front={"preheader": "Now"}))
    assert [remark.level.value for remark in remarks] == ["error", "warning", "note"]


def test_a_fault_is_told_with_all_the_others(desk: Desk) -> None:
    found = desk.preflight(Try(body="{{ supporter.frist_name }} {first_name}\n\n", front={"audience": "{includ: [x]}"}))
    assert sorted(remark.rule for remark in found.errors) == ["compose.fault", "compose.fault", "writing.foreign-tag"]
    assert found.plan is None


def test_families_of_mail_programs_can_be_chosen(desk: Desk) -> None:
    css = Try(templates=(("blocks/head.mjml", ".small p {", ".row { display: flex; } .small p {"),))
    (told,) = desk.look(css)
    assert "Gmail" in told.message or "Outlook" in told.message
    assert "tested on 20" in told.message
    thunderbird = (("[sender]", '[check]\nclients = ["thunderbird"]\n\n[sender]'),)
    assert desk.look(Try(templates=css.templates, settings=thunderbird)) == []


def test_a_designers_document_is_looked_at_too(desk: Desk) -> None:
    mjml = """\
<mjml lang="{{ message.language }}" dir="{{ message.direction }}">
  <mj-head>
    <mj-title>{{ message.title }}</mj-title>
    <mj-style>
      .row { display: grid; }
    </mj-style>
  </mj-head>
  <mj-body>
    <mj-section><mj-column>
      <mj-text font-size="16px"><h1>{{ message.headline }}</h1><p>The council decides in three weeks.</p></mj-text>
      <mj-button href="{{ action.url }}">{{ action.label }}</mj-button>
      <mj-button href="{{ action.url }}">{{ action.label }}</mj-button>
      <mj-text font-size="16px"><p>{{ organisation.postal_address }}</p>
        <p><a href="{{ unsubscribe_url }}">Leave</a></p></mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""
    remarks = desk.look(Try(mjml=mjml))
    assert {remark.rule for remark in remarks} >= {"compatibility.breaks"}
    lines = (desk.folder / "message.mjml").read_text(encoding="utf-8").split("\n")
    place = next(remark.place for remark in remarks if remark.rule == "compatibility.breaks")
    assert place is not None
    assert "display: grid" in lines[(place.line or 0) - 1]
    assert not [remark for remark in remarks if remark.rule.startswith(("law.", "text.", "compose."))]


def test_an_unknown_family_is_a_fault_of_the_settings(desk: Desk) -> None:
    desk.write(Try(settings=(("[sender]", '[check]\nclients = ["gmial"]\n\n[sender]'),)))
    with pytest.raises(MailerError) as found:
        read_settings(desk.root, environ={})
    assert "gmial" in str(found.value)
    assert "gmail" in str(found.value)


def test_the_families_are_those_of_the_data() -> None:
    known = {client.partition(".")[0] for client in next(iter(knowledge().features.values())).answers}
    assert sorted(known) == sorted(CLIENT_FAMILIES)


def test_spamassassins_report_is_read() -> None:
    report = """\
Content preview:  words 1.0 MADE_UP not a test

Content analysis details:   (3.4 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
 2.7 DEAR_FRIEND            BODY: Dear Friend? That's not very dear!
 0.7 MPART_ALT_DIFF         BODY: HTML and text parts are
                            different
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
"""
    found = read_report(report)
    assert [(one.points, one.name) for one in found] == [
        (2.7, "DEAR_FRIEND"), (0.7, "MPART_ALT_DIFF"), (-0.0, "NO_RELAYS"),
    ]  # fmt: skip
    assert found[1].description == "BODY: HTML and text parts are different"


def test_a_spamassassin_that_hangs_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "spamassassin"
    program.write_text("#!/bin/sh\nexec sleep 30\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert spam_tests(b"Subject: x\n\nx", seconds=0.3) == ()


@pytest.mark.parametrize(
    "command",
    [("check",), ("test", "--to", "you@example.org"), ("send", "--yes", "3"), ("schedule", "--at", "2099-01-01 09:00")],
)
def test_a_newsletter_that_is_not_there_is_one_plain_error(
    mailer: Mailer, campaign: str, command: tuple[str, ...]
) -> None:
    done = mailer(command[0], "2026-11-ask-un-expert", *command[1:])
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: newsletters/: there is no newsletter '2026-11-ask-un-expert'\n"
        "    Did you mean '2026-11-ask-un-experts'?\n"
    )


def test_what_holds_for_several_places_is_said_once_below_them(mailer: Mailer, campaign: str) -> None:
    spoil(campaign)
    spoil(campaign)
    lines = [line.strip() for line in mailer("check", campaign).out.splitlines()[1:]]
    assert [line.partition(" ")[0] for line in lines] == ["error", "error", "Everybody", "→"]


def test_a_remark_without_a_why_has_its_rule_behind_it(mailer: Mailer, campaign: str) -> None:
    path = Path("newsletters") / campaign / "message.md"
    path.write_text(path.read_text(encoding="utf-8").replace("template: appeal", "template: apeal"), encoding="utf-8")
    out = mailer("check", campaign).out
    assert "unknown template 'apeal' [compose.fault]\n           → Did you mean 'appeal'?" in out

"""The commands, as staff and scripts use them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from mailer.cli import cli
from mailer.errors import MailerError
from mailer.workspace import Workspace

PEOPLE = (
    "email,first_name,country\nada@example.org,Ada,GB\nbob@example.org,[bold]Bob[/bold],FR\nADA@example.org,,\nbad,,\n"
)
MESSAGE = """\
---
subject: Hello
list: supporters
template: plain
audience:
  segment: supporter.country == "GB"
---
Dear all.
"""


@pytest.fixture
def folder(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAILER_WORKSPACE", str(workspace.root))
    (workspace.root / "people.csv").write_text(PEOPLE)
    monkeypatch.chdir(workspace.root)
    return workspace.root


def mailer(*words: str, answer: str = "") -> Result:
    result = CliRunner().invoke(cli, words, input=answer, standalone_mode=False)
    if result.exception and not isinstance(result.exception, MailerError | click.ClickException | click.Abort):
        raise result.exception
    return result


def test_from_import_to_forgetting(folder: Path) -> None:
    report = mailer("import", "supporters", "people.csv", "--rejects", "rejects.csv")
    assert "read           4" in " ".join(report.output.split("\n")) or " 4 " in report.output
    assert "an email address must have an @-sign" in report.output
    assert (folder / "rejects.csv").read_text().splitlines()[1].startswith("5,")
    assert json.loads(mailer("lists", "--json").output) == [
        {"name": "supporters", "title": "Supporters", "subscribed": 2, "pending": 0, "unsubscribed": 0}
    ]
    assert "Supporters" in mailer("lists").output
    assert "[bold]Bob[/bold]" in mailer("people", "find", "bob").output, "what people wrote is no markup"
    assert json.loads(mailer("people", "find", "ada", "--json").output)[0]["email"] == "ada@example.org"
    assert "Yes, mail me about campaigns." in mailer("people", "show", "ada@example.org").output
    assert "is off supporters" in mailer(
        "people", "unsubscribe", "Ada@example.org", "--list", "supporters"
    ).output.replace("\n", "")
    assert "was off already" in mailer("people", "unsubscribe", "ada@example.org", "--list", "supporters").output
    assert "every list" in mailer("people", "unsubscribe", "bob@example.org").output
    shown = json.loads(mailer("people", "show", "ada@example.org", "--json").output)
    assert [one["status"] for one in shown["consents"]] == ["subscribed", "unsubscribed"]
    assert mailer("people", "forget", "ada@example.org", answer="n\n").exception
    assert "is deleted" in mailer("people", "forget", "ada@example.org", answer="y\n").output
    again = json.loads(mailer("import", "supporters", "people.csv", "--json").output)
    assert (again["added"], again["suppressed"], again["rejected"]) == (0, 3, 1)
    assert "remembered" in mailer("people", "show", "ada@example.org").output


def test_nobody_and_more_than_fit(folder: Path) -> None:
    assert mailer("people", "find", "ada").output == "Nobody was found.\n"
    mailer("import", "supporters", "people.csv")
    found = mailer("people", "find", "example.org", "--limit", "1").output
    assert found.count("@example.org") == 1
    assert found.endswith("There are more than 1: add words, or raise --limit.\n")
    (folder / "lists" / "supporters.toml").unlink()
    assert mailer("lists").output == "There are no lists yet: define one in lists/<name>.toml.\n"


def test_an_export_to_a_file_and_to_the_screen(folder: Path) -> None:
    mailer("import", "supporters", "people.csv")
    assert (
        "2 people of supporters are in out.csv" in mailer("people", "export", "supporters", "--out", "out.csv").output
    )
    assert (folder / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfemail,")
    assert mailer("people", "export", "supporters").output.splitlines()[1].startswith("ada@example.org,Ada")


GHOST = (
    "id,email,name,subscribed_to_emails,complimentary_plan,created_at,deleted_at,labels\n"
    "1,ann@example.net,Ann Ash,true,,2024-01-02T10:00:00.000Z,,vip\n"
    "2,bob@example.net,Bob Birch,false,,2024-01-02T10:00:00.000Z,,\n"
    "3,cyd@example.net,Cyd,,,2024-01-02T10:00:00.000Z,,\n"
    "4,dan@example.net,Dan,perhaps,,2024-01-02T10:00:00.000Z,,\n"
)


def test_an_export_of_another_program_is_shown_for_what_it_is(folder: Path) -> None:
    (folder / "members.csv").write_text(GHOST)
    shown = mailer("import", "supporters", "members.csv", "people.csv", "--dry-run").output
    assert "members.csv: an export of Ghost (--from none reads it as any other file)" in shown
    assert "subscribed_to_emails: true: 1 × subscribed, false: 1 × unsubscribed" in shown
    assert "4 rows: 1 subscribed, 1 no consent, 1 unsubscribed, 1 rejected" in shown
    assert "people.csv:" not in shown.partition("read")[0], "a plain file needs no word"
    assert "4 subscribed + 1 unsubscribed + 1 no consent + 2 rejected = 8 rows." in shown
    assert "unknown status: 'perhaps'" in shown
    assert "--word 'VALUE=STATUS'" in shown
    report = json.loads(mailer("import", "supporters", "members.csv", "--word", "perhaps=subscribed", "--json").output)
    assert (report["subscribed"], report["suppressed_by"], report["no_consent"]) == (2, {"unsubscribed": 1}, 1)
    assert report["files"][0]["kind_name"] == "ghost"
    show = mailer("people", "show", "ann@example.net").output
    assert "imported from Ghost" in show
    assert "agreed on" in show


def test_a_column_that_looks_like_consent_stops_the_command(folder: Path) -> None:
    (folder / "crm.csv").write_text("email,Opted out\nann@example.net,Yes\n")
    said = str(mailer("import", "supporters", "crm.csv").exception)
    assert "crm.csv:1: the column 'Opted out' looks as if it says who may be mailed: 'Yes' (1)" in said
    assert "1 unsubscribed = 1 row." in mailer("import", "supporters", "crm.csv", "--map", "Opted out=status").output


def test_a_dry_run_says_so(folder: Path) -> None:
    assert "nothing was changed" in mailer("import", "supporters", "people.csv", "--dry-run").output
    assert json.loads(mailer("lists", "--json").output)[0]["subscribed"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("import", "suporters", "people.csv"), "Did you mean 'supporters'?"),
        (("import", "supporters", "people.csv", "--map", "email"), "COLUMN=FIELD"),
        (("import", "supporters", "people.csv", "--map", "x=email"), "no column 'x'"),
        (("import", "supporters", "people.csv", "--word", "x"), "VALUE=STATUS"),
        (("import", "supporters", "people.csv", "--word", "x=y"), "is not a status"),
        (("import", "supporters", "people.csv", "--status", "gone"), "is not a status"),
        (("import", "supporters", "people.csv", "--from", "gost"), "Did you mean 'ghost'?"),
        (("import", "supporters", "people.csv", "--delimiter", "::"), "is not one sign"),
        (("people", "show", "nobody@example.org"), "nothing is known"),
        (("people", "show", "nobody"), "@-sign"),
        (("people", "unsubscribe", "nobody@example.org"), "nobody has the address"),
        (("people", "forget", "nobody@example.org", "--yes"), "nobody has the address"),
        (("people", "export", "nolist"), "no list"),
        (("audience", "nothing"), "no newsletter"),
    ],
)
def test_what_goes_wrong_is_one_clear_error(folder: Path, words: tuple[str, ...], message: str) -> None:
    result = mailer(*words)
    assert isinstance(result.exception, MailerError)
    assert message in str(result.exception)


def test_the_audience_of_a_newsletter(folder: Path) -> None:
    mailer("import", "supporters", "people.csv")
    mailer("people", "unsubscribe", "bob@example.org")
    newsletter = folder / "newsletters" / "hello"
    newsletter.mkdir()
    (folder / "templates").unlink()
    (folder / "templates" / "plain").mkdir(parents=True)
    (folder / "templates" / "plain" / "layout.mjml").write_text("<mjml></mjml>")
    (folder / "templates" / "plain" / "template.toml").write_text('description = "Plain"\n')
    (newsletter / "message.md").write_text(MESSAGE)
    result = mailer("audience", "hello", "--json")
    assert not result.exception, str(result.exception)
    figures = json.loads(result.output)
    assert (figures["total"], figures["chosen"], figures["excluded"]) == (2, 1, {"unsubscribed": 1})
    text = mailer("audience", "hello").output
    assert "unsubscribed" in text
    assert 'segment: supporter.country == "GB"' in text
    told = mailer("people", "why", "ada@example.org", "hello").output
    assert "Ada will get it, as things are now." in told
    assert 'supporter.country == "GB"' in told
    answer = json.loads(mailer("people", "why", "bob@example.org", "hello", "--json").output)
    assert [(rule["kind"], rule["holds"]) for rule in answer["rules"]] == [
        ("list", False), ("address", False), ("condition", False),
    ]  # fmt: skip
    (newsletter / "message.md").write_text(MESSAGE.replace("country", "contry"))
    assert "message.md:6" in str(mailer("audience", "hello").exception)


def test_rejects_that_can_not_be_written_are_told_before_anything_is_read(folder: Path) -> None:
    done = mailer("import", "supporters", "people.csv", "--rejects", "nowhere/rejects.csv")
    assert "nowhere/rejects.csv can't be written: No such file or directory" in str(done.exception)
    assert "Name a file in an existing folder." in str(done.exception)

"""`mailer check` and `mailer render`: findings with their places, and files one can open."""

from __future__ import annotations

import json
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli import cli
from mailer.workspace import Workspace

GOOD = """\
---
subject: "Hello {{ supporter.first_name | default('you') }}"
preheader: "One sentence of a good length, that says what can be done now."
list: supporters
template: appeal
action:
  url: https://act.example.org/
  label: Sign
---
Dear {{ supporter.first_name | default("friend") }},

::: ask
:::

The library in our street is to be closed in spring. It is the one warm room where children do their homework, where
people who have no printer print what the office asks of them, and where forty of us learned to read a second language.
The council decides in three weeks, and it has heard from nobody yet but its treasurer. Please let it hear from you, and
then ask somebody next door to do the same.

![A seal](seal.png)

::: ask
:::
"""


@pytest.fixture
def home(workspace: Workspace) -> Workspace:
    folder = workspace.newsletters / "good"
    folder.mkdir()
    (folder / "message.md").write_text(GOOD, encoding="utf-8")
    (folder / "seal.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00")
    return workspace


def run(workspace: Workspace, *arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), env={"MAILER_WORKSPACE": str(workspace.root)})


def test_a_sound_newsletter(home: Workspace) -> None:
    done = run(home, "check", "good")
    assert (done.exit_code, done.output.strip()) == (0, "good  sound")


def test_faults_of_message_and_audience_together(home: Workspace) -> None:
    path = home.newsletters / "good" / "message.md"
    path.write_text(GOOD.replace("action:", "audience:\n  include: [nobody]\naction:") + "\n{{ supporter.nope }}\n")
    done = run(home, "check", "good")
    assert done.exit_code == 1
    assert "good  2 errors" in done.output
    assert "newsletters/good/message.md:7" in done.output
    assert "newsletters/good/message.md:27: unknown field supporter.nope" in done.output
    data = json.loads(run(home, "check", "good", "--json").output)
    remarks = data["good"]["remarks"]
    assert {one["line"] for one in remarks} == {7, 27}
    assert all(one["file"] == "newsletters/good/message.md" and one["level"] == "error" for one in remarks)
    assert {one["rule"] for one in remarks} == {"compose.fault"}


def test_a_list_that_is_not_there_hides_neither_the_action_nor_the_body(home: Workspace) -> None:
    path = home.newsletters / "good" / "message.md"
    faulty = GOOD.replace("list: supporters", "list: suporters").replace("url: https://act.example.org/", "url: 5")
    path.write_text(faulty + "\n{{ supporter.nope }}\n\n[a](www.example.org)\n")
    wanted = {"4: unknown list 'suporters'", "7: action.url must be a text", "25: unknown field supporter.nope",
              "27: 'www.example.org' is not a web address"}  # fmt: skip
    for command in ("check", "render"):
        done = run(home, command, "good")
        told = done.output + str(done.exception)
        assert [one for one in wanted if f"newsletters/good/message.md:{one}" not in told] == []
        assert told.count("newsletters/good/message.md:") == len(wanted)


def test_everything_is_checked_without_a_slug(home: Workspace) -> None:
    (home.newsletters / "bad").mkdir()
    (home.lists / "members.csv").write_text("email\nann@example.org\n")
    (home.lists / "old.toml").write_text("title = 5\n")
    (home.lists / "README.md").write_text("What lives here\n")
    done = run(home, "check")
    assert done.exit_code == 1
    assert "lists/members.csv" in done.output
    assert "ann@example.org" not in done.output
    assert "lists/old.toml" in done.output
    assert "newsletters/bad/: there is no message.md" in done.output
    assert "good  sound" in done.output
    assert "README" not in done.output


def test_an_unknown_newsletter(home: Workspace) -> None:
    done = run(home, "check", "goood")
    assert done.exit_code == 1
    assert "Did you mean 'good'?" in str(done.exception)


def test_render_writes_what_people_get(home: Workspace, tmp_path: Path) -> None:
    done = run(home, "render", "good", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    html, text, mail = (tmp_path / "out" / f"good.{kind}" for kind in ("html", "txt", "eml"))
    assert done.output.split() == [str(html), str(text), str(mail)]
    assert "Dear Ada," in html.read_text(encoding="utf-8")
    assert "Dear Ada," in text.read_text(encoding="utf-8")
    picture = next(path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".png")
    assert f'src="{picture}"' in html.read_text(encoding="utf-8")
    parsed = BytesParser(policy=policy.default).parsebytes(mail.read_bytes())
    assert "Hello Ada" in str(parsed["Subject"])
    part = parsed.get_body(("plain",))
    assert part is not None
    assert "Dear Ada," in part.get_content()


def test_render_as_somebody(home: Workspace) -> None:
    (home.root / "people.csv").write_text("email,first_name\nann@example.org,Änn\n", encoding="utf-8")
    assert run(home, "import", "supporters", str(home.root / "people.csv")).exit_code == 0
    done = run(home, "render", "good", "--as", "Ann@Example.org")
    assert done.exit_code == 0, done.output
    assert "Dear Änn," in (home.root / "rendered" / "good" / "good.txt").read_text(encoding="utf-8")
    assert run(home, "render", "good", "--as", "nobody@example.org").exit_code == 1


def test_render_refuses_a_faulty_newsletter(home: Workspace) -> None:
    (home.newsletters / "good" / "message.md").write_text(GOOD + "{{ nope }}")
    done = run(home, "render", "good")
    assert done.exit_code == 1
    assert not (home.root / "rendered").exists()

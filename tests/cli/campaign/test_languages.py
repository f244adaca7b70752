"""What commands say of a newsletter in several languages, and that they make the version that was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer

pytestmark = pytest.mark.usefixtures("own_day")

PEOPLE = """\
email,first_name,language
ada@example.org,Ada,en
bea@example.org,Béa,fr-CA
cem@example.org,Cem,de
dan@example.org,Dan,
"""


@pytest.fixture
def french(mailer: Mailer, campaign: str) -> str:
    """The campaign has a French version, and its people read what they like."""
    Path("people.csv").write_text(PEOPLE, encoding="utf-8")
    assert mailer("import", "supporters", "people.csv").code == 0
    folder = Path("newsletters") / campaign
    body = "Le conseil décide dans trois semaines.\n\n::: ask\n:::\n"
    front = "---\nsubject: Une minute\npreheader: Le conseil décide dans trois semaines et il faut lui écrire.\n"
    (folder / "message.fr.md").write_text(f"{front}action:\n  label: Je signe\n---\n{body}", encoding="utf-8")
    return campaign


def test_who_sends_sees_who_gets_which_language(mailer: Mailer, french: str) -> None:
    told = mailer("send", french, "--dry-run")
    assert told.code == 0, told.err
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert "Language French: 1 person" in lines
    assert "Language German: 1 person gets the English mail" in lines
    assert "German: 1 person gets the English mail" in mailer("audience", french).out
    figures = json.loads(mailer("audience", french, "--json").out)["languages"]
    assert figures["fr"] == {"people": 1, "instead": {}}
    assert figures["en"]["instead"] == {"de": 1}
    assert "German: 1 person gets the English mail" in mailer("check", french).out


def test_each_gets_theirs_and_the_report_says_so(mailer: Mailer, french: str) -> None:
    people = json.loads(mailer("audience", french, "--json").out)["chosen"]
    assert mailer("send", french, "--yes", str(people)).code == 0
    mails = [path.read_text(encoding="utf-8") for path in (Path("outbox") / "new").iterdir()]
    assert len(mails) == people
    assert [("Une minute" in mail) for mail in mails if "bea@example.org" in mail] == [True]
    assert sum("Une minute" in mail for mail in mails) == 1
    report = json.loads(mailer("report", french, "--json").out)
    assert {one["language"]: one["sent"] for one in report["by_version"]} == {"en": people - 1, "fr": 1}
    assert "By language of the mail" in mailer("report", french).out
    assert "by language of the mail,fr,sent,1" in mailer("report", french, "--csv").out


def test_the_version_that_is_asked_for(mailer: Mailer, french: str) -> None:
    assert mailer("render", french, "--language", "fr", "--out", "out").code == 0
    assert "Une minute" in (Path("out") / f"{french}.eml").read_text(encoding="utf-8")
    assert mailer("render", french, "--as", "bea@example.org", "--out", "hers").code == 0
    assert "Une minute" in (Path("hers") / f"{french}.eml").read_text(encoding="utf-8")
    refused = mailer("render", french, "--language", "it")
    assert refused.code == 1
    assert "isn't written in 'it'" in refused.err
    assert "It is in en, fr." in refused.err
    for arguments, words in (((), ""), (("--language", "fr"), "Une minute"), (("--as", "bea@example.org"), "Une")):
        done = mailer("test", french, "--to", "you@example.org", *arguments)
        assert done.code == 0, done.err
        newest = max((Path("outbox") / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        assert words in newest.read_text(encoding="utf-8")


def test_an_edited_translation_is_told(mailer: Mailer, french: str) -> None:
    assert mailer("schedule", french, "--at", "2099-01-01 09:00").code == 0
    path = Path("newsletters") / french / "message.fr.md"
    path.write_text(path.read_text(encoding="utf-8").replace("Une minute", "Deux minutes"), encoding="utf-8")
    told = mailer("check", french).out
    assert "fr: subject: “Une minute” goes out, “Deux minutes” is in the files" in told


def test_status_counts_the_languages(mailer: Mailer, french: str) -> None:
    assert mailer("send", french, "--yes", "6").code == 0
    told = json.loads(mailer("status", "--json").out)
    assert [one["languages"] for one in told if one["slug"] == french] == [2]
    table = mailer("status").out
    assert "Languages" in table.splitlines()[0]
    (Path("newsletters") / french / "message.fr.md").unlink()
    assert "Languages" not in mailer("status").out.splitlines()[0]

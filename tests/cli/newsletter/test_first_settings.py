"""`mailer init` asks who a workspace is for, and what it makes can be mailed with one's own sender."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailer.cli import cli
from mailer.cli.newsletter.first_settings import Answers, list_text, settings_text
from mailer.cli.newsletter.starter import make_workspace, starter_root
from mailer.errors import MailerError
from mailer.settings import read_settings

OURS = {
    "--name": "Friends of the Library",
    "--address": "12 Mill RateLimit, Leeds LS1 4AB",
    "--sender": "appeals@libraryfriends.ngo",
    "--site": "libraryfriends.ngo/",
    "--zone": "europe/london",
}
FLAGS = [word for pair in OURS.items() for word in pair]


def test_flags_are_the_answers(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["init", str(tmp_path / "ws"), *FLAGS])
    assert done.exit_code == 0, done.output
    assert "Put your organisation's name" not in done.output
    settings = read_settings(tmp_path / "ws", {})
    assert settings.organisation.name == "Friends of the Library"
    assert settings.organisation.postal_address == "12 Mill RateLimit, Leeds LS1 4AB"
    assert settings.organisation.website == "https://libraryfriends.ngo"
    assert settings.sender.from_ == "Friends of the Library <appeals@libraryfriends.ngo>"
    assert (settings.sender.reply_to, settings.public.unsubscribe_mailto) == ("", "")
    assert settings.timezone == "Europe/London"
    for file in ("mailer.toml", "lists/supporters.toml"):
        assert "example.org" not in (tmp_path / "ws" / file).read_text(encoding="utf-8")


def test_a_terminal_is_asked_for_what_no_flag_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.cli.newsletter.init._is_terminal", lambda: True)
    typed = "12 Mill RateLimit, Leeds\nThe Friends <appeals@libraryfriends.ngo>\n\n\n"
    done = CliRunner().invoke(cli, ["init", str(tmp_path / "ws"), "--name", "Library Friends"], input=typed)
    assert done.exit_code == 0, done.output
    assert "Its postal address" in done.output
    assert "Your organisation's name" not in done.output
    settings = read_settings(tmp_path / "ws", {})
    assert settings.organisation.name == "Library Friends"
    assert settings.organisation.website == "https://libraryfriends.ngo"  # an empty answer is the sender's
    assert settings.sender.from_ == "The Friends <appeals@libraryfriends.ngo>"
    again = CliRunner().invoke(cli, ["init", str(tmp_path / "ws")])  # nothing to ask in one that is there
    assert "nothing was changed" in again.output


def test_nobody_is_asked_without_a_terminal(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["init", str(tmp_path / "ws")])
    assert done.exit_code == 0
    assert "Put your organisation's name, postal address and sender" in done.output


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--sender", "nonsense"), "'nonsense' is not an address"),
        (("--sender", "a@b"), "is not an address"),
        (("--zone", "IST"), "Asia/Kolkata"),
        (("--zone", "Mars"), "time zone"),
    ],
)
def test_an_answer_that_can_not_be_makes_nothing(tmp_path: Path, flags: tuple[str, str], words: str) -> None:
    answers = Answers(**{flags[0].removeprefix("--"): flags[1]})
    with pytest.raises(MailerError) as raised:
        make_workspace(tmp_path / "ws", answers)
    assert words in f"{raised.value} {raised.value.remedy}"
    assert not (tmp_path / "ws").exists()


def test_answers_to_a_workspace_that_is_there_are_refused(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    before = (tmp_path / "mailer.toml").read_bytes()
    done = CliRunner().invoke(cli, ["init", str(tmp_path), *FLAGS])
    assert done.exit_code == 2
    assert "has its settings already" in done.output
    assert (tmp_path / "mailer.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("sender", "said"),
    [
        ("a@b.ngo", "a@b.ngo"),
        ("Library Friends <a@b.ngo>", "Library Friends <a@b.ngo>"),
        ("Library: Leeds <a@b.ngo>", '"Library: Leeds" <a@b.ngo>'),
        ('"Library @ Leeds" <a@b.ngo>', '"Library @ Leeds" <a@b.ngo>'),
        ("c@d.ngo <a@b.ngo>", '"c@d.ngo" <a@b.ngo>'),
        ("Bücherei <a@bücherei.de>", "Bücherei <a@bücherei.de>"),
    ],
)
def test_a_sender_is_a_name_and_an_address(sender: str, said: str) -> None:
    sample = (starter_root() / "mailer.toml").read_text(encoding="utf-8")
    answers = Answers(sender=sender)
    assert tomllib.loads(settings_text(sample, answers))["sender"]["from"] == said
    assert answers.domain in ("b.ngo", "xn--bcherei-n2a.de")
    assert list_text('list_id = "supporters.lists.example.org"', answers).endswith(f'lists.{answers.domain}"')


@pytest.mark.parametrize(
    "name",
    ['Library "Friends"', "Library @ Leeds", "Freunde\\der Bücherei", "A, B & C", "名前", "#1 = [x]", "a\nb\x7f"],
)
def test_any_name_is_the_organisations_name(name: str) -> None:
    sample = (starter_root() / "mailer.toml").read_text(encoding="utf-8")
    said = tomllib.loads(settings_text(sample, Answers(name=name, address=name, sender="a@b.ngo")))
    assert said["organisation"]["name"] == said["organisation"]["postal_address"] == " ".join(name.split())
    assert said["sender"]["from"].endswith("<a@b.ngo>")

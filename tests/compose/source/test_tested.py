"""`test:` in the front matter: the versions of a message, and every fault of them with its place and remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.compiler import compile_message
from mailer.compose.message import Message, PlannedTest, as_written, from_json, to_json, version_in_words
from mailer.compose.source.frontmatter import FrontMatter
from mailer.compose.source.message_file import read_source
from mailer.compose.source.tested import read_test
from mailer.errors import MailerError
from mailer.workspace import Workspace
from tests.languages import BRAZILIAN, FRENCH, ORIGINAL, write

pytestmark = pytest.mark.sqlite
TWO = "test:\n  b:\n    subject: 3,412 hours of sewage\n  share: 30%\n  wait: 6h\n"
TESTED = ORIGINAL.replace("action:", f"{TWO}action:")
FRENCH_TESTED = FRENCH.replace("action:", "test:\n  b:\n    subject: 3 412 heures\naction:")
ALONE = {"message_fr": "", "message_pt-BR": ""}  # no translations


def with_test(lines: str) -> str:
    return ORIGINAL.replace("action:", f"{lines}action:")


def compiled(workspace: Workspace, **files: str) -> Message:
    source = read_source(write(workspace, **files))
    return compile_message(source, definition=workspace.list_definition("supporters"), known_fields=()).message


def faults(workspace: Workspace, **files: str) -> list[str]:
    try:
        compiled(workspace, **files)
    except MailerError as error:
        assert all(one.remedy for one in error.diagnostics if one.stops and "test" in one.message)
        return [f"{Path(one.place.file).name}:{one.place.line}: {one.message}" if one.place else one.message
                for one in error.diagnostics if one.stops]  # fmt: skip
    return []


def subject(message: Message) -> str:
    return as_written(message, message.subject)


def test_a_subject_of_another_version(workspace: Workspace) -> None:
    message = compiled(workspace, message=TESTED, **ALONE)
    assert message.test == PlannedTest(0.3, 6 * 3600, "signatures")
    assert {name: subject(one) for name, one in message.versions.items()} == {
        "": "Clean our river", "b": "3,412 hours of sewage",
    }  # fmt: skip
    numbers = [link.n for link in message.every_link]
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "a link says which version somebody got"
    assert from_json(json.loads(json.dumps(to_json(message)))) == message
    assert message.digest != compiled(workspace, message=ORIGINAL, **ALONE).digest


def test_without_a_test_not_a_byte_is_different(workspace: Workspace) -> None:
    data = to_json(compiled(workspace))
    assert {"test", "variants"}.isdisjoint(data)
    assert all({"test", "variants"}.isdisjoint(one) for one in data["translations"])


def test_versions_times_languages(workspace: Workspace) -> None:
    """A version in the front matter and one that is a file, each in both languages."""
    message = compiled(
        workspace, message=TESTED, message_fr=FRENCH_TESTED, **{"message_pt-BR": ""},
        message_c="---\npreheader: A letter that you can sign in a minute, to the few who can decide.\n---\nShort.\n",
        message_c_fr="---\nsubject: Court\n---\nEn bref.\n",
    )  # fmt: skip
    assert {name: subject(one) for name, one in message.versions.items()} == {
        "": "Clean our river", "fr": "Nettoyons notre rivière", "b": "3,412 hours of sewage", "b.fr": "3 412 heures",
        "c": "Clean our river", "c.fr": "Court",
    }  # fmt: skip
    said = {name: as_written(one, one.text) for name, one in message.versions.items()}
    assert "Short." in said["c"]
    assert "En bref." in said["c.fr"]
    assert "Les égouts" in said["b.fr"]
    numbers = [link.n for link in message.every_link]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert {one.language for one in message.versions.values()} == {"en", "fr"}
    assert message.arm("b").versions.keys() == {"", "fr"}
    assert from_json(json.loads(json.dumps(to_json(message)))) == message


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("test: yes\n", ["message.md:7: test must hold keys", "message.md:7: the test has one version alone"]),
        ("test:\n", ["message.md:7: the test has one version alone"]),
        ("test:\n  share: 30%\n", ["message.md:7: the test has one version alone"]),
        ("test:\n  a:\n    subject: x\n  b:\n    subject: y\n", ["message.md:8: version a is the message itself"]),
        ("test:\n  c:\n    subject: y\n", ["message.md:7: there is a version c and no b"]),
        ("test:\n  b: Hello\n", ["message.md:8: test.b must say what is different in this version"]),
        ("test:\n  b:\n    subjekt: y\n", ["message.md:9: unknown key test.b.subjekt"]),
        ("test:\n  b:\n    subject: 5\n", ["message.md:9: subject must be text, not a number"]),
        ("test:\n  b:\n    from: nobody\n", ["message.md:9: from"]),
        ("test:\n  b:\n    subject: Clean our river\n", ["message.md:7: versions a and b are the same mail"]),
        ("test:\n  b:\n    subject: y\n  c:\n    subject: y\n", ["message.md:7: versions b and c are the same mail"]),
        ("test:\n  e:\n    subject: y\n  b:\n    subject: y\n", ["message.md:8: unknown key test.e"]),
        ("test:\n  share: 60%\n  b:\n    subject: y\n", ["message.md:8: test.share must be from 10% to 50%"]),
        ("test:\n  share: 0.3\n  b:\n    subject: y\n", ["message.md:8: test.share must be from 10% to 50%"]),
        ("test:\n  wait: 30m\n  b:\n    subject: y\n", ["message.md:8: test.wait must be from 1 hour to 7 days"]),
        ("test:\n  wait: soon\n  b:\n    subject: y\n", ["message.md:8: test.wait: 'soon' is not a duration"]),
        (
            "test:\n  decides: opens\n  b:\n    subject: y\n",
            ["message.md:8: test.decides must be signatures or clicks"],
        ),
        (
            "test:\n  share: 5%\n  wait: 1m\n  b:\n    subject: |\n      two\n      lines\n",
            ["message.md:12: subject must be on one line", "message.md:8: test.share", "message.md:9: test.wait"],
        ),
    ],
)
def test_every_fault_has_its_line(workspace: Workspace, lines: str, told: list[str]) -> None:
    found = faults(workspace, message=with_test(lines), **ALONE)
    assert len(found) == len(told), found
    assert all(any(one.startswith(words) for one in found) for words in told), found


def test_a_translation_says_its_words_of_each_version(workspace: Workspace) -> None:
    without = {"message_pt-BR": BRAZILIAN, "message": TESTED, "message_fr": FRENCH_TESTED}
    assert faults(workspace, **without) == ["message.pt-BR.md:1: test.b.subject is missing"]
    own = FRENCH_TESTED.replace("    subject:", "    preheader: Autre\n    subject:").replace(
        "test:", "test:\n  share: 20%"
    )
    found = faults(workspace, message=TESTED, message_fr=own, **{"message_pt-BR": ""})
    assert found == [
        "message.fr.md:5: test.share isn't tested in the original",
        "message.fr.md:7: test.b.preheader isn't tested in the original",
    ]
    assert faults(workspace, message=ORIGINAL, message_fr=FRENCH_TESTED, **{"message_pt-BR": ""}) == [
        "message.fr.md:6: test.b.subject isn't tested in the original"
    ]


def test_files_of_versions(workspace: Workspace) -> None:
    short = "---\nsubject: Short\n---\nShort.\n"
    assert faults(workspace, message=ORIGINAL, message_b=short, **ALONE) == [
        "message.b.md:None: there is no test that this is a version for"
    ]
    assert faults(workspace, message=TESTED, message_b=short, **ALONE) == [
        "message.md:8: version b is in message.b.md, too"
    ]
    test = with_test("test:\n  wait: 4h\n")
    assert faults(workspace, message=test, message_b=short, message_b_fr=short) == [
        "message.b.md:None: this version isn't written in 'pt-BR'"
    ]
    assert faults(workspace, message=test, message_b=short, message_b_fr=short, **ALONE) == [
        "message.b.fr.md:None: the first version isn't written in 'fr'"
    ]
    (workspace.newsletters / "river" / "message.b.fr.md").unlink()
    shared = "---\nlist: supporters\nurgent: true\ntest:\n  b:\n    subject: x\n---\nShort.\n"
    assert faults(workspace, message=test, message_b=shared, **ALONE) == [
        "message.b.md:2: list is the same in all versions", "message.b.md:3: urgent is the same in all versions",
        "message.b.md:4: test is the same in all versions",
    ]  # fmt: skip
    assert faults(workspace, message=test, message_b="---\nsubjekt: x\n---\n", **ALONE) == [
        "message.b.md:2: unknown key 'subjekt'", "message.b.md:4: the message has no text",
    ]  # fmt: skip


def test_an_authors_own_mjml_has_versions_too(workspace: Workspace) -> None:
    mjml = (
        "---\nsubject: {}\nlist: supporters\n{}---\n<mjml><mj-body><mj-section><mj-column><mj-text>{} "
        '{{{{ organisation.postal_address }}}} <a href="{{{{ unsubscribe_url }}}}">Leave</a></mj-text></mj-column>'
        "</mj-section></mj-body></mjml>"
    )
    newsletter = write(workspace, message="", action="", action_fr="", **ALONE)
    (newsletter.folder / "message.mjml").write_text(mjml.format("One", "test:\n  wait: 1d\n", "Long."))
    assert "there is nothing to decide the test by" in [one.message for one in read_source(newsletter).faults]
    action = "action:\n  url: https://example.org/act\n  label: Add your name\ntest:\n  wait: 1d\n"
    (newsletter.folder / "message.mjml").write_text(mjml.format("One", action, "Long."))
    (newsletter.folder / "message.b.mjml").write_text(
        mjml.format("Two", "", "Short.").replace("list: supporters\n", "")
    )
    source = read_source(newsletter)
    message = compile_message(source, definition=workspace.list_definition("supporters"), known_fields=()).message
    assert {name: subject(one) for name, one in message.versions.items()} == {"": "One", "b": "Two"}
    assert "Short." in as_written(message.versions["b"], message.versions["b"].html)
    assert message.test == PlannedTest(None, 86400)


def test_a_mail_that_is_no_newsletter_tries_nothing(workspace: Workspace) -> None:
    newsletter = write(workspace, **ALONE)
    (newsletter.folder / "welcome.md").write_text(TESTED)
    source = read_source(newsletter, "welcome.md")
    assert [one.message for one in source.faults] == ["only a newsletter can try several versions"]
    assert source.test is None


def test_versions_by_name() -> None:
    assert [version_in_words(name) for name in ("fr", "pt-BR", "b", "c.pt-BR", "ab")] == [
        "translation fr", "translation pt-BR", "version b", "version c, pt-BR", "translation ab",
    ]  # fmt: skip


@given(
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["30%", "4h", "1m", "clicks"]),
        lambda inner: st.lists(inner) | st.dictionaries(
            st.sampled_from(["a", "b", "c", "share", "wait", "decides", "subject", "from", "x"]) | st.integers(), inner
        ),
    )
)  # fmt: skip
def test_anything_is_read_or_told(data: object) -> None:
    told: list[str] = []
    plan, tried = read_test(
        FrontMatter({"test": data}, {"test": 1}, "", 1), lambda message, key, remedy: told.append(key)
    )
    assert plan.share is None or 0.1 <= plan.share <= 0.5
    assert 3600 <= plan.wait_seconds <= 7 * 86400 or any(key.endswith("wait") for key in told)
    assert all(key.startswith("test") for key in told)
    assert set(tried) <= set("bcd")

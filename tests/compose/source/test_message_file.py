"""Reading a message file: every fault at once, each with file and line, and nothing that could reach a header."""

from __future__ import annotations

import pytest

from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError
from tests.compose.conftest import Desk

GOOD = "---\nsubject: Help\nlist: supporters\ntemplate: small\n---\nWords\n"


def faults_of(desk: Desk, text: str | bytes, name: str = "message.md") -> list[Diagnostic]:
    path = desk.folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        return list(desk.source().faults)
    except MailerError as error:
        return list(error.diagnostics)


def test_everything_is_read_with_its_line(desk: Desk) -> None:
    more = 'headline: Head\nreply_to: A B <b@example.org>\nkicker: "Now: this"\nlanguage: pt-BR\n'
    more += "signature: |\n  The\n  team\n"
    more += "audience:\n  include: [supporters]\n  segment: supporter.country == 'GB'\n"
    desk.write("\nBody here\n", more=more)
    source = desk.source()
    assert (source.subject, source.headline, source.reply_to) == ("Help us", "Head", "A B <b@example.org>")
    assert source.fields == {"kicker": "Now: this", "intro": "", "site": ""}
    assert source.action is not None
    assert source.action.label == "Add your name"
    assert source.signature == "The\nteam"
    assert source.audience["include"] == ["supporters"]
    assert str(source.place("audience.segment")) == "newsletters/an-appeal/message.md:18"
    assert source.place("audience.include.0").line == 17
    assert source.place("audience.nothing").line == 16
    assert source.place("signature").line == 14
    assert source.body.strip() == "Body here"
    lines = (desk.folder / "message.md").read_text().split("\n")
    assert lines[source.body_line - 1 :].index("Body here") == source.body.split("\n").index("Body here")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Hello\n", 1, "front matter is missing"),
        ("", 1, "front matter is missing"),
        ("---\nsubject: x\n", 1, "has no end"),
        ("---\nsubject: [a\n---\nx", 2, "subject opens with [ and doesn't close"),
        ("---\nsubject: \"a\n---\nx", 2, 'subject opens with " and'),
        ("---\nsubject: 'Tis the season\n---\nx", 2, "subject opens with ' and"),
        ("---\nsubject: ! now\n---\nx", 2, "begins with a sign"),
        ("---\nsubject: &co and more\n---\nx", 2, "begins with a sign"),
        ("---\nsubject: \"a\nlist: b\"\n---\nx", 2, "text of subject goes on over the lines below it"),
        ("---\nsubject: a\n\tlist: b\n---\nx", 3, "can't be read"),
        ("---\nsubject: a\n list: b\n---\nx", 3, "can't be read"),
        ("---\n- a\n---\nx", 2, "keys and values"),
        (GOOD.replace("list:", "<<<<<<< HEAD\nlogo: a\n=======\nlogo: b\n>>>>>>> x\nlist:"), 3, "two versions"),
        (GOOD.replace("list:", "deadline:\n- 2026-13-45\nlist:"), 1, "can't be read: month must be in 1..12"),
        (GOOD.replace("list:", f"kicker:\n- {'[' * 5_000}{']' * 5_000}\nlist:"), 1, "it is not valid YAML"),
        ("---\nx: !!python/object:os.system {}\n---\nx", 2, "unknown key 'x'"),
        (GOOD.replace("Help", "a\nsubject: b"), 3, "appears twice"),
        (GOOD.replace("Help", "5"), 2, "subject must be text, not a number"),
        (GOOD.replace("Help", "2026-01-01"), 2, "subject must be text, not a date"),
        (GOOD.replace("Help", "{a: b}"), 2, "must be text"),
        (GOOD.replace("Help", '"a\\nBcc: x@example.org"'), 2, "subject must be on one line"),
        (GOOD.replace("Help", '"a\\rBcc: x@example.org"'), 2, "subject must be on one line"),
        (GOOD.replace("Help", '"a\\u2028b"'), 2, "subject must be on one line"),
        (GOOD.replace("Help", "|\n  a\n  b"), 3, "subject must be on one line"),
        (GOOD.replace("---\nW", 'reply_to: "a@example.org\\nBcc: b@example.org"\n---\nW'), 5, "reply_to must be"),
        (GOOD.replace("---\nW", 'from: "A <a@example.org>\\r\\nBcc: b@example.org"\n---\nW'), 5, "from must be"),
        (GOOD.replace("---\nW", "from: nobody\n---\nW"), 5, "from must be one address"),
        (GOOD.replace("---\nW", "from: a@example.org, b@example.org\n---\nW"), 5, "from must be one address"),
        (GOOD.replace("---\nW", 'from: "{{ x }}"\n---\nW'), 5, "can't hold merge tags"),
        (GOOD.replace("subject: Help\n", ""), 1, "subject is missing"),
        (GOOD.replace("Help", ""), 2, "subject is missing"),
        (GOOD.replace("Help", "~"), 2, "subject is missing"),
        (GOOD.replace("Help", "null"), 2, "subject is missing"),
        (GOOD.replace("Help", '" "'), 2, "subject is missing"),
        (GOOD.replace("Help", '"\\u200b"'), 2, "subject shows nothing"),
        (GOOD.replace("Help", '"\\u00ad \\u2060"'), 2, "subject shows nothing"),
        (GOOD.replace("Help", "\u3164"), 2, "subject shows nothing"),
        (GOOD.replace("Help", "\u0301"), 2, "subject shows nothing"),
        (GOOD.replace("list: supporters\n", ""), 1, "list is missing"),
        (GOOD.replace("supporters", ""), 3, "list is missing"),
        (GOOD.replace("template: small\n", ""), 1, "template is missing"),
        (GOOD.replace("supporters", "suporters"), 3, "unknown list 'suporters'"),
        (GOOD.replace("small", "smal"), 4, "unknown template 'smal'"),
        (GOOD.replace("small", "../x"), 4, "unknown template"),
        (GOOD.replace("list:", "prehaeder: x\nlist:"), 3, "unknown key 'prehaeder'"),
        (GOOD.replace("list:", "language: English!\nlist:"), 3, "is not a language"),
        (GOOD.replace("list:", "action: https://x.org\nlist:"), 3, "action must have a url"),
        (GOOD.replace("list:", "action:\n  url: https://x.org\nlist:"), 3, "action.label is missing"),
        (GOOD.replace("list:", "action:\n  url: https://x.org\n  label: [x]\nlist:"), 5, "action.label must be"),
        (GOOD.replace("list:", "action:\n  url: https://x.org\n  label: x\n  lable: y\nlist:"), 6, "key action.lable"),
        (GOOD.replace("list:", "audience: everyone\nlist:"), 3, "audience must hold keys"),
        (GOOD.replace("Words", " "), 7, "has no text"),
        (b"---\nsubject: caf\xe9\n---\nx", 2, "not UTF-8"),
        (GOOD.encode("utf-16"), 1, "not UTF-8"),
        ("---\nsubject: x\n---\n" + "a" * 3_000_000, None, "more than 1,000,000"),
    ],
)  # fmt: skip
def test_bad_files(desk: Desk, text: str | bytes, line: int | None, message: str) -> None:
    faults = faults_of(desk, text)
    hit = [fault for fault in faults if message in fault.message]
    assert hit, faults
    assert hit[0].place is not None
    assert (hit[0].place.file, hit[0].place.line) == ("newsletters/an-appeal/message.md", line)


def test_a_misspelt_key_of_the_action_is_one_fault(desk: Desk) -> None:
    faults = faults_of(desk, GOOD.replace("list:", "action:\n  ulr: https://x.org\n  label: x\nlist:"))
    assert [(fault.message, fault.remedy) for fault in faults] == [("unknown key action.ulr", "Did you mean 'url'?")]


def test_all_faults_at_once_with_remedies(desk: Desk) -> None:
    faults = faults_of(
        desk, '---\nsubject: "a\\nb"\nlist: nobody\ntemplate: smal\nlangauge: en\naction: x\n---\nWords\n'
    )
    found = {fault.place.line: fault.remedy for fault in faults if fault.place}
    assert set(found) == {2, 3, 4, 6}
    assert "supporters" in (found[3] or "")
    assert "'small'" in (found[4] or "")
    faults = faults_of(desk, GOOD.replace("list:", "langauge: en\nlist:"))
    assert [fault.remedy for fault in faults] == ["Did you mean 'language'?"]


def test_pasted_control_characters_are_left_out_and_told_of(desk: Desk) -> None:
    (desk.folder / "message.md").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("Words", "Wo\x0brds\x00\r\nx").encode())
    source = desk.source()
    assert source.body.strip() == "Words\nx"
    assert [fault.place.line for fault in source.faults if fault.place] == [6]


def test_no_file_or_two(desk: Desk) -> None:
    with pytest.raises(MailerError, match=r"there is no message\.md"):
        desk.source()
    (desk.folder / "message.md").write_text(GOOD)
    (desk.folder / "message.mjml").write_text(GOOD)
    with pytest.raises(MailerError, match="both there"):
        desk.source()


def test_mjml_names_no_template(desk: Desk) -> None:
    faults = faults_of(desk, GOOD, "message.mjml")
    assert "names no template" in faults[0].message
    (desk.folder / "message.mjml").write_text(GOOD.replace("template: small\n", ""))
    assert desk.source().is_mjml


def test_required_fields_and_bad_template_files(desk: Desk) -> None:
    toml = desk.workspace.templates / "small" / "template.toml"
    toml.write_text('[fields.kicker]\ntype = "text"\nrequired = true\nhelp = "Two words."\n')
    faults = faults_of(desk, GOOD)
    assert [(fault.message, fault.remedy) for fault in faults] == [
        ("kicker is missing: the template needs it", "Two words.")
    ]
    toml.write_text('colour = 1\n[fields.kicker]\ntype = "texts"\nlable = 2\n[fields.Bad]\n')
    assert {fault.message for fault in faults_of(desk, GOOD)} == {
        "unknown key 'colour'",
        "field kicker: unknown type 'texts'",
        "field kicker: unknown key 'lable'",
        "field name 'Bad' must be small letters, digits and _",
    }
    toml.write_text('[fields]\nkicker = "text"\n[fields.intro]\nrequired = "yes"\n')
    assert {fault.message for fault in faults_of(desk, GOOD)} == {
        "field kicker must be a table",
        "field intro: required must be true or false",
    }
    toml.write_text("fields = 1\n")
    assert [fault.message for fault in faults_of(desk, GOOD)] == ["fields must be tables"]
    toml.write_text("[fields")
    assert "not valid TOML" in faults_of(desk, GOOD)[0].message
    toml.unlink()
    assert desk.source().fields == {}, "a template without one has no fields"


CUT = [
    ("subject: Join us #SaveOurLibrary", "subject is cut at #SaveOurLibrary"),
    ("subject: Join us\t# now", "subject is cut at #now"),
    ("subject: #SaveOurLibrary", "subject is cut at #SaveOurLibrary"),
    ('subject: "Join us" #SaveOurLibrary', "subject is cut at #SaveOurLibrary"),
    ("subject: Join us\n  #SaveOurLibrary", "subject is cut at #SaveOurLibrary"),
    ("subject: Our river: 3 hours #now", "subject is cut at #now"),
    ("subject: x\naction:\n  url: https://e.org\n  label: Sign #now", "action.label is cut at #now"),
    ("subject: x\nwaive:\n  links.vague: see #12", "waive.links.vague is cut at #12"),
    ("subject: x\nkicker: Act #now", "kicker is cut at #now"),
]


@pytest.mark.parametrize(("front", "message"), CUT)
@pytest.mark.parametrize("name", ["message.md", "message.mjml"])
def test_a_text_that_a_comment_cuts_short(desk: Desk, front: str, message: str, name: str) -> None:
    faults = faults_of(desk, f"---\n{front}\nlist: supporters\n---\nWords", name)
    (told,) = [fault for fault in faults if message in fault.message]
    assert told.place is not None
    assert told.place.line == 2 + front[: front.index("#")].count("\n")
    assert "quotes" in (told.remedy or "")


@pytest.mark.parametrize(
    "front",
    [
        "# a comment of its own\nsubject: Help",
        "subject: Help\n# another",
        "subject: Help\n  # indented",
        "subject: Help\nkicker: Act now\n#tag of nothing",
        'subject: "Help" # short, for phones',
        "subject: Help\nurgent: true # it can't wait",
        "subject: Help#1",
        "subject: Help\nkicker: # optional",
        "subject: Help\nsignature: |\n  The team #1\n  # not a comment",
        "subject: Help\naction: # the petition\n  url: https://e.org\n  label: Sign",
        "subject: Help\naudience:\n  include: [supporters] # all of them",
    ],
)
def test_comments_that_cut_nothing(desk: Desk, front: str) -> None:
    text = f"---\n{front}\nlist: supporters # the main one\ntemplate: small\n---\nWords\n"
    (desk.folder / "message.md").write_text(text, encoding="utf-8")
    assert desk.source().subject.startswith("Help")


@pytest.mark.parametrize(
    "subject",
    [
        "Sewage in our river: 3,412 hours", "Vote: now: today", "Why:", "@home", "*Important*", "[Action] Sign now",
        "{{ organisation.name }}: sign", "{{ supporter.first_name }}, sign now", "*a* & b: c",
        '"Save" our library', "% of us", "& more", "!now", "`x`", "- a: b", "? why: this", "a: 'b", "it's: 5 o'clock",
    ],
)  # fmt: skip
def test_a_text_on_one_line_says_what_it_says(desk: Desk, subject: str) -> None:
    text = f"---\nsubject: {subject}\nheadline: A: b\nlist: supporters\ntemplate: small\nlangauge: en\n---\nWords\n"
    assert [fault.message for fault in faults_of(desk, text)] == ["unknown key 'langauge'"]  # and nothing is hidden
    (desk.folder / "message.md").write_text(text.replace("langauge", "language"), encoding="utf-8")
    source = desk.source()
    assert (source.subject, source.headline, source.language) == (subject, "A: b", "en")
    assert source.place("list").line == 4


def test_what_yaml_can_read_stays_what_it_is(desk: Desk) -> None:
    more = "signature: |\n  Note: see: this\n  [a\naudience:\n  include: [supporters,\n    'supporters']\n"
    text = GOOD.replace("---\nWords", f"{more}headline: a: b\n---\nWords")
    (desk.folder / "message.md").write_text(text, encoding="utf-8")
    source = desk.source()
    assert source.signature == "Note: see: this\n[a"
    assert source.audience["include"] == ["supporters", "supporters"]
    assert source.headline == "a: b"

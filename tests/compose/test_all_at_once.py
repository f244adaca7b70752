"""All faults of a message file at once: those of the front matter hide none of the body, and cause none there."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.compose.compiler import compile_message
from mailer.errors import MailerError
from tests.compose.conftest import Desk

# Key of the front matter → what it says, and what is said about that.
SOUND = {"subject": "Help", "list": "supporters", "action": "{url: https://act.example.org/, label: Sign}"}
FRONT = {
    "subject": ("5", "subject must be text, not a number"),
    "list": ("nobody", "unknown list 'nobody'"),
    "action": ("{url: 5, label: Sign}", "action.url must be a text on one line"),
    "language": ("klingon!", "'klingon!' is not a language"),
    "from": ("nobody", "from "),
    "signature": ("[a, list]", "signature must be text, not a list"),
    "urgent": ("perhaps", "urgent must be true or false, not text"),
    "audience": ("everybody", "audience must hold keys"),
    "waive": ("all", "waive must name rules, each with a reason"),
    "subjet": ("Help", "unknown key 'subjet'"),
}
BODY = {
    "[sign](action)": None,  # sound, also where the action can't be read
    "::: ask\n:::": None,
    "{{ supporter.nope }}": "unknown field supporter.nope",
    "[a](www.e.org)": "'www.e.org' is not a web address",
    "![](a.png)": "the picture has no description",
    "::: aks\n:::": "unknown block 'aks'",
}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(front=st.sets(st.sampled_from(sorted(FRONT))), body=st.sets(st.sampled_from(sorted(BODY))))
def test_each_fault_is_told_whatever_else_is_wrong(desk: Desk, front: set[str], body: set[str]) -> None:
    lines = SOUND | {"template": "small"} | {key: FRONT[key][0] for key in front}
    head = "".join(f"{key}: {value}\n" for key, value in lines.items())
    _write(desk, "message.md", f"---\n{head}---\n" + "\n\n".join(["Words", *sorted(body)]))
    wanted = [FRONT[key][1] for key in front] + [said for one in body if (said := BODY[one])]
    told = _told(desk)
    for said in wanted:
        assert [one for one in told if one.startswith(said)], (said, told)
    if "![](a.png)" not in body:  # which is also not there
        assert len(told) == len(wanted), told


@pytest.mark.parametrize("key", sorted(FRONT))
def test_in_mjml_as_well(desk: Desk, key: str) -> None:
    head = "".join(f"{name}: {value}\n" for name, value in (SOUND | {key: FRONT[key][0]}).items())
    _write(desk, "message.mjml", f"---\n{head}---\n<mjml><mj-body><mj-sectoin /></mj-body></mjml>")
    told = _told(desk)
    assert any(one.startswith(FRONT[key][1]) for one in told) or key == "subjet"
    assert "there is no tag <mj-sectoin>" in told


def _write(desk: Desk, name: str, text: str) -> None:
    for path in desk.folder.glob("message.*"):
        path.unlink()
    (desk.folder / name).write_text(text, encoding="utf-8")


def _told(desk: Desk) -> list[str]:
    definition = desk.workspace.list_definition("supporters")
    try:
        found = compile_message(desk.source(), definition=definition, known_fields=())
    except MailerError as error:
        return [one.message for one in error.diagnostics if one.stops]
    return [one.message for one in found.faults if one.stops]

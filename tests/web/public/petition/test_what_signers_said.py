"""A page's own questions, what signers wrote and the delivery, from the form to the page that everybody reads."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from mailer.audience.petition.comments import decide
from mailer.audience.petition.delivered import note_delivery
from mailer.staff.actor import terminal
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import CommentState
from mailer.workspace import ACTION_FILE, Workspace
from tests.conftest import NOW
from tests.web.client import fetch
from tests.web.conftest import Served
from tests.web.public.petition.test_action_page import BLANK, PAGE, acting, post

__all__ = ["acting"]
pytestmark = pytest.mark.sqlite

OWN = """\
  role:
    label: I am a
    choices: {parent: A parent, teacher: A teacher}
    required: true
    pass_on: true
  help:
    label: I can help on Saturday
    kind: tick
"""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def write(workspace: Workspace, more: str = "", own: str = "") -> None:
    text = PAGE.replace("  comment: optional\n", f"  comment: optional\n{own}").replace(
        "target: 10\n", f"target: 10\n{more}"
    )
    (workspace.newsletters / "library" / ACTION_FILE).write_text(text, encoding="utf-8")


def thank(acting: Served, **signed: str) -> tuple[str, str]:
    """Sign, and the thanks: the page and the address of its form."""
    reply = post(acting, BLANK | signed)
    assert reply.status == 303, reply.text
    thanks = acting.get(f"/act/{reply.headers['location']}").text
    return thanks, re.findall(r'<form method="post" action="([^"]*)"', thanks)[0].replace("&amp;", "&")


def add(acting: Served, address: str, **said: str) -> int:
    return fetch(
        acting.port, f"/act/library/{address}", method="POST", body=urlencode(said).encode(), headers=FORM
    ).status


def state_of(acting: Served) -> tuple[str, str, dict[str, str]]:
    with acting.database.read() as connection:
        row = connection.execute(select(signatures)).one()
    return row.comment, row.comment_state, row.own


def test_what_is_required_is_asked_before_and_the_rest_after(acting: Served, workspace: Workspace) -> None:
    write(workspace, own=OWN)
    page = acting.get("/act/library").text
    assert '<select id="own.role" name="own.role" required>' in page
    assert '<option value="parent">A parent' in page
    assert "own.help" not in page
    assert "your answers" in page, "those addressed get them"
    refused = post(acting, BLANK)
    assert refused.status == 422
    assert "Choose one of these" in refused.text
    thanks, address = thank(acting, **{"own.role": "teacher", "own.more": "nothing"})
    assert 'id="own.help" name="own.help" type="checkbox"' in thanks
    assert add(acting, address, **{"own.help": "yes"}) == 303
    assert state_of(acting) == ("", "", {"role": "teacher", "help": "yes"})


def test_a_save_beside_it_takes_no_page_away(acting: Served, workspace: Workspace) -> None:
    write(workspace)
    (workspace.newsletters / "library" / ".action.md.saving-x").symlink_to("gone")  # listed, and gone when looked at
    assert acting.get("/act/library").status == 200


def test_a_comment_is_on_the_page_once_its_writer_and_staff_agree(acting: Served, workspace: Workspace) -> None:
    write(workspace, "show_comments: held\nshow_names: false\n")
    thanks, address = thank(acting)
    assert "Show my first name and comment on the petition" in thanks
    assert add(acting, address, comment="It is <b>warm</b> there.", shown="1") == 303
    assert state_of(acting)[:2] == ("It is <b>warm</b> there.", "new")
    with acting.database.write() as connection:
        decide(connection, terminal(), "library", CommentState.SHOWN, numbers=[1], at=NOW)
    page = acting.get("/act/library").text
    assert "Why people signed" in page
    assert "It is &lt;b&gt;warm&lt;/b&gt; there." in page
    assert "Ana" in page


@pytest.mark.parametrize(
    ("shown", "ticked", "state"), [("held", "1", "new"), ("true", "", ""), ("false", "1", ""), ("", "1", "")]
)
def test_nothing_is_on_the_page_before(
    acting: Served, workspace: Workspace, shown: str, ticked: str, state: str
) -> None:
    write(workspace, f"show_comments: {shown}\n" if shown else "")
    thanks, address = thank(acting)
    assert ("name and comment on the petition" in thanks) == (shown in ("held", "true"))
    assert add(acting, address, comment="It is warm there.", **({"shown": ticked} if ticked else {})) == 303
    assert state_of(acting)[1] == state
    assert "It is warm there." not in acting.get("/act/library").text


@pytest.mark.parametrize(("language", "said"), [("en", "Delivered on 20 November"), ("de", "Am 20. November mit")])
def test_a_delivery_is_told_to_everybody(acting: Served, language: str, said: str) -> None:
    assert post(acting, BLANK).status == 303
    with acting.database.write() as connection:
        note_delivery(connection, terminal(), "library", day=date(2026, 11, 20), note="To the <mayor>.", at=NOW)
    page = acting.get(f"/act/library?lang={language}").text
    assert said in page
    assert "To the &lt;mayor&gt;." in page

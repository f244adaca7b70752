"""/progress/<slug>.png: the picture of signatures that mails show."""

from __future__ import annotations

import pytest

from tests.web.conftest import Served
from tests.web.public.petition.test_action_page import BLANK, acting, post

pytestmark = pytest.mark.sqlite  # about a picture

__all__ = ["acting"]


def test_the_picture_counts_signatures(acting: Served) -> None:
    before = acting.get("/progress/library.png")
    assert (before.status, before.headers["content-type"]) == (200, "image/png")
    assert before.body.startswith(b"\x89PNG\r\n\x1a\n")
    assert "max-age=60" in before.headers["cache-control"]
    assert post(acting, BLANK).status == 303
    assert acting.get("/progress/library.png").body != before.body


def test_it_speaks_the_mails_language_and_has_a_picture_for_the_night(acting: Served) -> None:
    found = [
        acting.get(f"/progress/library.png{query}")
        for query in ("", "?lang=en", "?lang=de", "?lang=ar", "?lang=de&mode=dark", "?lang=%27%22/../x&mode=x")
    ]
    assert {answer.status for answer in found} == {200}
    plain, english, german, arabic, night, _ = (answer.body for answer in found)
    assert plain == english
    assert len({english, german, arabic, night}) == 4


def test_there_is_none_without_a_page(acting: Served) -> None:
    assert acting.get("/progress/nothing.png").status == 404
    assert acting.get("/progress/..%2Flibrary.png").status == 404

"""docs/writing.md shows each block with what to type and a picture of what comes out, and what it shows is true."""

from __future__ import annotations

import pytest

from mailer.compose.markdown.parser import CONTAINERS
from mailer.compose.source.images import content_type, look
from mailer.compose.source.layouts import layout_names
from scripts.block_pictures import SIGNATURE, TEMPLATES, TYPED
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_block_is_shown_as_it_is_typed_and_as_it_comes_out(name: str) -> None:
    text = (DOCS / "writing.md").read_text(encoding="utf-8")
    assert f"```\n{TYPED[name]}\n```\n\n![" in text
    assert f"](images/block-{name}.png)" in text
    picture = (DOCS / "images" / f"block-{name}.png").read_bytes()
    assert content_type(picture) == "image/png"
    facts = look(picture)
    assert facts is not None
    assert facts.width == 600
    assert len(picture) < 60_000


def test_the_signature_is_shown() -> None:
    text = (DOCS / "writing.md").read_text(encoding="utf-8")
    assert f"```\n{SIGNATURE}```\n\n![" in text
    assert (DOCS / "images" / "block-signature.png").is_file()


def test_each_template_is_shown() -> None:
    text = (DOCS / "templates.md").read_text(encoding="utf-8")
    assert sorted(TEMPLATES) == layout_names(REPOSITORY)
    for name in TEMPLATES:
        assert f"](images/template-{name}.png)" in text
        assert (DOCS / "images" / f"template-{name}.png").stat().st_size < 80_000

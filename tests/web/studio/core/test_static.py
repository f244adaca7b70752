"""Scripts and styles are sent small: without comments, and packed for browsers that say they unpack."""

from __future__ import annotations

import gzip

from mailer.web.studio.core.static import files, static
from tests.web.client import fetch
from tests.web.studio.conftest import House


def test_scripts_are_sent_without_comments() -> None:
    for name, file in files().items():
        assert gzip.decompress(file.packed) == file.content, name
        if name.endswith(".js"):
            assert not any(line.lstrip().startswith(b"//") for line in file.content.splitlines()), name


def test_a_browser_gets_what_it_says_it_takes(house: House) -> None:
    name = static("editor/editor.js")
    plain = fetch(house.port, name, headers={"Accept-Encoding": "identity"})
    packed = fetch(house.port, name, headers={"Accept-Encoding": "gzip, deflate, br"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body)

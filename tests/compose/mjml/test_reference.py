"""What our compiler makes of the templates' MJML, beside what the npm package mjml makes of it: the same structure.

Not in CI, since it needs node and the package: cd DIR && npm install mjml@4.18.0, then
pytest tests/compose/mjml/test_reference.py --npm-mjml DIR. Compared are the tags of the page's body, their attributes
and their inline styles, once as everyone reads it and once as classic Outlook does. KNOWN_ATTRIBUTES and OUTLOOK have
what is allowed to differ.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from mjml import mjml2html

from mailer.compose.mjml import to_html
from mailer.settings import Brand
from tests.compose.mjml.test_templates import PICTURE, TEMPLATES, for_outlook, layout, message
from tests.conftest import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "mjml_compile.mjs"
# Between blocks they are bare text in a table's place, which a parser of HTML would move.
CONDITIONS = re.compile(r"<mj-raw>mk[0-9a-zA-Z]+</mj-raw>")

# What mrml writes otherwise, and why it changes nothing.
KNOWN_ATTRIBUTES = {
    ("td", "vertical-align"),  # mrml repeats a button's vertical-align as an attribute, which readers don't know
}
# Of several classes npm's mjml gives each this ending in what is for Outlook alone, mrml only the last; none of ours is
# used there.
OUTLOOK = re.compile(r"-outlook\b")
ZERO = re.compile(r"\b0px\b")

Found = tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


class Structure(HTMLParser):
    """Every tag with its attributes and its style, each in one form whoever wrote them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Found] = []
        self.feed(html[html.index("<body") :])
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: " ".join((value or "").split()) for name, value in attrs}
        style = values.pop("style", "")
        if "class" in values:
            values["class"] = " ".join(sorted(_rounded(OUTLOOK.sub("", values["class"])).split()))
        kept = {name: _colour(value) for name, value in values.items() if (tag, name) not in KNOWN_ATTRIBUTES}
        if not kept.get("class", "x"):
            del kept["class"]
        self.found.append((tag, tuple(sorted(kept.items())), tuple(sorted(_rules(style).items()))))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", (), ()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append((" ".join(data.split()), (), ()))


def _rules(style: str) -> dict[str, str]:
    pairs = (rule.partition(":") for rule in style.split(";") if ":" in rule)
    return {name.strip(): ZERO.sub("0", _colour(value.strip())) for name, _, value in pairs}


def _rounded(classes: str) -> str:
    """33-333333333333336 and 33-333332 are one width."""
    return re.sub(r"(\d+-\d{3})\d+", r"\1", classes)


def _colour(value: str) -> str:
    return re.sub(r"#([0-9a-f])([0-9a-f])([0-9a-f])\b", r"#\1\1\2\2\3\3", value)


def ours(source: str) -> str:
    """Our compiler's page before its style sheets are inlined, which npm's mjml leaves to others."""
    prepared = to_html._Prepared(source, "layout.mjml")
    return to_html._decode(mjml2html(prepared.text, fonts={}))


@pytest.fixture(scope="module")
def npm(request: pytest.FixtureRequest) -> Path:
    folder = request.config.getoption("--npm-mjml")
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the comparison with npm's mjml needs it")
    if not folder:
        pytest.skip("give --npm-mjml DIR, a folder in which `npm install mjml@4.18.0` was run")
    if not (Path(folder) / "node_modules" / "mjml").is_dir():
        pytest.fail(f"{folder} has no node_modules/mjml: run `npm install mjml@4.18.0` there")
    return Path(folder)


def theirs(sources: list[str], folder: Path) -> list[str]:
    done = subprocess.run(
        ["node", str(SCRIPT)], cwd=folder, input=json.dumps(sources), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def variants() -> dict[str, str]:
    """The templates with every block, in both directions, and with everything left out that can be."""
    bare: dict[str, Any] = {
        "fields": {}, "notes": [], "signature": "", "signature_picture": None, "postscripts": [], "action": None,
        "brand": Brand(logo=PICTURE, logo_alt="Logo"),
    }  # fmt: skip
    found: dict[str, str] = {}
    for name in TEMPLATES:
        found[f"{name} ltr"] = layout(name)
        found[f"{name} rtl"] = layout(name, message=message("ar", "rtl"))
        found[f"{name} bare"] = layout(name, **bare)
    return {name: CONDITIONS.sub("", source) for name, source in found.items()}


def test_the_compiled_templates_have_the_structure_that_npm_gives_them(npm: Path) -> None:
    sources = variants()
    differing: list[str] = []
    for (name, source), reference in zip(sources.items(), theirs(list(sources.values()), npm), strict=True):
        for reader, view in (("everyone", str), ("Outlook", for_outlook)):
            one, other = Structure(view(ours(source))).found, Structure(view(reference)).found
            differing += [
                f"{name}, as {reader} reads it:\n  ours {a}\n  npm  {b}"
                for a, b in zip(one, other, strict=False)
                if a != b
            ][:6]
            assert len(one) == len(other), (name, reader, len(one), len(other), differing[:3])
    assert not differing, "\n".join(differing[:12])


def test_a_difference_is_seen() -> None:
    page = "<html><body><table width='520'><tr><td style='padding:0px 4px'>a</td></tr></table></body></html>"
    assert Structure(page).found == Structure(page.replace("0px 4px", "0 4px")).found
    assert Structure(page).found != Structure(page.replace("520", "600")).found
    assert Structure(page).found != Structure(page.replace("4px", "5px")).found

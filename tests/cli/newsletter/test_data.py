"""`mailer data`: sources with what came of them, and the tables of data/."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from mailer.cli import cli
from mailer.workspace import Workspace
from tests.delivery.data.sites import item, newsletter, rss


def run(workspace: Workspace, *words: str) -> Result:
    return CliRunner().invoke(cli, ["data", *words], env={"MAILER_WORKSPACE": str(workspace.root)})


def test_sources_and_tables_are_listed(workspace: Workspace) -> None:
    assert "docs/data.md" in run(workspace).output
    text = "{{ data.news[0].title }} {{ lookup('mps', supporter.email).mp }}"
    source = newsletter(workspace, "news: f.xml\nfar: https://localhost/feed", text)
    (source.newsletter.folder / "f.xml").write_bytes(rss(item("One"), item("Two")))
    (workspace.root / "data").mkdir()
    (workspace.root / "data" / "mps.csv").write_text("Country,MP\nGB,Ann\n", encoding="utf-8")
    listed = run(workspace)
    assert listed.exit_code == 0
    for words in ("digest", "f.xml", "https://localhost/feed", "not yet", "data/mps.csv", "country"):
        assert words in listed.output
    read = run(workspace, "digest")
    assert read.exit_code == 1
    assert "2 entries" in read.output
    assert "private network" in read.output
    found = json.loads(run(workspace, "digest", "--json").output)
    assert [one["shows"] and len(one["shows"]) for one in found["sources"]] == [2, None]
    assert found["tables"][0]["used_by"] == ["digest"]
    assert "newsletter" in str(run(workspace, "--read").exception)

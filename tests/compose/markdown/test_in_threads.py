"""Several threads may be the first that read Markdown: what the library fills when first used is whole before."""

from __future__ import annotations

import json
import subprocess
import sys

# In a process of its own: here other tests have filled them.
TABLES = """
import json
from mailer.compose.action_page.html import page_html
from mailer.diagnostics import Place
from mdurl._decode import decode_cache
from mdurl._encode import encode_cache

def whole():
    return [{exclude: "".join(table) for exclude, table in one.items()} for one in (encode_cache, decode_cache)]

before = whole()
page_html("[one](https://example.org/%20?a=ü) <https://example.org/%20>", Place("action.md", 1))
print(json.dumps([before, whole()]))
"""


def test_the_tables_of_addresses_are_whole_before_anything_is_read() -> None:
    done = subprocess.run([sys.executable, "-c", TABLES], check=True, stdout=subprocess.PIPE, text=True)
    before, after = json.loads(done.stdout)
    assert all(before)
    assert before == after

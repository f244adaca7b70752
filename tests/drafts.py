"""What a writer does with the draft that `mailer new` begins a newsletter with."""

from __future__ import annotations

import re
from pathlib import Path


def fill_in(message: Path) -> None:
    """Fill a draft in: whatever waits for words in [[ ]] gets its own."""
    text = re.sub(r"\[\[(.*?)\]\]", r"\1", message.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "[[" not in text
    message.write_text(text, encoding="utf-8")

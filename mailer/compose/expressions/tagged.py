"""Tags in an expression: when two spellings are the same tag, and who has one.

A person's tags travel as one text, `supporter.tags`, with a comma and a blank between them: no tag holds a comma.
`tagged("…")` asks that text for a whole tag, which `"…" in supporter.tags` can't: that finds "swim" in "swimmer".
"""

from __future__ import annotations

import re
from collections.abc import Callable

BETWEEN = ", "
TAGGED = "tagged"  # the question, in mails and in segments
TAGS = "tags"  # the field it asks
LONGEST_TAG = 100  # characters
# What separates tags in a file, control characters, and halves of surrogate pairs.
UNFIT = re.compile("[,;|\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def tag_key(tag: str) -> str:
    """What all spellings of a tag have in common: neither case nor the width of blanks tells tags apart."""
    return unquoted(" ".join(tag.split())).casefold()


def unquoted(tag: str) -> str:
    """A tag without the quotes and brackets around it, which other programs write around lists of tags."""
    plain = tag.strip(' "')
    return unquoted(plain[1:-1]) if plain.startswith("[") and plain.endswith("]") else plain


def sound_tag(text: str) -> str:
    """The tag a text is; "" for one that is empty, too long, or holds what no tag may."""
    name = unquoted(" ".join(text.split()))
    return name if len(name) <= LONGEST_TAG and not UNFIT.search(name) else ""


def is_tagged(tag: str) -> Callable[[str], bool]:
    """A function that tells whether a text of tags has this one."""
    wanted = tag_key(tag)

    def holds(tags: str) -> bool:
        return bool(tags) and wanted in {tag_key(one) for one in tags.split(BETWEEN)}

    return holds

"""What was meant by a {{ … }} or {% … %} that Jinja can't read, and where each of them is in a text.

Jinja stops at its first syntax error and names a token; here every construct is read alone, so that a text tells of
all its slips at once, each with what to write: straight quotes, default("friend"), `==`, `{% elif %}`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError

from mailer.compose.expressions.foreign_tags import name_here, tag_for

USUAL = "A merge tag is {{ … }}, a condition {% if … %} … {% endif %}; texts in it are in quotes."
CONSTRUCT = re.compile(
    r"\{\{-?(?P<print>.*?)-?\}\}|\{%-?\s*(?P<word>else if|end if|end for|\w+)\b(?P<rest>.*?)-?%\}", re.DOTALL
)
# Quotes as word processors set them, and as HTML writes them, and ours.
CURLY = {**dict.fromkeys("“”„‟«»＂″", '"'), **dict.fromkeys("‘’‚‛‹›＇′", "'")}
ENTITIES = re.compile(r"&(?:quot|#34|#x22|ldquo|rdquo);|&(?:apos|#39|#x27|lsquo|rsquo);", re.IGNORECASE)
# {{ x | default: "friend" }}, default 'friend', default="friend", as Liquid, Django and Twig would have it.
ARGUMENT = re.compile(r"\|\s*(\w+)\s*(?:[:=]\s*|\s)(\"[^\"]*\"|'[^']*'|[\w.]+)\s*$")
WORDS = {
    "elseif": "elif", "elsif": "elif", "else if": "elif", "end if": "endif", "fi": "endif", "end": "endif",
    "end for": "endfor", "unless": "if not", "foreach": "for",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slip:
    """A construct that can't be read: where it begins and ends in the text, Jinja's reason, and what to write.

    `instead` can replace it, so that what is around it can be read.
    """

    start: int
    end: int
    reason: str
    remedy: str
    instead: str


def slips(text: str, environment: Environment, *, fields: Collection[str]) -> Iterator[Slip]:
    """Every {{ … }}, {% if … %} and misspelt {% word %} of `text` that can't be read alone."""
    for found in CONSTRUCT.finditer(text):
        raw, span, instead = found[0], found.span(), ""
        if found["print"] is not None:
            alone = raw
        elif found["word"] in ("if", "elif"):
            alone = f"{{% if {found['rest']} %}}{{% endif %}}"
            instead = f"{{% {found['word']} false %}}"
        elif found["word"] in WORDS:
            right = WORDS[found["word"]]
            remedy = f"Here it is written {{% {right}{found['rest'].rstrip()} %}}."
            instead = f"{{% {right} {'false' if right in ('elif', 'if not') else ''} %}}"
            yield Slip(*span, f"there is no {{% {found['word']} %}}", remedy, instead)
            continue
        else:
            continue
        try:
            environment.parse(alone)
        except TemplateSyntaxError as error:
            remedy = meant(raw, environment, fields)
            yield Slip(*span, error.message or "it can't be read", remedy, instead)
        except RecursionError:
            continue  # said of the whole text


def meant(raw: str, environment: Environment, fields: Collection[str]) -> str:
    """What to write in place of a construct that can't be read."""
    straight = "".join(CURLY.get(sign, sign) for sign in ENTITIES.sub(_entity, raw))
    repaired = straight
    if raw.startswith("{{"):
        inner = ARGUMENT.sub(r"| \1(\2)", straight[2:-2].rstrip())
        repaired = "{{" + inner + " }}"
    elif raw.startswith("{%"):
        repaired = re.sub(r"(?<![=!<>])=(?![=])", "==", repaired).replace("&&", "and").replace("||", "or")
        repaired = repaired.replace("===", "==")
    if repaired != raw and _reads(repaired, environment):
        if straight != raw and straight == repaired:
            return f"Write straight quotes: {repaired}"
        return f"Here it is written {repaired}"
    inner = raw.strip("{}% -")
    ours = raw.startswith("{{") and name_here(inner, fields=fields)
    return tag_for(inner, fields=fields) if ours else USUAL


def blanked(text: str, found: Collection[Slip]) -> str:
    """`text` without what can't be read in it, its lines kept."""
    out: list[str] = []
    at = 0
    for slip in found:
        out += [text[at : slip.start], slip.instead, "\n" * text.count("\n", slip.start, slip.end)]
        at = slip.end
    return "".join(out) + text[at:]


def _reads(construct: str, environment: Environment) -> bool:
    closed = construct if construct.startswith("{{") else construct.replace("elif", "if", 1) + "{% endif %}"
    try:
        environment.parse(closed)
    except (TemplateSyntaxError, RecursionError):
        return False
    return True


def _entity(found: re.Match[str]) -> str:
    return '"' if found[0].lower() in ("&quot;", "&#34;", "&#x22;", "&ldquo;", "&rdquo;") else "'"

"""One mail in each language that golden tests are made of: every block, words in that language, a person to get it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from mailer.compose.compiler import compile_message
from mailer.compose.merge import MergeProgram
from mailer.compose.source.message_file import read_source
from mailer.workspace import Workspace
from tests.conftest import REPOSITORY

TEMPLATES = ("appeal", "digest", "event", "thanks", "update", "urgent")
EXTRA = {"urgent": "deadline"}  # what the line above the headline is called, if not kicker
MORE = {
    "event": 'starts: "2026-12-12 14:00"\nends: "2026-12-12 16:30"\nplace: "{by}"\n'
}  # what a template can't do without
PICTURE = REPOSITORY / "newsletters" / "2026-12-year-in-review" / "letters.png"

MESSAGE = """\
---
subject: "{headline}"
preheader: "{words}"
headline: "{headline}"
{above}: "{kicker}"
{more}list: supporters
template: {template}
language: {language}
action:
  url: https://action.example.org/act/library
  label: "{label}"
signature: |
  **{by}**\\
  {{{{ organisation.name }}}}
---

{greeting} {{{{ supporter.first_name | default("{friend}") }}}},

{words} [{label}](action){stop}[^1]

::: ask
:::

::: numbers
- **{figure}** {counted}
- **3** {counted}
:::

## {kicker}

- {words}
- {counted}

::: quote {by}
{words}
:::

::: picture
![{alt}](letters.png)
{counted}
:::

::: story
### {kicker}

{words}

[{label}](https://example.org/story)
:::

::: progress
:::

::: share
{words}
:::

::: ps
{words}
:::

[^1]: [{by}](https://example.org/source)
"""


@dataclass(frozen=True, slots=True)
class Tongue:
    """What a mail says in one language, and to whom."""

    language: str
    direction: str
    name: str
    greeting: str
    friend: str
    headline: str
    kicker: str
    label: str
    words: str
    figure: str
    counted: str
    by: str
    alt: str
    stop: str = "."


TONGUES = {
    "english": Tongue(
        "en", "ltr", "Zoë", "Dear", "friend", "Keep our library open", "Take action", "Add your name",
        "On Thursday the council decides.", "20,000", "people a year", "Amina O’Neill", "Letters on a table",
    ),
    # Narrow no-break spaces (U+202F) before signs and in figures, a no-break space (U+00A0), typographic quotes.
    "french": Tongue(
        "fr", "ltr", "Anaïs", "Chère", "amie", "Gardons la bibliothèque ouverte\u202f!", "Agissez\u202f!",
        "Je signe\u202f»", "«\u202fJeudi\u202f», le conseil décide\u202f: 10\u00a0€ ou rien\u202f?", "20\u202f000",
        "personnes par an", "Amina de l’Orme", "Des lettres «\u202fouvertes\u202f»", "\u202f!",
    ),
    # From right to left, with vowel signs, a Latin word and figures in both kinds of digits.
    "arabic": Tongue(
        "ar", "rtl", "زُوي", "عزيزتي", "صديقة", "أبقوا مكتبتنا مفتوحة", "تحرّك الآن", "أضف اسمك",
        "يقرّر المجلس يوم الخميس 12 (ONU) ما إذا كانت المكتبة ستبقى.", "٢٠٬٠٠٠", "شخص في السنة", "أمينة",
        "رسائل على طاولة",
    ),
    # Vowel signs and joined letters (U+094D), a danda for a full stop.
    "hindi": Tongue(
        "hi", "ltr", "ज़ोई", "प्रिय", "मित्र", "हमारा पुस्तकालय खुला रखें", "अभी कदम उठाएँ", "अपना नाम जोड़ें",
        "गुरुवार को परिषद फ़ैसला करेगी।", "२०,०००", "लोग हर साल", "अमीना क्षत्रिय", "मेज़ पर चिट्ठियाँ", "।",
    ),
    # A name of joined emoji, a flag and a sign with a variation selector.
    "emoji": Tongue(
        "en", "ltr", "Zoë 👩‍👩‍👧🇪🇹❤️", "Dear", "friend", "Keep our library open 📚", "Take action ✊🏽", "Add your name",
        "On Thursday the council decides 🗳️.", "20,000", "people a year", "Amina ⭐️", "Letters ✉️ on a table",
    ),
}  # fmt: skip


def program(workspace: Workspace, template: str, tongue: Tongue) -> MergeProgram:
    """The mail of `template` in a language, compiled without a warning."""
    slug = f"{template}-{tongue.language}"
    folder = workspace.newsletters / slug
    folder.mkdir(exist_ok=True)
    shutil.copyfile(PICTURE, folder / "letters.png")
    values = {name: getattr(tongue, name) for name in Tongue.__slots__}
    above = EXTRA.get(template, "kicker")
    (folder / "message.md").write_text(
        MESSAGE.format(template=template, above=above, more=MORE.get(template, "").format(**values), **values),
        encoding="utf-8",
    )
    source = read_source(workspace.newsletter(folder.name))
    compiled = compile_message(source, definition=workspace.list_definition("supporters"), known_fields=())
    assert compiled.faults == ()
    return MergeProgram(compiled.message)


def person(tongue: Tongue) -> dict[str, str]:
    """Who gets it."""
    return {"first_name": tongue.name, "email": "zoe@example.org", "language": tongue.language}

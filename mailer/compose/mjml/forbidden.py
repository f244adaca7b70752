"""What MJML allows and this software doesn't, each with the reason and what to write in its place.

Either mrml, the compiler behind mjml-python, gets it wrong without a word (measured on mrml 6.0.1), or mail readers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something can't be used, and the remedy."""

    message: str
    remedy: str


TAGS: Mapping[str, Refusal] = {
    "mj-include": Refusal("mj-include isn't supported", 'Write {% include "blocks/….mjml" %} in a template.'),
    "mj-preview": Refusal(
        "mj-preview can't be used: it is outside the part of the mail that carries its language",
        'Take the template\'s own: {% include "blocks/preheader.mjml" %} as the first thing in mj-body.',
    ),
    "mj-html-attributes": Refusal(
        "mj-html-attributes isn't supported by the compiler", "Put the attribute on the tag itself, inside mj-text."
    ),
    "mj-font": Refusal(
        "mj-font would fetch a font from another server, which tells that server who reads the mail",
        "Name fonts that readers have: brand.font in mailer.toml.",
    ),
    "mj-carousel": Refusal("mj-carousel works in few mail readers", "Show the pictures one below the other."),
    "mj-accordion": Refusal("mj-accordion works in few mail readers", "Write the text openly, or link to it."),
}

# (tag, attribute) that change nothing here and are left out without a word: all styles are inlined in any case, and
# templates of older MJML say which one they were written for.
WITHOUT_EFFECT = frozenset({("mj-style", "inline"), ("mjml", "version")})

# (tag, attribute) → why. The value doesn't matter.
ATTRIBUTES: Mapping[tuple[str, str], Refusal] = {
    ("mj-wrapper", "gap"): Refusal("gap is ignored by the compiler", "Give the sections inside a padding."),
    ("mj-navbar", "hamburger"): Refusal("a folding menu works in few mail readers", "List the links openly."),
    ("mj-raw", "position"): Refusal("position isn't supported by the compiler", "Leave it out."),
    **{
        (tag, "background-url"): Refusal(
            "a background picture wraps the content in a box whose links can't be reached by keyboard in Outlook",
            "Use background-color, and an mj-image above or below.",
        )
        for tag in ("mj-section", "mj-wrapper")
    },
}

# (tag, attribute, value) → why.
VALUES: Mapping[tuple[str, str, str], Refusal] = {
    ("mj-hero", "mode", "fluid-height"): Refusal(
        "mode fluid-height comes out with no height", 'Write mode="fixed-height" and a height in px.'
    ),
}

# HTML that mail readers strip or distrust, or that asks another server for something.
HTML_TAGS = frozenset(
    (
        "applet", "audio", "base", "body", "button", "embed", "form", "frame", "frameset", "head", "html", "iframe",
        "input", "link", "math", "noscript", "object", "script", "select", "svg", "textarea", "video",
    )
)  # fmt: skip

# In an attribute's name or a style sheet: code, and files fetched from elsewhere.
STYLE_WORDS: Mapping[str, Refusal] = {
    "@import": Refusal("@import fetches styles from another server", "Write the styles here."),
    "@font-face": Refusal("@font-face fetches a font from another server", "Name fonts that readers have."),
}

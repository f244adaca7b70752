"""Rules about what mail programs can't show, among what the *author* added: templates, blocks, a message.mjml.

What the MJML compiler writes is its own matter: it is made for these programs, and a clean newsletter would have fifty
remarks. Three levels: a thing *breaks* the mail, or it *looks plainer*, or it is *fine* to be without it (no remark).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from mailer.checking.evidence.caniemail import Feature, knowledge
from mailer.checking.evidence.css_usage import Use, uses
from mailer.checking.registry import rule
from mailer.checking.specimen import Specimen
from mailer.diagnostics import Diagnostic, Level

# Without these, things are in the wrong place, overlap, or are missing.
BREAKING = frozenset(
    (
        "css-display-flex", "css-display-grid", "css-position", "css-left-right-top-bottom", "css-grid-template",
        "css-flex-direction", "css-flex-wrap", "css-justify-content", "css-align-items", "css-float",
        "css-column-count",
        "css-transform", "css-variables", "css-unit-rem", "css-unit-vw", "css-unit-vh", "css-unit-calc",
        "css-function-clamp", "css-function-min", "css-function-max", "css-function-light-dark", "css-nesting",
        "css-writing-mode", "css-inset", "html-video", "html-audio", "html-form", "html-select", "html-textarea",
        "html-button-submit", "html-button-reset", "html-input-text", "html-input-checkbox", "html-input-radio",
        "html-dialog", "html-object", "html-picture", "html-srcset", "html-svg", "html-popover", "html-image-maps",
        "css-at-import", "css-at-font-face",
    )
)  # fmt: skip
# Ornaments and courtesies that most mails do without: nobody notices that they are missing.
FINE = frozenset(
    (
        "css-border-radius", "css-box-shadow", "css-text-shadow", "css-letter-spacing", "css-word-spacing",
        "css-color-scheme", "css-overflow", "css-max-height", "css-max-width", "css-min-width", "css-min-height",
        "css-display-none", "css-display", "css-cursor", "css-transition", "css-opacity", "css-hyphens",
        "css-direction",
        "css-word-break", "css-overflow-wrap", "css-word-wrap", "css-white-space", "css-box-sizing", "css-text-wrap",
        "css-pseudo-class-hover", "css-pseudo-class-focus", "css-pseudo-class-active", "css-pseudo-class-visited",
        "css-pseudo-class-first-child", "css-pseudo-class-last-child", "css-text-underline-offset", "css-outline",
        "css-text-decoration-thickness", "css-text-decoration-color", "css-text-decoration-skip-ink", "css-user-select",
        "css-margin", "css-padding", "css-font", "css-font-weight", "css-font-size", "css-line-height", "css-width",
        "css-height", "css-vertical-align", "css-background", "css-background-color", "css-border", "css-text-align",
        "css-text-transform", "css-list-style", "css-list-style-type", "css-list-style-position", "css-table-layout",
        "css-border-collapse", "css-border-spacing", "css-unit-em", "css-unit-percent", "css-unit-px", "css-rgb",
        "css-text-decoration", "css-visibility", "css-unit-pt", "css-text-indent", "css-object-fit",
        "html-target", "html-lang", "html-dir", "html-role", "html-align", "html-valign", "html-width", "html-height",
        "html-aria-label", "html-aria-hidden", "html-aria-labelledby", "html-aria-describedby", "html-cellpadding",
        "html-cellspacing", "html-background", "html-link", "html-meta-color-scheme", "html-base", "html-body",
        "html-div", "html-p", "html-span", "html-table", "html-img", "html-strong", "html-style", "html-hidden",
        "html-wbr", "html-bdi", "html-loading-attribute", "html-semantics", "html-abbr", "html-small", "html-hr",
        "html-blockquote", "html-code", "html-del", "html-dfn", "html-pre", "html-address",
    )
)  # fmt: skip
NEXT = "Look at caniemail.com/features/{slug}/, or leave it out: tables and plain colours work everywhere."


@rule(
    "compatibility.breaks", Level.WARNING, "the template uses something that breaks in a mail program of the set",
    why="Things overlap or are missing there. The set is [check] clients in mailer.toml.",
)  # fmt: skip
def breaks(specimen: Specimen) -> Iterator[Diagnostic]:
    for feature, found in _lacking(specimen):
        if feature.slug in BREAKING:
            yield _found(specimen, feature, found, "breaks in")


@rule(
    "compatibility.plainer", Level.NOTE, "the template uses something without which the mail looks plainer",
    why="It is readable everywhere and looks as meant only in some programs.",
)  # fmt: skip
def plainer(specimen: Specimen) -> Iterator[Diagnostic]:
    for feature, found in _lacking(specimen):
        if feature.slug not in BREAKING:
            yield _found(specimen, feature, found, "is not shown by")


def _lacking(specimen: Specimen) -> Iterator[tuple[Feature, Sequence[Use]]]:
    """Features that the author uses and some wanted family lacks, with all their places."""
    known = knowledge().features
    used: dict[str, list[Use]] = {}
    for file in sorted(specimen.files):
        for use in _uses(specimen.files[file], file):
            used.setdefault(use.feature, []).append(use)
    for slug, found in used.items():
        if slug not in FINE and known[slug].families("n", specimen.settings.check.clients):
            yield known[slug], found


@lru_cache(maxsize=128)
def _uses(text: str, file: str) -> tuple[Use, ...]:
    """Kept, since two rules ask about the same files, and so does every language."""
    return tuple(uses(text, file=file, known=knowledge().features))


def _found(specimen: Specimen, feature: Feature, found: Sequence[Use], words: str) -> Diagnostic:
    families = [knowledge().families[one] for one in feature.families("n", specimen.settings.check.clients)]
    more = f", and in {len(found) - 1} more places" if len(found) > 1 else ""
    return Diagnostic(
        f"{feature.title} {words} {', '.join(families)} (tested on {feature.tested}): {found[0].written}{more}",
        found[0].place,
        NEXT.format(slug=feature.slug),
    )

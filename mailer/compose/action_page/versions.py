"""A page in several languages: action.md, and action.fr.md beside it. One petition, with one count and one next step.

Words are written in each language; all else comes from the original, and what makes one petition of it can't differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mailer.compose.action_page.mail_says import mail_says
from mailer.compose.action_page.parse import ActionPage, parse_action_page, read_action_page
from mailer.compose.languages import ORIGINAL, SpokenLanguages
from mailer.compose.source.frontmatter import FrontMatter, split_front_matter
from mailer.compose.source.text_file import read_text
from mailer.compose.source.translations import ORIGINAL_KEY, named_faults, outdated
from mailer.compose.source.wording import mark_of, page_words
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import raise_errors
from mailer.workspace import ACTION_FILE, ListDefinition, Newsletter


@dataclass(frozen=True, slots=True)
class PageVersions:
    """The page in each of its languages: the original at "", a translation at its language."""

    pages: Mapping[str, ActionPage]
    spoken: SpokenLanguages

    @property
    def original(self) -> ActionPage:
        return self.pages[ORIGINAL]

    def best(self, wishes: Iterable[str]) -> ActionPage:
        """The page for somebody who reads one of these languages, the most wanted first; "" says nothing."""
        return self.pages[self.spoken.version_for(*wishes)]


def read_page_versions(newsletter: Newsletter) -> tuple[PageVersions, tuple[Diagnostic, ...]]:
    """The sign page of a newsletter in all its languages, and warnings. Raises `MailerError` with all faults of all
    files, or when there is no page."""
    original, warnings = read_action_page(newsletter)
    files = newsletter.translations(ACTION_FILE)
    if not files:
        return PageVersions({ORIGINAL: original}, SpokenLanguages(original.language)), warnings
    workspace = newsletter.workspace
    lists = {name: workspace.list_definition(name) for name in workspace.list_names()}
    front, _ = split_front_matter(read_text(newsletter.folder / ACTION_FILE, file="")[0] or "", file="")
    assert front is not None, "it was read a moment ago"
    unfit = named_faults(newsletter, files, original.language)
    faults = [*warnings, *unfit.values()]
    pages: dict[str, ActionPage] = {}
    for language, name in files.items():
        text, told = read_text(newsletter.folder / name, file=newsletter.place(name))
        faults += told
        if text is not None and language not in unfit:
            page, told = page_translation(newsletter, text, original=front, language=language, lists=lists)
            faults += told
            pages |= {language: page} if page is not None else {}
    raise_errors(f"The sign page of {newsletter.slug} has faults:", faults)
    of_list = lists[original.opt_in.list].language if original.opt_in else original.language
    spoken = SpokenLanguages(original.language, tuple(pages), of_list)
    languages = tuple(spoken.by_version.values())
    every = {version: replace(page, languages=languages) for version, page in ({ORIGINAL: original} | pages).items()}
    return PageVersions(every, spoken), tuple(faults)


def page_translation(
    newsletter: Newsletter, text: str, *, original: FrontMatter, language: str, lists: Mapping[str, ListDefinition]
) -> tuple[ActionPage | None, list[Diagnostic]]:
    """The page that `text` writes in another language, with what it takes from its original, and its faults."""
    file = newsletter.place(f"action.{language}.md")
    page, faults = parse_action_page(
        text, slug=newsletter.slug, file=file, lists=lists, folder=newsletter.folder,
        mail=mail_says(newsletter, language), original=original, language=language,
    )  # fmt: skip
    if page is not None:
        faults = [*faults, *_unwritten(page, original, file), *_outdated(text, original, file)]
    return page, faults


def _outdated(text: str, original: FrontMatter, file: str) -> Iterator[Diagnostic]:
    own, _ = split_front_matter(text, file=file)
    translates = str(own.data.get(ORIGINAL_KEY) or "") if own else ""
    if translates and translates != mark_of(page_words(original)):
        yield outdated(Place(file, own.lines.get(ORIGINAL_KEY, 1) if own else 1))


def _unwritten(page: ActionPage, original: FrontMatter, file: str) -> Iterator[Diagnostic]:
    """Words that the original has and the translation lacks, where nothing else would say so."""
    if not page.thanks_html and original.data.get("thanks"):
        remedy = "Below `thanks: |` write, indented, what people read once they have signed."
        yield Diagnostic("thanks is missing: the original has it", Place(file, 1), remedy, level=Level.WARNING)

"""Reads a newsletter's folder: message.md, message.mjml or thanks.md and their translations, key by key.

Everything found wrong is raised at once, each with its line and a remedy. What the texts mean (merge tags, Markdown,
links, pictures) is for `compose.compiler`; its `audience` is for `audience.selection`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

from mailer.compose.languages import SpokenLanguages
from mailer.compose.message import ARMS
from mailer.compose.source.front_keys import KEYS, KeyReader
from mailer.compose.source.frontmatter import FrontMatter, split_front_matter
from mailer.compose.source.tested import EXAMPLE, TEST_KEY, not_shared, over, untold, with_version, without_test
from mailer.compose.source.text_file import cleaned, read_text
from mailer.compose.source.translations import ORIGINAL_KEY, SHARED, is_taken, named_faults, outdated, with_original
from mailer.compose.source.wording import mark_of, message_words
from mailer.compose.source.written import Source
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError
from mailer.workspace import MESSAGES, Newsletter

MARKDOWN_FILE, MJML_FILE = MESSAGES
SAID = "The newsletter {} has faults:"
NOTHING: Mapping[str, str] = MappingProxyType({})


def read_source(newsletter: Newsletter, name: str = "") -> Source:
    """The newsletter as its file has it, or its file `name`, with what is wrong with its form in `faults`: compiling it
    finds the rest, and raises them together. Raises `MailerError` when its front matter can't be read."""
    name = name or _message_file(newsletter)
    source = _with_translations(_source(_read(newsletter, name), newsletter), name)
    if source.test is not None and name not in MESSAGES:
        fault = Diagnostic("only a newsletter can try several versions", source.place(TEST_KEY), "Take `test:` out.")
        return replace(source, test=None, tried={}, faults=(*source.faults, fault))
    variants = newsletter.variants(name)
    return _with_variants(source, name, variants) if variants or source.test else source


def source_of(text: str, newsletter: Newsletter, *, changed: Mapping[str, str] = NOTHING, name: str = "") -> Source:
    """What `read_source` would find if the newsletter's file held `text`, for a look at what is being written.

    `changed` has texts of the front matter, by dotted key, that were edited in a form meanwhile; "" takes one out.
    In the result's `lines` those that the file doesn't have are at negative ones.
    """
    is_mjml = (newsletter.folder / MJML_FILE).is_file()
    file = newsletter.place(name or (MJML_FILE if is_mjml else MARKDOWN_FILE))
    return _source(_written(text, newsletter, file=file, changed=changed), newsletter)


def translation_of(source: Source, language: str, text: str, *, changed: Mapping[str, str] = NOTHING) -> Source:
    """What the translation of `source` into `language` would be if its file held `text`, as `source_of`."""
    name, _, ending = source.file.rpartition("/")[2].rpartition(".")
    file = source.newsletter.place(f"{name}.{language}.{ending}")
    return _translation(source, language, _written(text, source.newsletter, file=file, changed=changed))


@dataclass(frozen=True, slots=True)
class _Written:
    """A file with its front matter split off, and what is wrong with its form so far."""

    file: str
    front: FrontMatter
    faults: tuple[Diagnostic, ...] = ()


def _written(
    text: str, newsletter: Newsletter, *, file: str, changed: Mapping[str, str] = NOTHING,
    faults: Sequence[Diagnostic] = (),
) -> _Written:  # fmt: skip
    if not faults:
        text, faults = cleaned(text, file=file)
    front, unread = split_front_matter(text, file=file)
    if front is None:
        raise MailerError(SAID.format(newsletter.slug), diagnostics=[*faults, *unread])
    if changed:
        # What isn't in the file has a line of its own below all that are, so that a fault of it can be told apart.
        added = {key: -number for number, key in enumerate(sorted(set(changed) - set(front.lines)), 1)}
        front = replace(front, data=_with(front.data, changed), lines={**front.lines, **added})
    return _Written(file, front, (*faults, *unread))


def _read(newsletter: Newsletter, name: str) -> _Written:
    """One of the newsletter's files. Raises `MailerError` when it can't be read."""
    file = newsletter.place(name)
    text, faults = read_text(newsletter.folder / name, file=file)
    if text is None:
        raise MailerError(SAID.format(newsletter.slug), diagnostics=faults)
    return _written(text, newsletter, file=file, faults=faults)


def _source(written: _Written, newsletter: Newsletter, *, taken: Source | None = None) -> Source:
    """`taken`: from which it takes what it doesn't say itself; what is wrong there is told there."""
    file = written.file
    reader = KeyReader(written.front, file=file, newsletter=newsletter, faults=list(written.faults))
    source = reader.source(is_mjml=file.endswith(".mjml"))
    if taken is None:
        return source
    said = {one.message for one in taken.faults}
    return replace(source, faults=tuple(one for one in source.faults if not is_taken(one, said)))


def _with_translations(source: Source, name: str) -> Source:
    """The source with what is beside it in other languages; one that can't be read is among the faults."""
    newsletter = source.newsletter
    files = newsletter.translations(name)
    unfit = named_faults(newsletter, files, spoken_in(source).original) if files else {}
    found: list[Source] = []
    faults = [*source.faults, *unfit.values()]
    for language, file in files.items():
        if language in unfit:
            continue
        try:
            written = _read(newsletter, file)
            found.append(_translation(source, language, written))
        except MailerError as error:
            faults += error.diagnostics
        else:
            faults += untold(written.front, source.tried, file=written.file)
    return replace(source, translations=tuple(found), faults=tuple(faults))


def _translation(original: Source, language: str, written: _Written) -> Source:
    translates = str(written.front.data.get(ORIGINAL_KEY) or "")
    front, faults = with_original(without_test(written.front), original, language, file=written.file)
    made = replace(written, front=front, faults=(*written.faults, *faults))
    source = _source(made, original.newsletter, taken=original)
    if translates and translates != mark_of(message_words(original)):
        old = outdated(Place(written.file, front.lines.get(ORIGINAL_KEY, 1)))
        source = replace(source, faults=(*source.faults, old))
    return replace(source, translates=translates)


def _with_variants(source: Source, name: str, files: Mapping[str, str]) -> Source:
    """The source with the other versions of its test; `files` are those that are files of their own, by letter."""
    newsletter, place = source.newsletter, source.place(TEST_KEY)
    letters, faults = sorted({*source.tried, *files}), list(source.faults)
    if source.test is None:
        remedy = f"Write `{TEST_KEY}:` with `wait: 4h` below it into the front matter, or keep the file elsewhere."
        faults += [Diagnostic(f"there is no {TEST_KEY} that this is a version for", Place(newsletter.place(file)),
                              remedy) for file in files.values()]  # fmt: skip
        return replace(source, faults=tuple(faults))
    if not letters:
        remedy = f"{EXAMPLE} Or write {name.replace('.', '.b.', 1)}."
        faults.append(Diagnostic("the test has one version alone", place, remedy))
    if source.action is None:
        remedy = "Say below `action:` where its button leads: who signs there, or follows it, decides."
        faults.append(Diagnostic("there is nothing to decide the test by", place, remedy))
    for letter in ARMS[1 : ARMS.index(letters[-1]) if letters else 1]:
        if letter not in letters:
            faults.append(Diagnostic(f"there is a version {letters[-1]} and no {letter}", place, f"Call it {letter}."))
    found: list[Source] = []
    for letter in letters:
        if letter in files and letter in source.tried:
            said = Diagnostic(f"version {letter} is in {files[letter]}, too", source.place(f"{TEST_KEY}.{letter}"),
                              "Say it in one of the two places.")  # fmt: skip
            faults.append(said)
        try:
            found.append(_variant(source, letter, name, file=files.get(letter, "")))
        except MailerError as error:
            faults += error.diagnostics
    for number, one in enumerate(found):
        twin = next((at for at, other in enumerate((source, *found[:number])) if _mail(other) == _mail(one)), None)
        if twin is not None and not any(fault.stops for fault in faults):
            alike = f"versions {ARMS[twin]} and {ARMS[number + 1]} are the same mail"
            faults.append(Diagnostic(alike, place, "Change one of them, or take it out."))
    return replace(source, variants=tuple(found), faults=tuple(faults))


def _variant(source: Source, letter: str, name: str, *, file: str) -> Source:
    """One version of the test with its translations, which are those of the first. `file`: its own, "" for none."""
    newsletter, first = source.newsletter, _read(source.newsletter, name)
    if not file:
        made = _source(replace(first, front=with_version(first.front, letter)), newsletter)
        made = replace(made, faults=tuple(one for one in made.faults if one not in source.faults))
        languages = newsletter.translations(name)
        pairs = {tag: (one := _read(newsletter, languages[tag]), with_version(one.front, letter)) for tag in
                 (each.language for each in source.translations)}  # fmt: skip
        missing = list[Diagnostic]()
    else:
        own = _read(newsletter, file)
        faults = not_shared(own.front, [key for key in SHARED if key != "template"], file=own.file)
        front = over(own.front, first.front, of_all=KEYS)
        made = _source(replace(own, front=front, faults=(*own.faults, *faults)), newsletter, taken=source)
        pairs, missing = _own_languages(source, file, newsletter.translations(name))
    translations = [_translation(made, tag, replace(written, front=front)) for tag, (written, front) in pairs.items()]
    return replace(made, translations=tuple(translations), faults=(*made.faults, *missing))


def _own_languages(
    source: Source, file: str, firsts: Mapping[str, str]
) -> tuple[dict[str, tuple[_Written, FrontMatter]], list[Diagnostic]]:
    """The translations of a version that is a file of its own: by language, each with what it takes from that of the
    first version, and what is missing or too many."""
    newsletter = source.newsletter
    files, spoken = newsletter.translations(file), [one.language for one in source.translations]
    found: dict[str, tuple[_Written, FrontMatter]] = {}
    faults: list[Diagnostic] = []
    for tag in spoken:
        if tag in files:
            own = _read(newsletter, files[tag])
            found[tag] = own, over(own.front, _read(newsletter, firsts[tag]).front, of_all=KEYS)
        else:
            stem, _, ending = file.rpartition(".")
            remedy = (
                f"Write {stem}.{tag}.{ending}: people get the version that is theirs in the language that is theirs."
            )
            faults.append(Diagnostic(f"this version isn't written in {tag!r}", Place(newsletter.place(file)), remedy))
    for tag, one in files.items():
        if tag not in spoken:
            faults.append(Diagnostic(f"the first version isn't written in {tag!r}", Place(newsletter.place(one)),
                                     "Write that, too, or keep this file elsewhere."))  # fmt: skip
    return found, faults


def _mail(source: Source) -> tuple[object, ...]:
    """What people get of a version."""
    said = (source.subject, source.preheader, source.headline, source.from_, source.reply_to, source.signature)
    return (*said, source.template, source.action, dict(source.fields), source.body)


def spoken_in(source: Source) -> SpokenLanguages:
    """The languages that a newsletter is written in; the original's is that of its list unless it says otherwise."""
    of_list = ""
    with suppress(MailerError):  # which is told elsewhere
        of_list = source.newsletter.workspace.list_definition(source.list).language
    translations = tuple(one.language for one in source.translations)
    return SpokenLanguages(source.language or of_list, translations, of_list)


def _with(data: Mapping[str, Any], changed: Mapping[str, str]) -> dict[str, Any]:
    """The front matter's data with other texts."""
    found = dict(data)
    for key, value in changed.items():
        outer, _, inner = key.partition(".")
        if inner:
            within = found.get(outer)
            found[outer] = _with(cast(dict[str, Any], within) if isinstance(within, dict) else {}, {inner: value})
        elif value:
            found[outer] = value
        else:
            found.pop(outer, None)
    return found


def _message_file(newsletter: Newsletter) -> str:
    found = [name for name in (MARKDOWN_FILE, MJML_FILE) if (newsletter.folder / name).is_file()]
    place = Place(newsletter.place())
    if newsletter.is_automation:
        remedy = f"Start it: mailer automations start {newsletter.slug}"
        fault = Diagnostic(f"{newsletter.slug} is an automation, which mails people by itself", place, remedy)
        raise MailerError(SAID.format(newsletter.slug), diagnostics=[fault])
    if len(found) == 1:
        return found[0]
    if found:
        fault = Diagnostic("message.md and message.mjml are both there", place, "Keep one of them.")
    else:
        remedy = f"Write {MARKDOWN_FILE}, or make a new one: mailer new NEWSLETTER"
        fault = Diagnostic(f"there is no {MARKDOWN_FILE}", place, remedy)
    raise MailerError(SAID.format(newsletter.slug), diagnostics=[fault])

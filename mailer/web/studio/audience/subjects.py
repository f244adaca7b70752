"""What a row can ask: each subject with its comparisons in words, what its value is, and what can be chosen.

A row of the builder names a subject and one of its ways ("Joined", "since"); a way is a row of the expression language
(`selection.rows`): the field or the question, and the comparison there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailer.audience.selection.rows import ConditionRow
from mailer.compose.expressions.tagged import TAGGED


class ValueKind(StrEnum):
    """How a value is given."""

    NONE = ""
    TEXT = "text"
    TEXTS = "texts"  # several, with commas between
    NUMBER = "number"
    DAY = "day"
    CHOICE = "choice"
    PICKS = "picks"  # several that can be ticked


@dataclass(frozen=True, slots=True)
class SubjectWay:
    """One comparison of a subject. `name` and `comparison` are what the expression language calls it; `choices` names
    what can be chosen."""

    label: str
    name: str
    comparison: str
    value: ValueKind
    choices: str = ""


@dataclass(frozen=True, slots=True)
class RowSubject:
    """What a row is about. `group` is the heading it is listed under."""

    key: str
    label: str
    group: str
    ways: Mapping[str, SubjectWay]
    is_question: bool = False

    def row(self, way: str, values: Sequence[str]) -> ConditionRow:
        """The row of the expression language; several values of "is" ask for one of them."""
        found = self.ways[way]
        comparison = found.comparison
        if len(values) > 1:
            comparison = {"is": "one_of", "is_not": "none_of"}.get(comparison, comparison)
        return ConditionRow(found.name, comparison, tuple(values), is_question=self.is_question)


DID, HAS, KNOWN = "What they did", "How they want it", "What is known of them"


def _question(label: str, name: str, value: ValueKind, choices: str, *, holds: bool = True) -> SubjectWay:
    return SubjectWay(label, name, "yes" if holds else "no", value, choices)


CHOICE, DAY = ValueKind.CHOICE, ValueKind.DAY
QUESTION_SUBJECTS: tuple[RowSubject, ...] = tuple(
    RowSubject(key, label, group, ways, is_question=True)
    for key, label, group, ways in (
        ("signed", "Signed", DID, {
            "yes": _question("this page", "signed", CHOICE, "pages"),
            "no": _question("not this page", "signed", CHOICE, "pages", holds=False),
            "within": _question("anything in the last", "signed_within", CHOICE, "spans"),
            "not_within": _question("nothing in the last", "signed_within", CHOICE, "spans", holds=False),
            "times": _question("at least", "signed_times", CHOICE, "times"),
            "fewer": _question("fewer than", "signed_times", CHOICE, "times", holds=False),
        }),
        ("mailed", "Was mailed", DID, {
            "yes": _question("this newsletter", "mailed", CHOICE, "newsletters"),
            "no": _question("not this newsletter", "mailed", CHOICE, "newsletters", holds=False),
            "within": _question("anything in the last", "mailed_within", CHOICE, "spans"),
            "not_within": _question("nothing in the last", "mailed_within", CHOICE, "spans", holds=False),
        }),
        ("clicked", "Followed a link", DID, {
            "yes": _question("to sign, in", "clicked", CHOICE, "newsletters"),
            "no": _question("not to sign, in", "clicked", CHOICE, "newsletters", holds=False),
            "within": _question("in the last", "clicked_within", CHOICE, "spans"),
            "not_within": _question("not in the last", "clicked_within", CHOICE, "spans", holds=False),
        }),
        ("joined", "Joined", DID, {
            "since": _question("since", "joined_since", DAY, ""),
            "before": _question("before", "joined_since", DAY, "", holds=False),
            "within": _question("in the last", "joined_within", CHOICE, "spans"),
            "not_within": _question("longer ago than", "joined_within", CHOICE, "spans", holds=False),
        }),
        ("subscribed", "Is on the list", HAS, {
            "yes": _question("yes, on", "subscribed", CHOICE, "lists"),
            "no": _question("no, not on", "subscribed", CHOICE, "lists", holds=False),
        }),
        (TAGGED, "Is tagged", HAS, {
            "yes": _question("with", TAGGED, CHOICE, "tags"),
            "no": _question("not with", TAGGED, CHOICE, "tags", holds=False),
        }),
        ("segment", "Segment", HAS, {
            "yes": _question("is in", "segment", CHOICE, "segments"),
            "no": _question("is not in", "segment", CHOICE, "segments", holds=False),
        }),
        ("wants", "How often they want mail", HAS, {
            "yes": _question("is", "wants", CHOICE, "frequencies"),
            "no": _question("is not", "wants", CHOICE, "frequencies", holds=False),
        }),
    )
)  # fmt: skip
FIELD_LABELS = {
    "country": "Country", "language": "Language", "timezone": "Time zone", "first_name": "First name",
    "last_name": "Last name", "name": "Whole name", "email": "Email address", "tags": "Tags",
}  # fmt: skip
PICKED = {"country": "countries", "language": "languages"}
KNOWN_WAYS = {"known": "is known", "unknown": "is not known"}
TEXT_WAYS = {"is": "is", "is_not": "is not"}
PART_WAYS = {"contains": "contains", "lacks": "does not contain"}
ORDER_WAYS = {"at_least": "at least", "at_most": "at most", "above": "more than", "below": "less than"}
TIME_WAYS = {"since": "on or after", "until": "on or before"}


def field_subject(name: str) -> RowSubject:
    """The subject that a field of supporters is."""
    label = FIELD_LABELS.get(name) or name.replace("_", " ").capitalize()
    picked = PICKED.get(name, "")
    own = ValueKind.PICKS if picked else ValueKind.TEXTS
    ways = {key: SubjectWay(words, name, key, own, picked) for key, words in TEXT_WAYS.items()}
    if not picked:
        ways |= {key: SubjectWay(words, name, key, ValueKind.TEXT) for key, words in PART_WAYS.items()}
    if name not in FIELD_LABELS:
        ways |= {key: SubjectWay(words, name, key, ValueKind.NUMBER) for key, words in ORDER_WAYS.items()}
        ways |= {key: SubjectWay(words, name, key, ValueKind.TEXT) for key, words in TIME_WAYS.items()}
    ways |= {key: SubjectWay(words, name, key, ValueKind.NONE) for key, words in KNOWN_WAYS.items()}
    return RowSubject(f"field:{name}", label, KNOWN, ways)


def subjects(fields: Sequence[str], *, questions: bool) -> dict[str, RowSubject]:
    """Everything that rows can be about, by key: the questions, of which words in the text may ask for tags alone,
    then the fields."""
    ordered = [*(name for name in FIELD_LABELS if name in fields), *sorted(set(fields) - set(FIELD_LABELS))]
    asked = [one for one in QUESTION_SUBJECTS if questions or one.key == TAGGED]
    found = [*asked, *map(field_subject, ordered)]
    return {one.key: one for one in found}


def subject_and_way(row: ConditionRow, known: Mapping[str, RowSubject]) -> tuple[RowSubject, str] | None:
    """The subject and the way that show a row of the expression language; None where none does."""
    comparison = {"one_of": "is", "none_of": "is_not"}.get(row.comparison, row.comparison)
    for subject in known.values():
        if subject.is_question is row.is_question:
            for key, way in subject.ways.items():
                if (way.name, way.comparison) == (row.subject, comparison):
                    return subject, key
    return None

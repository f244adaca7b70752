"""Diagnostics: their order and bounds, and the errors that carry them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailer.diagnostics import Diagnostic, Level, Place, as_data, at_most, in_part, worst, worst_first
from mailer.errors import MailerError, raise_errors

PLACES = st.none() | st.builds(Place, st.sampled_from(("a.md", "b.md")), st.none() | st.integers(1, 9))
DIAGNOSTICS = st.lists(
    st.builds(
        Diagnostic, st.text(), PLACES | st.just(Place(part="HTML")), st.text(), st.sampled_from(Level),
        st.sampled_from(("", "links.vague")), st.sampled_from(("", "because")),
    )
)  # fmt: skip
ORDER = ["error", "warning", "note", "ok"]


@given(DIAGNOSTICS)
def test_the_worst_come_first_and_what_is_waived_last(found: list[Diagnostic]) -> None:
    told = worst_first(found)
    assert sorted(map(repr, told)) == sorted(map(repr, found))
    ranks = [(bool(one.waived), ORDER.index(one.level)) for one in told]
    assert ranks == sorted(ranks)


@given(DIAGNOSTICS, st.sampled_from(Level))
def test_none_is_worse_than_the_bound_and_nothing_else_changes(found: list[Diagnostic], bound: Level) -> None:
    told = at_most(bound, found)
    for one, before in zip(told, found, strict=True):
        assert ORDER.index(one.level) == max(ORDER.index(before.level), ORDER.index(bound))
        assert as_data(one) | {"level": ""} == as_data(before) | {"level": ""}
    assert ORDER.index(worst(told)) >= ORDER.index(bound)


@given(DIAGNOSTICS)
def test_an_error_is_raised_exactly_when_one_stops_and_carries_them_all(found: list[Diagnostic]) -> None:
    carried: tuple[Diagnostic, ...] = ()
    try:
        raise_errors("They have faults:", found)
    except MailerError as error:
        carried = error.diagnostics
        assert all(one.message in str(error) for one in found)
    assert list(carried) == (found if any(one.level is Level.ERROR and not one.waived for one in found) else [])


def test_an_error_by_itself_is_one_diagnostic() -> None:
    error = MailerError("it isn't there", remedy="Look elsewhere.", place=Place("a.md", 3))
    assert error.diagnostics == (Diagnostic("it isn't there", Place("a.md", 3), "Look elsewhere."),)
    assert str(error) == "a.md:3: it isn't there\n    Look elsewhere."


def test_a_place_in_a_file_is_told_inside_the_part() -> None:
    (one,) = in_part("lists", [Diagnostic("no name", Place("lists/x.toml", 2), level=Level.WARNING)])
    assert (one.part, one.message, one.level) == ("lists", "lists/x.toml:2: no name", Level.WARNING)
    assert as_data(one)["file"] is None

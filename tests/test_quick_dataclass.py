"""The quick dataclass is the standard library's in all that Mailer's classes rely on."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, astuple, field, fields, replace
from typing import Any

import pytest

from mailer.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """A fixed class with everything that a field may have."""

    code: str
    price: float = 0.5
    marks: list[str] = field(default_factory=list[str])
    secret: str = field(default="", repr=False)
    seen: int = field(default=0, compare=False)
    double: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "double", self.price * 2)


@dataclass(slots=True)
class Tally:
    """One that changes."""

    count: int = 0
    names: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Called by names alone."""

    first: str
    last: str = ""


@dataclass(slots=True, eq=False)
class Itself:
    """Equal to itself alone."""

    value: int = 0

    def __repr__(self) -> str:
        return "its own words"


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


def theirs(kind: type[Any], **options: bool) -> Callable[..., Any]:
    """The same fields in a class of the standard library."""
    spaces = {one.name: one.default for one in fields(kind) if one.default is not dataclasses.MISSING}
    spaces |= {
        one.name: field(default_factory=one.default_factory)
        for one in fields(kind)
        if one.default_factory is not dataclasses.MISSING
    }
    plain = type(kind.__name__, (), {"__annotations__": {one.name: one.type for one in fields(kind)}, **spaces})
    return dataclasses.dataclass(slots=True, **options)(plain)


def test_an_instance_is_made_as_by_the_standard_library() -> None:
    stamp = Stamp("A1", 2.0, secret="s3")
    assert (stamp.code, stamp.price, stamp.marks, stamp.secret, stamp.double) == ("A1", 2.0, [], "s3", 4.0)
    assert Stamp("A1").marks is not Stamp("A1").marks
    assert repr(Tally(2, {"a": 1})) == repr(theirs(Tally)(2, {"a": 1})) == "Tally(count=2, names={'a': 1})"
    assert repr(stamp) == "Stamp(code='A1', price=2.0, marks=[], seen=0, double=4.0)"
    assert repr(Itself()) == "its own words"
    match Stamp("B2"):
        case Stamp(code, price):
            assert (code, price) == ("B2", 0.5)


@pytest.mark.parametrize("call", [lambda made: made(), lambda made: made("a", first="b"), lambda made: made(wrong=1)])
def test_a_wrong_call_is_refused_in_the_same_words(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError) as ours:
        call(Named)
    with pytest.raises(TypeError) as expected:
        call(theirs(Named, frozen=True, kw_only=True))
    assert str(ours.value) == str(expected.value)


def test_instances_are_compared_by_their_class_and_fields() -> None:
    assert Named(first="a") == Named(first="a") != Named(first="b")
    assert Stamp("A1", seen=1) == Stamp("A1", seen=2)
    assert Nothing() == Nothing() != Named(first="a")
    assert len({Named(first="a"), Named(first="a"), Nothing(), Nothing()}) == 2
    assert Itself() != Itself()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Tally())


def test_a_fixed_one_does_not_change_and_can_be_copied() -> None:
    stamp = Stamp("A1", marks=["x"])
    with pytest.raises(FrozenInstanceError):
        stamp.price = 1.0  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(FrozenInstanceError):
        del stamp.price  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(stamp, "__dict__")
    assert copy.deepcopy(stamp) == pickle.loads(pickle.dumps(stamp)) == stamp
    assert copy.deepcopy(stamp).marks is not stamp.marks


def test_functions_of_the_standard_library_take_it() -> None:
    assert replace(Named(first="a", last="b"), last="c") == Named(first="a", last="c")
    assert asdict(Tally(1, {"a": 2})) == {"count": 1, "names": {"a": 2}}
    assert astuple(Named(first="a")) == ("a", "")

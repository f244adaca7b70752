"""`dataclass` as in the standard library, made ten times as quickly: it was a sixth of what a command takes to start.

The standard library compiles up to seven functions for each class when its module is imported, about 0.3 ms. Here a
class shares them with the others, and its `__init__` is compiled when the first instance is made; most classes that a
command imports have none. `field`, `fields`, `replace`, `asdict` and `astuple` are the standard library's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, field, fields
from dataclasses import dataclass as with_fields  # noqa: TID251
from operator import attrgetter
from typing import Any, Literal, TypeVar, cast, dataclass_transform

Made = TypeVar("Made", bound=type[Any])
Function = Callable[..., Any]


@dataclass_transform(field_specifiers=(field,))
def dataclass(
    *, slots: Literal[True], frozen: bool = False, eq: bool = True, kw_only: bool = False
) -> Callable[[Made], Made]:
    """A class of named fields, with the standard library's arguments and what they mean there; always with slots."""

    def made(plain: Made) -> Made:
        plain.__doc__ = plain.__doc__ or plain.__qualname__  # which is made of the arguments otherwise, slowly
        one = with_fields(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(plain)
        shared: dict[str, Function | None] = {"__init__": _compiled_when_called(one, frozen), "__repr__": _repr}
        if eq:
            shared |= _compared(one, frozen)
        if frozen:
            shared |= FROZEN
        for name, function in shared.items():
            if name not in plain.__dict__:  # what a class says itself counts
                setattr(one, name, function)
        return cast("Made", one)

    return made


def _compiled_when_called(kind: type[Any], frozen: bool) -> Function:
    def first(self: Any, *args: Any, **kwargs: Any) -> None:
        kind.__init__ = _init(kind, frozen)
        kind.__init__(self, *args, **kwargs)

    return first


def _init(kind: type[Any], frozen: bool) -> Function:
    """The `__init__` of a class, compiled."""
    scope: dict[str, Any] = {"_missing": MISSING}
    positional: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for one in fields(kind):
        name, value = one.name, one.name
        default = ""
        if one.default is not MISSING:
            scope[f"_default_{name}"], default = one.default, f"=_default_{name}"
        elif one.default_factory is not MISSING:
            scope[f"_make_{name}"], default = one.default_factory, "=_missing"
            value = f"_make_{name}() if {name} is _missing else {name}" if one.init else f"_make_{name}()"
        elif not one.init:
            continue  # `__post_init__` sets it
        if one.init:
            (named if one.kw_only else positional).append(name + default)
        if frozen:
            scope[f"_set_{name}"] = getattr(kind, name).__set__
            body.append(f"_set_{name}(self, {value})")
        else:
            body.append(f"self.{name} = {value}")
    if hasattr(kind, "__post_init__"):
        body.append("self.__post_init__()")
    arguments = ["self", *positional, *(["*", *named] if named else [])]
    lines = "\n ".join(body or ["pass"])
    exec(f"def __init__({', '.join(arguments)}):\n {lines}", scope)  # noqa: S102 - of names of fields alone
    init = scope["__init__"]
    init.__qualname__ = f"{kind.__qualname__}.__init__"  # which a wrong call names
    return cast("Function", init)


def _compared(kind: type[Any], frozen: bool) -> dict[str, Function | None]:
    """How instances are compared and hashed, by all fields but those with `compare=False`."""
    names = [one.name for one in fields(kind) if one.compare]
    key = cast("Function", attrgetter(*names) if names else type)

    def equal(self: Any, other: Any) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(key(self))

    return {"__eq__": equal, "__hash__": hashed if frozen else None}


def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _set(self: Any, name: str, value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


# Copying and pickling set attributes, which a frozen class can't.
FROZEN: dict[str, Function] = {
    "__setattr__": _set, "__delattr__": _delete, "__getstate__": _state, "__setstate__": _set_state
}  # fmt: skip

"""Jinja in its sandbox, with a budget: whatever makes texts or lists larger, or runs for long, is counted meanwhile.

Jinja's sandbox keeps a template from reaching Python; by itself it lets one fill the memory. So loops, joins, literals
and slices are rewritten to pass the budget, and filters, calls and arithmetic ask it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import update_wrapper
from string import Formatter
from types import BuiltinMethodType, MethodType
from typing import Any, cast

from jinja2 import nodes, pass_eval_context
from jinja2.exceptions import SecurityError
from jinja2.filters import make_attrgetter
from jinja2.runtime import LoopContext, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from mailer.compose.templating.budget import LARGEST_BITS, WIDEST, Budget, TooMuch, size_of

# Names of filters that templates can't write: a name has no blank.
TURNS, KEEP, JOIN = "budget turns", "budget keep", "budget join"
MOST_DECIMALS = 20  # of `round`: with -999999999 Python would compute a number of so many digits
_NUMBER = re.compile(r"\d+")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """No way to reach Python, and none to use up the machine. `budget.begin()` comes before each text."""

    intercepted_binops = frozenset(("*", "**", "%", "+"))

    def __init__(self, **options: Any) -> None:
        given = options.pop("finalize", None)
        super().__init__(finalize=self._printing(given), **options)
        self.budget = Budget()
        self.concat = self.budget.joined

    def guard_filters(self) -> None:
        """Make all filters that are set so far ask the budget."""
        filters = cast("dict[str, Callable[..., Any]]", self.filters)
        for name, apply in list(filters.items()):
            filters[name] = self._guarded(name, apply)
        filters[TURNS] = self.budget.turns
        filters[KEEP] = self.budget.keep
        filters[JOIN] = self._joining()

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        return super()._generate(_Rewriter().visit(source), *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Sums with numbers, and + for texts and lists too: a text times a billion would fill the memory."""
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if operator == "+" and not numbers:
            self.budget.ask(size_of(left) + size_of(right))
        elif not numbers or operator == "**":
            raise SecurityError(f"{operator} is for numbers")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and result.bit_length() > LARGEST_BITS:
            raise TooMuch("a number grows beyond all use")
        return result

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A macro, a loop that goes deeper, a block, or a method of a text, list or number."""
        self.budget.step()
        if isinstance(obj, LoopContext) and args:
            args = (self.budget.turns(args[0]), *args[1:])
        if isinstance(obj, (BuiltinMethodType, MethodType)) and not isinstance(obj.__self__, LoopContext):
            self._ask_for_method(obj, args, kwargs)
        result = super().call(context, obj, *args, **kwargs)
        return self.budget.keep(result)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`format` and `format_map`, whose widths and repetitions are looked at first."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None
        apply, text = wrapped, cast(str, value.__self__)

        def asked(*args: Any, **kwargs: Any) -> str:
            fields = list(Formatter().parse(text))
            for _, field, spec, _ in fields:
                if field is not None and spec and "{" in spec:
                    raise SecurityError("a width in a format is a number, not another field")
                if any(int(number[:9]) > WIDEST for number in _NUMBER.findall(spec or "")):
                    raise TooMuch(f"a format is wider than {WIDEST:,}")
            each = size_of(list(args)) + size_of(kwargs)
            self.budget.ask(len(text) + len(fields) * 2 * each)
            return apply(*args, **kwargs)

        return update_wrapper(asked, value)

    def _ask_for_method(self, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner, name = method.__self__, method.__name__
        numbers = [one for one in (*args, *kwargs.values()) if isinstance(one, (int, float))]
        if any(abs(one) > WIDEST for one in numbers):
            raise TooMuch(f"{name} is asked for more than {WIDEST:,}")
        if name == "translate":
            raise SecurityError("translate is not for templates; use replace")
        if name == "replace":
            self.budget.ask(_replaced(owner, *args[:2]))
        elif name == "join" and args:
            items = list(self.budget.turns(args[0]))
            self.budget.ask(size_of(items) + len(items) * len(owner))
        elif name == "expandtabs":
            self.budget.ask(len(owner) * int(max([8, *numbers])))

    def _guarded(self, name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
        """A filter that reserves what it will need and counts what it made."""
        # Jinja passes its environment or context before the value where a filter wants it.
        first = 1 if getattr(apply, "jinja_pass_arg", None) else 0

        def guarded(*args: Any, **kwargs: Any) -> Any:
            self.budget.step()
            before, value, given = args[:first], args[first] if len(args) > first else "", args[first + 1 :]
            if name == "replace":
                self.budget.ask(_replaced(str(value), *map(str, given[:2])))
            elif name == "join":
                value = self._ask_for_join(value, *given, **kwargs)
            elif name in ("batch", "round") and any(
                isinstance(one, (int, float)) and abs(one) > (WIDEST if name == "batch" else MOST_DECIMALS)
                for one in (*given, *kwargs.values())
            ):
                raise TooMuch(f"{name} is asked for more than anybody reads")
            elif name in ("batch", "list"):
                value = self.budget.turns(value)
            else:
                self.budget.keep(value)  # to be written out, perhaps
            result = apply(*before, value, *given, **kwargs)
            return self.budget.turns(result) if name == "batch" else self.budget.keep(result)

        if first:
            guarded.jinja_pass_arg = apply.jinja_pass_arg  # pyright: ignore - how Jinja knows
        return guarded

    def _ask_for_join(self, value: Any, d: Any = "", attribute: Any = None) -> list[Any]:
        items = list(self.budget.turns(value))
        shown = list(map(make_attrgetter(self, attribute), items)) if attribute is not None else items
        self.budget.ask(size_of(shown) + len(items) * len(str(d)))
        return items

    def _joining(self) -> Callable[..., str]:
        """What `a ~ b` is: each part written out, and all of them joined."""

        @pass_eval_context
        def joined(eval_ctx: Any, parts: tuple[Any, ...]) -> str:
            self.budget.ask(sum(map(size_of, parts)))
            return (markup_join if eval_ctx.autoescape else str_join)(parts)

        return joined

    def _printing(self, given: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        """The function applied to each value that is printed."""

        def printed(value: Any) -> Any:
            self.budget.keep(value)
            return given(value) if given is not None else value

        return printed


class _Rewriter(NodeTransformer):
    """Puts the budget around the parts of a template that Jinja computes without asking anybody."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja finds visitors by these names
        self.generic_visit(node)
        node.iter = _filtered(cast(nodes.Expr, node.iter), TURNS)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        parts = nodes.Tuple(node.nodes, "load", lineno=node.lineno)
        return _filtered(parts, JOIN)

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return node if all(isinstance(item, nodes.Const) for item in node.items) else _filtered(node, KEEP)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if node.ctx != "load" or all(isinstance(item, nodes.Const) for item in node.items):
            return node
        return _filtered(node, KEEP)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, KEEP) if node.items else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, KEEP) if isinstance(node.arg, nodes.Slice) else node


def _filtered(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _replaced(text: Any, old: Any = "", new: Any = "") -> int:
    """How long a text gets when all of `old` becomes `new`."""
    try:
        return len(text) + text.count(old) * max(0, len(new) - len(old))
    except TypeError:
        return len(text)  # it will say so itself

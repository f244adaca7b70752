"""The faults that `scripts/mutants.py` puts in: a choice of cosmic-ray's, and four of our own for what it lacks.

Most of what decides who is mailed is in the conditions of database statements, which cosmic-ray's operators leave
alone: they know comparisons, not `where(…)`.
"""

# pyright: basic, reportMissingImports=false
# cosmic-ray and its parser are installed by `make mutants` alone.
from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider

ROOT = Path(__file__).parent.parent
THEIRS = (
    *(f"ReplaceComparisonOperator_{one}" for one in (
        "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_Gt", "LtE_Gt", "Gt_Lt", "GtE_Lt",
        "Is_IsNot", "IsNot_Is",
    )),
    *(f"ReplaceBinaryOperator_{one}" for one in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Mod_Mul")),
    *(f"ReplaceUnaryOperator_Delete_{one}" for one in ("Not", "USub", "Invert")),
    "AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "NumberReplacer", "ExceptionReplacer",
    "ZeroIterationForLoop",
)  # fmt: skip
ENUMS_IN = ("mailer/store/tables/states.py", "mailer/transports/base.py")
CONDITIONS = ("where", "values", "or_", "and_")


class _Ours(Operator):
    """An operator of ours that may change one node in several ways."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        for _ in range(self.ways(node)):
            yield node.start_pos, node.end_pos

    def ways(self, node: Any) -> int:
        raise NotImplementedError

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ()


class DropCondition(_Ours):
    """Forgets one argument of `where(…)`, `values(…)`, `or_(…)` or `and_(…)`."""

    def ways(self, node: Any) -> int:
        if node.type != "trailer" or node.children[0].value != "(" or len(node.children) < 3:
            return 0
        before = node.get_previous_sibling()
        return len(_parts(node.children[1])) if before and before.get_last_leaf().value in CONDITIONS else 0

    def mutate(self, node: Any, index: int) -> Any:
        node.children[1] = _without(node.children[1], index)
        return node


class DropElement(_Ours):
    """Forgets one element of a tuple, list, set or dictionary."""

    def ways(self, node: Any) -> int:
        plain = node.type in ("testlist_comp", "dictorsetmaker") and node.children[-1].type not in _COMPREHENSIONS
        return len(_parts(node)) if plain else 0

    def mutate(self, node: Any, index: int) -> Any:
        return _without(node, index)


class DropStatement(_Ours):
    """Forgets a call, a change of something kept, a raise, or a return from an `if`."""

    def ways(self, node: Any) -> int:
        if node.type != "simple_stmt":
            return 0
        statement = node.children[0]
        if statement.type == "return_stmt":
            return int(node.parent.type == "suite" and node.parent.parent.type == "if_stmt")
        if statement.type == "expr_stmt":
            target, operator = statement.children[:2]
            return int(operator.type == "annassign" or target.type == "atom_expr" or operator.get_code().strip() != "=")
        return int(statement.type in ("atom_expr", "raise_stmt"))

    def mutate(self, node: Any, index: int) -> Any:
        node.children[0] = parso.parse(node.get_first_leaf().prefix + "pass")
        return node


class SwapMember(_Ours):
    """Names another state, fate or reason than is meant."""

    def ways(self, node: Any) -> int:
        if node.type != "trailer" or node.children[0].value != ".":
            return 0
        before = node.get_previous_sibling()
        return int(before is not None and node.children[1].value in ENUMS.get(before.get_code().strip(), ()))

    def mutate(self, node: Any, index: int) -> Any:
        members = ENUMS[node.get_previous_sibling().get_code().strip()]
        leaf = node.children[1]
        leaf.value = members[(members.index(leaf.value) + 1) % len(members)]
        return node


def mutants_of(source: str) -> Iterator[tuple[str, str]]:
    """Each fault: the operator's name and the module with it. Annotations and decorators are left as they are."""
    skipped = _not_run(source)
    for name, operator in _operators():
        occurrence = 0
        for node in ast_nodes(get_ast(source)):
            for start, _ in operator.mutation_positions(node):
                if not any(first <= start < last for first, last in skipped):
                    changed = mutate_code(source, operator, occurrence)
                    if changed is not None and changed != source and _is_python(changed):
                        yield name, changed
                occurrence += 1


def _operators() -> Iterator[tuple[str, Any]]:
    known: Any = OperatorProvider()
    for name in THEIRS:
        yield name, known[name]()
    for ours in (DropCondition, DropElement, DropStatement, SwapMember):
        yield ours.__name__, ours()


def _enums() -> dict[str, list[str]]:
    """The members of each enumeration, read from the source: importing it here would bring in what is to be changed."""
    found: dict[str, list[str]] = {}
    for path in ENUMS_IN:
        for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "StrEnum" for base in node.bases):
                found[node.name] = [ast.unparse(one.targets[0]) for one in node.body if isinstance(one, ast.Assign)]
    return found


ENUMS = _enums()
_COMPREHENSIONS = ("sync_comp_for", "comp_for")


def _parts(node: Any) -> list[str]:
    """The code of what commas separate."""
    if node.type not in ("arglist", "testlist_comp", "dictorsetmaker"):
        return [node.get_code()]
    parts = [""]
    for child in node.children:
        if child.type == "operator" and child.value == ",":
            parts.append("")
        else:
            parts[-1] += child.get_code()
    return [part for part in parts if part.strip()]


def _without(node: Any, index: int) -> Any:
    left = [part for place, part in enumerate(_parts(node)) if place != index]
    return parso.parse(",".join(left) + "," * bool(left))


def _not_run(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """From where to where nothing runs, or nothing but a description does: decorators, the heads of functions, in which
    cosmic-ray would take the mark of keywords for a product, and annotations."""
    spans: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([(one.lineno, one.col_offset) for one in node.decorator_list], default=(node.lineno, 0))
            spans.append((first, (node.body[0].lineno, node.body[0].col_offset)))
        elif isinstance(node, ast.AnnAssign):
            note = node.annotation
            spans.append(((note.lineno, note.col_offset), (note.end_lineno or 0, note.end_col_offset or 0)))
    return spans


def _is_python(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True

"""Attributes, a JSON object of texts, put together and compared in SQL: what each engine calls it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class as_json(FunctionElement[Any]):  # noqa: N801 - SQL functions are written in small letters
    """as_json(text): a JSON text as a JSON value."""

    type = JSON()
    inherit_cache = True


class merged(FunctionElement[Any]):  # noqa: N801
    """merged(attributes, text): the attributes with those of a JSON text laid over them."""

    type = JSON()
    inherit_cache = True


class differ(FunctionElement[bool]):  # noqa: N801
    """differ(attributes, text): whether merging the JSON text in would change the attributes."""

    type = Boolean()
    inherit_cache = True


def _two(element: FunctionElement[Any], compiler: SQLCompiler, kw: dict[str, Any]) -> tuple[str, str]:
    first, second = element.clauses
    return compiler.process(first, **kw), compiler.process(second, **kw)


@compiles(as_json, "sqlite")
def _as_json_sqlite(element: as_json, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)  # JSON is text there; CAST … AS JSON would make a number of it


@compiles(as_json, "postgresql")
def _as_json_postgresql(element: as_json, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS JSON)"


@compiles(merged, "sqlite")
def _merged_sqlite(element: merged, compiler: SQLCompiler, **kw: Any) -> str:
    before, new = _two(element, compiler, kw)
    return f"json_patch({before}, {new})"


@compiles(merged, "postgresql")
def _merged_postgresql(element: merged, compiler: SQLCompiler, **kw: Any) -> str:
    before, new = _two(element, compiler, kw)
    return f"CAST(CAST({before} AS JSONB) || CAST({new} AS JSONB) AS JSON)"


@compiles(differ, "sqlite")
def _differ_sqlite(element: differ, compiler: SQLCompiler, **kw: Any) -> str:
    before, new = _two(element, compiler, kw)
    # Equal texts are equal objects; the patch is worked out only for the others. json() takes blanks out.
    return f"({before} <> {new} AND json_patch({before}, {new}) <> json({before}))"


@compiles(differ, "postgresql")
def _differ_postgresql(element: differ, compiler: SQLCompiler, **kw: Any) -> str:
    before, new = _two(element, compiler, kw)
    return f"(CAST({before} AS JSONB) || CAST({new} AS JSONB)) <> CAST({before} AS JSONB)"

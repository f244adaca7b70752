"""Many numbers in one parameter, so that a statement is the same text for one person and for a thousand.

An IN of many values is another text for each count, which no engine can keep prepared. SQLite takes the numbers as
JSON (https://sqlite.org/json1.html#jeach), PostgreSQL as an array.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine


class Numbers(TypeDecorator[Iterable[int]]):
    """Whole numbers as one parameter."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(BigInteger) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:
        numbers = list(value or ())
        return numbers if dialect.name == "postgresql" else json.dumps(numbers)


class among(FunctionElement[Any]):  # noqa: N801  a function of SQL, written as one
    """`among(column, "name")`: the column's number is one of those bound as `name`."""

    inherit_cache = True
    type = NullType()  # as a Boolean it would be compared with 1 on SQLite, which then uses no index

    def __init__(self, column: Column[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=Numbers()))


@compiles(among, "sqlite")
def _in_json(element: among, compiler: SQLCompiler, **options: Any) -> str:  # pyright: ignore[reportUnusedFunction]
    column, numbers = element.clauses
    found = compiler.process(numbers, **options)
    return f"{compiler.process(column, **options)} IN (SELECT value FROM json_each({found}))"  # noqa: S608 - no values


@compiles(among, "postgresql")
def _in_array(element: among, compiler: SQLCompiler, **options: Any) -> str:  # pyright: ignore[reportUnusedFunction]
    column, numbers = element.clauses
    return f"{compiler.process(column, **options)} = ANY({compiler.process(numbers, **options)})"

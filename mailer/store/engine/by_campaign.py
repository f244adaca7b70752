"""Conditions on deliveries that name their campaign too, so that PostgreSQL looks into one part instead of all.

A delivery's number says its campaign. SQLite has one table and is told the number alone: given both it might go through
the campaign's index instead. What a statement must find never depends on which of the two is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, FromClause, Table, and_, bindparam, literal, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from mailer.store.engine.arrays import Numbers, among
from mailer.store.tables.core import deliveries

NUMBERS_PER_CAMPAIGN = 2**32  # a delivery's id is its campaign's, times this, plus a number of its own


def campaign_of(delivery_id: int) -> int:
    """The campaign a delivery belongs to, from its id alone."""
    return delivery_id // NUMBERS_PER_CAMPAIGN


class in_part(FunctionElement[Any]):  # noqa: N801  a function of SQL, written as one
    """`in_part(column, value)`: the campaign's number in the column is that one, for PostgreSQL. True on SQLite."""

    inherit_cache = True
    type = NullType()  # as `among`

    def __init__(self, column: ColumnElement[Any], value: ColumnElement[Any]) -> None:
        super().__init__(column, value)


@compiles(in_part, "sqlite")
def _anywhere(element: in_part, compiler: SQLCompiler, **options: Any) -> str:  # pyright: ignore[reportUnusedFunction]
    return "1"


@compiles(in_part, "postgresql")
def _in_part(element: in_part, compiler: SQLCompiler, **options: Any) -> str:  # pyright: ignore[reportUnusedFunction]
    column, value = element.clauses
    compared = compiler.process(value, **options)
    if isinstance(value.type, Numbers):
        compared = f"ANY({compared})"
    return f"{compiler.process(column, **options)} = {compared}"


def numbered(delivery_id: int, table: Table = deliveries) -> ColumnElement[bool]:
    """It is this delivery, or a row of another table about it."""
    return and_(
        _number(table) == delivery_id, in_part(table.c.campaign_id, literal(campaign_of(delivery_id), BigInteger))
    )


def those(name: str, table: Table = deliveries) -> ColumnElement[bool]:
    """It is one of the deliveries that are bound as `given(name, …)`, or a row of another table about one."""
    campaigns = bindparam(f"{name}_campaigns", type_=Numbers())
    return and_(among(_number(table), name), in_part(table.c.campaign_id, campaigns))


def _number(table: Table) -> Column[int]:
    return table.c.id if table is deliveries else table.c.delivery_id


def given(name: str, numbers: Iterable[int]) -> dict[str, list[int]]:
    """The parameters of `those(name)`."""
    asked = list(numbers)
    return {name: asked, f"{name}_campaigns": sorted({number // NUMBERS_PER_CAMPAIGN for number in asked})}


def about(table: FromClause, delivery: FromClause = deliveries) -> ColumnElement[bool]:
    """A row of `table`, by its `delivery_id`, is about the delivery."""
    number = table.c.delivery_id
    campaign = table.c.campaign_id if "campaign_id" in table.c else number.op(">>")(literal_column("32"))
    return and_(delivery.c.id == number, in_part(delivery.c.campaign_id, campaign))


def of_campaign(campaign_id: int) -> ColumnElement[bool]:
    """It is a delivery of this campaign, where another condition says so already."""
    return in_part(deliveries.c.campaign_id, literal(campaign_id, BigInteger))

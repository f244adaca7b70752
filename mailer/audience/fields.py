"""Which fields supporters have: what merge tags and segments may name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

from sqlalchemy import Connection, Text, select
from sqlalchemy import cast as sql_cast

from mailer.audience.people.people import FIELDS
from mailer.store.tables.core import people
from mailer.workspace import ListDefinition

NOT_FIELDS = ("status", "-")  # what [columns] may name beside fields
LOOKED_AT = 5_000  # people: a look at all of a million for each check would be felt
READ_TOGETHER = 500  # one by one takes the parser three times as long


def known_fields(connection: Connection, workspace_lists: Iterable[ListDefinition]) -> frozenset[str]:
    """The fields every supporter has, those the lists' [columns] name, and the attributes found among people.

    The attributes of the newest few thousand people are looked at, and of as many of the oldest: a field that only
    others have must be named in a list's [columns].
    """
    named = {field for definition in workspace_lists for field in definition.columns.values()}
    found: set[str] = set()
    for order in (people.c.id, people.c.id.desc()):
        some = select(sql_cast(people.c.attributes, Text).label("attributes")).order_by(order).limit(LOOKED_AT)
        texts = connection.execute(select(some.subquery().c.attributes).distinct()).scalars()
        for several in texts.partitions(READ_TOGETHER):
            found.update(*cast(list[dict[str, str]], json.loads(f"[{','.join(several)}]")))
    return frozenset({*FIELDS, *(named - set(NOT_FIELDS)), *found})

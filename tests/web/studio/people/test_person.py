"""One person's page: what is shown, changed, stopped and forgotten, for each role; and what two people do at once."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

from sqlalchemy import select

from mailer.audience.consent.changes import suppress
from mailer.audience.people.people import Dossier, find_supporter, show
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.store.tables.core import people
from mailer.store.tables.states import SuppressionReason
from tests.reports.builders import ADDRESS_KEY
from tests.web.client import Reply
from tests.web.studio.conftest import SLUG, House

HERE = "/people/1"
BASE = {"first_name": "Mary <3", "last_name": "", "country": "GB", "language": ""}


def press(house: House, deed: str, cookie: str = "", **fields: str) -> Reply:
    return house.post(f"{HERE}/{deed}", urlencode(fields).encode(), **({"cookie": cookie} if cookie else {}))


def save(house: House, seen: dict[str, str], **typed: str) -> Reply:
    return press(house, "change", **{**seen, **typed}, **{f"was.{name}": value for name, value in seen.items()})


def dossier(house: House) -> Dossier:
    with house.studio.database.read() as connection:
        found = show(connection, "mary1@example.org", address_key=ADDRESS_KEY)
    assert found
    return found


def logged(house: House) -> list[tuple[str, str, str]]:
    with house.studio.database.read() as connection:
        return [(one.action, one.subject, one.detail) for one in entries(connection, AuditFilter(subject="person 1"))]


def test_the_page_tells_everything_and_why(house: House) -> None:
    page = house.get(HERE).text
    for words in ("Mary &lt;3", "mary1@example.org", "United Kingdom", "Gets our mail", "Our appeal",
                  "will get it, as things are now", "On the list Supporters", "Take off"):  # fmt: skip
        assert words in page, words
    with house.studio.database.write() as connection:
        hashed = connection.execute(select(people.c.address_hash).where(people.c.id == 1)).scalar_one()
        suppress(connection, address_hash=hashed, reason=SuppressionReason.BOUNCED, at=house.studio.clock())
    page = house.get(f"{HERE}?why={SLUG}").text
    assert "won’t get it, as things are now" in page
    assert "an address that doesn’t exist" in page
    assert "Mail is stopped for every list" in house.get(f"{HERE}?view=consent").text
    assert house.get(f"{HERE}?why=nothing").status == 200
    for nobody in ("9", "0", "x", "%C2%B2", "9" * 30):
        assert house.get(f"/people/{nobody}").status == 404


def test_fields_are_changed_beside_one_another(house: House) -> None:
    assert save(house, BASE, first_name=" Mairi ", country="Ireland").status == 303
    assert save(house, BASE, last_name="Li", language="Welsh").status == 303  # looked before the first saved
    fields = dossier(house).fields
    assert (fields["name"], fields["country"], fields["language"]) == ("Mairi Li", "IE", "cy")
    refused = save(house, BASE, first_name="Marie", country="Nowhere")
    assert refused.status == 422
    assert "somebody changed first name meanwhile" in refused.text.lower()
    assert "“Nowhere” is not a country" in refused.text
    assert 'value="Marie"' in refused.text, "what was typed is still there"
    assert dossier(house).fields["first_name"] == "Mairi"
    assert "Person changed by this machine" in house.get(HERE).text
    assert logged(house) == [
        ("person changed", "person 1", "language, last_name"), ("person changed", "person 1", "country, first_name"),
    ]  # fmt: skip


def test_a_field_of_ones_own_is_added_and_taken_out(house: House) -> None:
    assert save(house, BASE, new_name="Shoe size", new_value="41").status == 303
    assert dossier(house).fields["shoe_size"] == "41"
    seen = {**BASE, "own.shoe_size": "41"}
    assert 'name="own.shoe_size"' in house.get(f"{HERE}?change").text
    assert save(house, seen, **{"own.shoe_size": ""}).status == 303
    assert "shoe_size" not in dossier(house).fields
    assert save(house, BASE, new_name="email", new_value="x").status == 422


def test_tags_are_put_on_and_taken_off(house: House) -> None:
    assert press(house, "tag", tag="Swimmer").status == 303
    assert press(house, "tag", tag="swimmer").status == 303
    assert press(house, "tag", tag="a,b").status == 422
    assert dossier(house).fields["tags"] == "Swimmer"
    assert press(house, "untag", tag="SWIMMER").status == 303
    assert dossier(house).fields["tags"] == ""
    assert [action for action, _, _ in logged(house)] == ["tag taken off", "person tagged"]


def test_they_are_taken_off_lists_and_mailed_again(house: House) -> None:
    assert press(house, "leave", list="supporters").status == 303
    assert [one.status for one in dossier(house).lists] == ["unsubscribed"]
    assert press(house, "lift", reason="they wrote").status == 422, "who left comes back by joining"
    with house.studio.database.write() as connection:
        hashed = connection.execute(select(people.c.address_hash).where(people.c.id == 1)).scalar_one()
        suppress(connection, address_hash=hashed, reason=SuppressionReason.COMPLAINED, at=house.studio.clock())
    assert press(house, "lift", reason="").status == 422
    assert press(house, "lift", reason="they wrote").status == 422
    assert press(house, "lift", reason="they wrote", complaint="1").status == 303
    assert {one.reason for one in dossier(house).suppressions} == {"unsubscribed"}
    assert "suppression lifted" in {one.action for one in dossier(house).decisions}
    assert press(house, "leave").status == 303
    assert {one.list for one in dossier(house).suppressions} == {"", "supporters"}


def test_they_are_put_on_a_list_with_how_they_agreed(house: House) -> None:
    (house.workspace.lists / "news.toml").write_text('title = "News"\nlist_id = "news.lists.example.org"\n')
    assert "Put on a list" in house.get(HERE).text
    assert press(house, "join", name="news", source="", wording="Yes").status == 422
    agreed = {"name": "news", "source": "told us", "wording": "Yes, mail me."}
    assert press(house, "join", **agreed).status == 303
    (proof,) = [one for one in dossier(house).consents if one.list == "news"]
    assert (proof.how, proof.source, proof.wording) == ("staff", "told us", "Yes, mail me.")
    assert press(house, "leave", list="news").status == 303
    assert press(house, "join", **agreed).status == 422, "who left comes back by joining"
    assert press(house, "join", name="nothing", source="x", wording="y").status == 422


def test_their_data_is_downloaded_and_they_are_forgotten(house: House) -> None:
    reply = press(house, "data")
    assert json.loads(reply.text)["address"] == "mary1@example.org"
    assert "attachment" in reply.headers["content-disposition"]
    assert press(house, "forget", typed="mary2@example.org").status == 422
    assert dossier(house).person_id == 1
    assert press(house, "forget", typed=" MARY1@example.org").status == 303
    assert house.get(HERE).status == 404
    actions = logged(house)
    assert [action for action, _, _ in actions] == ["person forgotten", "person’s data downloaded"]
    assert not re.search("mary", str(actions))


def test_who_may_do_what(house: House) -> None:
    sender, limited = house.sign_in(Role.SENDER), house.sign_in(Role.ADMIN, "Tom", lists=("supporters",))
    other = house.sign_in(Role.ADMIN, "Ann", lists=("news",))
    page = house.get(HERE, cookie=sender).text
    assert "Forget" not in page
    assert "Download all" not in page
    assert press(house, "forget", sender, typed="mary1@example.org").status == 403
    for deed, fields in (("leave", {}), ("lift", {"reason": "x"}), ("forget", {"typed": "mary1@example.org"})):
        assert press(house, deed, limited, **fields).status == 403, deed
    assert press(house, "tag", limited, tag="x").status == 303
    assert press(house, "leave", limited, list="supporters").status == 303
    for deed in ("tag", "change", "data"):
        assert press(house, deed, other, tag="y").status == 404, deed
    assert house.get(HERE, cookie=other).status == 404
    with house.studio.database.read() as connection:
        assert find_supporter(connection, "mary1@example.org")[1]["tags"] == "x"

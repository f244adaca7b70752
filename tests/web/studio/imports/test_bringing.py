"""How a file comes: in pieces that go on where they ended, by the plain form, within bounds, and gone after a day."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.audience.imports.files import uploads as module
from mailer.audience.imports.files.uploads import KEEP_ALL, MOST_BYTES, REJECTS, Uploads
from mailer.errors import MailerError
from tests.conftest import NOW
from tests.patience import until
from tests.web.studio.conftest import Clock, House
from tests.web.studio.imports.conftest import PEOPLE, begin, bring, done, imported, press, put

pytestmark = pytest.mark.sqlite
DATA = PEOPLE.encode()
BOUNDARY = "x9"


def form(content: bytes, *, name: str = "people.csv", list_name: str = "supporters") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="list"\r\n\r\n{list_name}\r\n'
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    return f"{head}{file}Content-Type: text/csv\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def post_form(house: House, body: bytes) -> tuple[int, str]:
    reply = house.post("/imports", body, Content_Type=f"multipart/form-data; boundary={BOUNDARY}")
    return reply.status, reply.headers.get("location", "") or reply.text


def files_of(house: House) -> list[Path]:
    return [path for path in (house.workspace.root / ".imports").rglob("*") if path.is_file()]


def test_a_file_that_breaks_off_goes_on_where_it_ended(house: House) -> None:
    address = begin(house, DATA)
    assert put(house, address, 0, DATA[:20])[1]["at"] == 20
    assert "% has come" in house.get("/imports").text
    assert "isn’t all here" in house.get(address).text
    assert put(house, address, 0, DATA[:20]) == (409, {"at": 20}), "it came twice: the answer says where to go on"
    assert put(house, address, 40, DATA[40:]) == (409, {"at": 20}), "nothing is left out"
    assert put(house, address, 20, DATA[20:30], digest="0" * 64) == (409, {"at": 20}), "damaged on its way"
    assert house.get(f"{address}/at").text == f'{{"address":"{address}","at":20}}'
    assert put(house, address, 20, DATA[20:] + b"more")[0] == 422
    status, told = put(house, address, 20, DATA[20:])
    assert (status, told) == (200, {"at": len(DATA), "next": address})
    (path,) = (one for one in files_of(house) if one.name == "people.csv")
    assert path.read_bytes() == DATA
    assert {stat.S_IMODE(one.stat().st_mode) & 0o077 for one in files_of(house) if one.name != ".gitignore"} == {0}
    done(house)


def test_the_plain_form_brings_the_same(house: House) -> None:
    status, place = post_form(house, form(DATA, name="../../etc/pass wd.csv"))
    assert (status, place[:15]) == (303, "/imports/files/")
    done(house)
    assert house.get(place).headers["location"] == f"{place}/columns"
    assert "pass wd.csv" in house.get("/imports").text
    (path,) = (one for one in files_of(house) if one.suffix == ".csv")
    assert path.read_bytes() == DATA
    assert path.parent.name == "file"


def test_what_is_no_file_changes_nothing(house: House) -> None:
    assert post_form(house, form(b"", name=""))[0] == 422
    assert post_form(house, b"no form")[0] in (400, 422)
    assert post_form(house, form(DATA)[:-30])[0] == 400, "half a file"
    assert post_form(house, form(DATA, list_name="nobody's"))[0] == 422
    assert house.post("/imports", b"list=supporters").status == 400
    for size in ("0", "-1", "x", str(MOST_BYTES + 1)):
        assert press(house, "/imports/files", name="a.csv", size=size, list="supporters").status == 422
    assert [one for one in files_of(house) if one.suffix == ".csv" and one.read_bytes() not in (DATA,)] == []


def test_a_full_disk_is_said_and_the_piece_comes_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    address = begin(house, DATA)
    put(house, address, 0, DATA[:10])
    real = os.pwrite

    def full(descriptor: int, data: memoryview, at: int) -> int:
        if at > 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[:3], at)

    monkeypatch.setattr(module.os, "pwrite", full)
    status, told = put(house, address, 10, DATA[10:])
    assert status == 422
    assert "no room for this file" in str(told["words"])
    monkeypatch.undo()
    assert house.get(f"{address}/at").text.endswith('"at":10}')
    assert put(house, address, 10, DATA[10:])[0] == 200
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1 << 20))
    assert "no room" in press(house, "/imports/files", name="b.csv", size="100", list="supporters").text


def test_half_a_file_is_gone_after_a_day_and_the_rest_after_a_week(house: House, clock: Clock) -> None:
    half, whole = begin(house, DATA), bring(house)
    uploads = Uploads(house.workspace.root)
    for path in (*uploads.folder.rglob("*"), *uploads.folder.glob("*")):
        os.utime(path, (clock().timestamp(), clock().timestamp()))
    uploads.sweep(clock() + timedelta(hours=23))
    assert house.get(f"{half}/at").text.endswith('"at":0}')
    uploads.sweep(clock() + timedelta(hours=25))
    assert house.get(f"{half}/at").text.endswith('"at":-1}')
    assert [one for one in files_of(house) if one.suffix == ".csv"] == []
    assert "is not here any more" in house.get(whole).text
    for path in (*uploads.folder.rglob("*"), *uploads.folder.glob("*")):
        os.utime(path, (clock().timestamp(), clock().timestamp()))
    uploads.sweep(clock() + KEEP_ALL + timedelta(hours=1))
    assert house.get(whole).status == 404


def test_a_sweep_leaves_what_just_loses_its_file(house: House, clock: Clock) -> None:
    address = bring(house)
    uploads = Uploads(house.workspace.root)
    gone = next(uploads.folder.glob("*/file")) / "gone.csv"
    gone.symlink_to(gone.with_name("nowhere"))  # named by the folder, and not there when it is looked at
    uploads.sweep(clock())
    assert house.get(f"{address}/columns").status == 200


def test_the_file_goes_once_it_is_imported_and_what_was_turned_away_stays(house: House) -> None:
    place = imported(house)
    # The import is recorded in its own transaction, and the file goes after it.
    until(lambda: [one.name for one in files_of(house) if one.suffix == ".csv"] == [REJECTS])
    assert "Get the list" in house.get(place).text


@settings(max_examples=30, deadline=None)
@given(data=st.binary(min_size=1, max_size=200), cuts=st.lists(st.integers(0, 199), max_size=6))
def test_however_it_is_cut_the_file_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int]
) -> None:
    uploads = Uploads(tmp_path_factory.mktemp("uploads"))
    upload = uploads.begin("a/b\\c.csv", size=len(data), list_name="x", by="tom", now=NOW)
    for cut in cuts:
        at = min(cut, uploads.received(upload))  # some come again
        uploads.put(upload, at, data[at : at + 7])
    while (at := uploads.received(upload)) < len(data):
        uploads.put(upload, at, data[at : at + 50])
    assert uploads.path(upload).read_bytes() == data
    with pytest.raises(MailerError, match="next piece"):
        uploads.put(upload, len(data), b"x")


def test_names_are_parts_of_paths(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    for name in ("", "..", "/", "a\0b.csv", "x" * 300 + ".xlsx", "C:\\people.csv", "\ud800.csv", "ünï.csv"):
        upload = uploads.begin(name, size=1, list_name="x", by="tom", now=NOW)
        assert uploads.path(upload).parent.parent.parent == uploads.folder
        assert uploads.find(upload.token) == upload

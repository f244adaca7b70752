"""Pages in the language of the reader, and in its direction."""

from __future__ import annotations

from tests.web.client import BROWSER
from tests.web.conftest import Served


def test_a_reader_gets_their_language_in_its_direction(served: Served) -> None:
    page = served.get("/", headers={**BROWSER, "Accept-Language": "ar-EG,ar;q=0.9,en;q=0.5"})
    assert '<html lang="ar" dir="rtl">' in page.text
    assert page.headers["content-language"] == "ar"
    assert '<html lang="de" dir="ltr">' in served.get("/?lang=de").text
    assert '<html lang="en"' in served.get("/", headers={**BROWSER, "Accept-Language": "tlh"}).text
    lost = served.get("/c/x/1", headers={**BROWSER, "Accept-Language": "fr"})
    assert (lost.status, '<html lang="fr" dir="ltr">' in lost.text) == (404, True)

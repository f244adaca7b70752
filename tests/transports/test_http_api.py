"""Calls to a provider's API: which settings are refused before anything is asked, and how far a failed call got."""

from __future__ import annotations

import socket
import threading

import pytest

from mailer.transports.base import TransportRefused, TransportUnavailable
from mailer.transports.http_api import AnswerMissing, HttpApi, check_key
from mailer.transports.http_connection import HttpRequest
from tests.patience import HANG_SECONDS


def api(url: str) -> HttpApi:
    return HttpApi("The Post", url, setting="post.base_url", timeout_seconds=HANG_SECONDS)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://api.post.test", "mails would travel to The Post unencrypted"),
        ("ftp://127.0.0.1", "is no web address"),
        ("https://:443", "is no web address"),
        ("http://[::1", "is no web address"),
    ],
)
def test_an_address_that_can_not_be_used_is_refused_with_its_setting(url: str, says: str) -> None:
    with pytest.raises(TransportRefused, match=says) as refused:
        api(url)
    assert "post.base_url" in refused.value.remedy


def test_on_this_machine_nothing_needs_to_be_encrypted() -> None:
    assert api("http://localhost:1/base/").endpoint("/mails").target == "/base/mails"


@pytest.mark.parametrize("key", ["", "a b", "x\n", "é"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_told(key: str) -> None:
    with pytest.raises(TransportRefused, match="Post's key") as refused:
        check_key(key, named="Post's key", remedy="Set it.")
    assert not key or repr(key) not in str(refused.value)
    check_key("abc~!", named="Post's key", remedy="")


def test_what_never_began_mailed_nobody_and_what_broke_off_is_uncertain() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        called = api(f"http://127.0.0.1:{port}")
        request = HttpRequest("POST", called.endpoint("/mails"), {}, b"{}")

        def hang_up() -> None:
            opened, _ = listening.accept()
            opened.recv(10)
            opened.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(AnswerMissing):
            called.call(request)
        thread.join()
    with pytest.raises(TransportUnavailable, match="The Post can't be reached") as away:
        called.call(request)
    assert away.value.remedy == "Check the network and post.base_url."
    called.close()

"""Who may speak with the studio: nobody by another name, without its secret, or from another site's page."""

from __future__ import annotations

import pytest

from tests.web.client import fetch
from tests.web.studio.conftest import Room
from tests.web.test_fuzz import send

FORM = {"to": "colleague@example.org", "as": "ada"}


@pytest.mark.parametrize(
    "host",
    ["attacker.example", "attacker.example:{port}", "127.0.0.1:1", "127.0.0.1", "127.0.0.1.attacker.example", ""],
)
def test_a_foreign_name_that_points_here_gets_nothing(room: Room, host: str) -> None:
    reply = room.get(headers={"Host": host.format(port=room.port)})
    assert reply.status == 421
    assert "Ada" not in reply.text


def test_the_address_needs_its_secret(room: Room) -> None:
    for path in ("/", "/x/", f"{room.keys.base}x/", f"/{room.keys.path[:-1]}/mail", "/style.css"):
        reply = fetch(room.port, path)
        assert (reply.status, "mailer preview" in reply.text) == (404, True), path
    assert room.get().status == 200
    assert room.get(headers={"Host": f"localhost:{room.port}"}).status == 200


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "", "http://127.0.0.1:1"])
def test_another_sites_form_sends_no_proof(room: Room, origin: str) -> None:
    assert room.post(FORM, origin=origin).status == 403
    assert not (room.workspace.root / "outbox").exists()


def test_a_form_without_the_pages_token_sends_no_proof(room: Room) -> None:
    assert room.post({**FORM, "token": "guessed"}).status == 403
    assert not (room.workspace.root / "outbox").exists()


def test_every_answer_has_a_strict_policy_and_is_not_kept(room: Room) -> None:
    for path in ("", "mail", "style.css", "go/desktop/wide/ada/1", "nowhere", "?tab=source"):
        headers = room.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_only_what_staff_write_can_be_looked_at(room: Room) -> None:
    secret = (room.workspace.root / "secrets.toml").read_text()
    for name in (
        "secrets.toml", "./secrets.toml", "templates/../secrets.toml", "newsletters/our-appeal/../../secrets.toml",
        "/etc/passwd", "lists/people.csv", "mailer.db",
    ):  # fmt: skip
        (room.workspace.lists / "people.csv").write_text("email\nada@example.org\n")
        text = room.get(f"?tab=source&file={name}").text
        assert "not one to be shown" in text, name
        assert secret.splitlines()[0] not in text
    for name in ("mailer.toml", "lists/supporters.toml", "templates/appeal/layout.mjml"):
        assert 'class="paper code"' in room.get(f"?tab=source&file={name}").text, name


@pytest.mark.parametrize("target", ["*", "/", "//", "/%2e%2e/", "x", "?x", "http://127.0.0.1/"])
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "PUT", "CONNECT"])
def test_odd_requests_are_no_fault_of_ours(room: Room, method: str, target: str) -> None:
    request = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{room.port}\r\nConnection: close\r\n\r\n"
    answer = send(room.port, request.encode())
    assert not answer or int(answer.split()[1]) < 500

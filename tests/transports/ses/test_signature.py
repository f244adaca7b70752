"""Signature Version 4: Amazon's own examples, and the fake's reading of what arrives."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailer.transports.http_connection import HttpEndpoint, HttpRequest
from mailer.transports.ses.signature import AccessKey, signed

AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
KEY = AccessKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("url", "headers", "service", "signature"),
    [
        # The worked example of the AWS General Reference (ListUsers of IAM).
        (
            "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
            "iam",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
        # get-vanilla of Amazon's test suite
        (
            "https://example.amazonaws.com/",
            {},
            "service",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
    ],
)
def test_amazons_own_examples(url: str, headers: dict[str, str], service: str, signature: str) -> None:
    request = HttpRequest("GET", HttpEndpoint.of(url), headers)
    found = signed(request, KEY, region="us-east-1", service=service, at=AT).headers["Authorization"]
    assert found.startswith(f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, ")
    assert found.endswith(f"Signature={signature}")


def test_a_temporary_key_sends_its_token_and_signs_it() -> None:
    request = HttpRequest("GET", HttpEndpoint.of("http://127.0.0.1:8080/a%40b"), {})
    found = signed(request, AccessKey("id", "secret", "token"), region="eu-west-1", service="ses", at=AT).headers
    assert found["X-Amz-Security-Token"] == "token"
    assert found["Host"] == "127.0.0.1:8080"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in found["Authorization"]


def test_no_secret_is_shown() -> None:
    assert "secret" not in repr(AccessKey("id", "secret", "secret-token"))

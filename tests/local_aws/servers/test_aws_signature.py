"""AWS's own examples of signed requests."""

import pytest

from local_aws.servers.aws_signature import Signer, signature
from local_aws.servers.hostile_source import Request

SIGNER = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
HEADERS = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "target", "more", "body", "expected"),
    [
        ("GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            {},
            b"",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "GET",
            "/?%E1%88%B4=bar",
            {},
            b"",
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
        ("POST", "/", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "POST",
            "/",
            FORM,
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["get-vanilla", "query-order", "utf8-query", "post-vanilla", "post-form"],
)
def test_the_published_signatures_are_computed(
    method: str, target: str, more: dict[str, str], body: bytes, expected: str
) -> None:
    """The requests of AWS's test suite have the signatures that it publishes."""
    headers = more | HEADERS
    request = Request(method, target.partition("?")[0], {}, headers, body, target)

    assert signature(request, SIGNER, ";".join(sorted(headers))) == expected

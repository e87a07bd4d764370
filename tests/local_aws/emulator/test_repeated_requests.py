"""The emulator answers what an SDK repeats as it did the first time."""

from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from local_aws.emulator.instance import Emulator

BODY = urlencode(
    {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "a", "AssumeRolePolicyDocument": "{}"}
)
SCOPE = "test/20260101/us-east-1/iam/aws4_request"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """A local AWS."""
    with Emulator() as running:
        yield running


def create_role(emulator: Emulator, invocation: str, attempt: int) -> tuple[int, bytes]:
    """Status and body of one attempt to make the same role."""
    connection = HTTPConnection("127.0.0.1", emulator.port, timeout=20)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature=0",
        "amz-sdk-invocation-id": invocation,
        "amz-sdk-request": f"attempt={attempt}; max=25",
    }
    connection.request("POST", "/", BODY, headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_a_second_attempt_gets_the_answer_of_the_first(emulator: Emulator) -> None:
    """Whoever asks anew is told that the role exists; whoever repeats is not."""
    first = create_role(emulator, "one", 1)
    second = create_role(emulator, "one", 2)
    another, _ = create_role(emulator, "two", 1)

    assert (first[0], second, another) == (200, first, 409)


def test_a_refusal_is_not_remembered(emulator: Emulator) -> None:
    """What failed is tried again."""
    refused, _ = create_role(emulator, "three", 1)
    emulator.client("iam").delete_role(RoleName="a")

    assert (refused, create_role(emulator, "three", 2)[0]) == (409, 200)

"""What one process keeps between invocations."""

import json

import pytest

from local_aws.servers.hostile_source import HostileSource, Request, answer
from tests.url_fetcher.reading import Hostile
from url_fetcher.clients import Clients


@pytest.fixture
def manager(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> HostileSource:
    """A Secrets Manager that answers one token to everybody, and remembers who asked."""
    body = json.dumps({"SecretString": "token"}).encode()
    server = hostile({"/": answer(body, content_type="application/x-amz-json-1.1")})
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url("/"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return server


def arn(region: str, name: str = "key") -> str:
    """A secret's ARN."""
    return f"arn:aws:secretsmanager:{region}:123456789012:secret:{name}"


def region_of(request: Request) -> str:
    """The Region that a request was signed for."""
    return request.headers["authorization"].split("/")[2]


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1", "cn-north-1"])
def test_a_secret_is_read_in_the_region_of_its_arn(manager: HostileSource, region: str) -> None:
    """The function's own Region does not matter."""
    Clients().secrets.secret(arn(region), "token", may_be_plain=True)

    assert [region_of(request) for request in manager.requests] == [region]


def test_there_is_one_secrets_manager_client_a_region() -> None:
    """A client costs more than a call, so it is kept."""
    clients = Clients()
    made = [clients.secrets_manager(region) for region in ("eu-west-1", "us-east-1", "eu-west-1")]

    assert (made[0] is made[2], made[0] is made[1]) == (True, False)


def test_the_role_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and Region are those that Lambda gives the function."""
    given = {"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "k", "AWS_SESSION_TOKEN": "t"}
    for name, value in (given | {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}).items():
        monkeypatch.setenv(name, value)
    role = Clients().own_role

    assert (role.credentials(), role.region) == (("ASIA", "k", "t", None), "eu-west-1")

"""`make invoke`, with a client in place of AWS's."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from tools.operate import invoke


class Client:
    """Answers every invocation, and takes note of it and of how the client was made."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.invoked: list[dict[str, Any]] = []

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        """An answer of the function."""
        self.invoked.append(arguments)
        answer = {"statusCode": 200, "body": json.dumps({"recordsProcessed": 1})}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Client:
    """The client that the command gets, with a settings file other than the checkout's."""
    client = Client()

    def make(service: str, **arguments: Any) -> Client:
        client.made = {"service": service, **arguments}
        return client

    settings = tmp_path / "other.toml"
    settings.write_text(
        '[pipeline]\nname = "orders"\nregion = "eu-west-1"\n[environments.prod]\n', encoding="utf-8"
    )
    monkeypatch.setattr(boto3, "client", make)
    monkeypatch.setenv("PIPELINE_TOML", str(settings))
    monkeypatch.setenv("ENV", "prod")
    monkeypatch.setattr(sys, "argv", ["invoke", "--source", "orders"])
    return client


def test_takes_the_settings_that_pipeline_toml_names(client: Client) -> None:
    """The function that is invoked is that of the file in PIPELINE_TOML, as with every other command."""
    invoke.main()

    assert (client.made["region_name"], client.invoked[0]["FunctionName"]) == (
        "eu-west-1",
        "orders-prod-fetch",
    )


def test_names_the_source(client: Client) -> None:
    """The event has what was given and nothing else."""
    invoke.main()

    assert json.loads(client.invoked[0]["Payload"]) == {"source": "orders"}


def test_waits_as_long_as_the_function_may_take(client: Client) -> None:
    """It neither gives up before Lambda's 900 seconds nor repeats the call."""
    invoke.main()
    config = client.made["config"]

    assert (config.read_timeout, config.retries) == (900, {"total_max_attempts": 1, "mode": "legacy"})


def test_keeps_a_silent_connection_alive(client: Client) -> None:
    """A NAT drops a connection that is silent for minutes; TCP's keepalive holds it."""
    invoke.main()

    assert client.made["config"].tcp_keepalive is True

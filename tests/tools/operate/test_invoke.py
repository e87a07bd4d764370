"""`make invoke`, with a client in place of AWS's."""

import io
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import boto3
import pytest

from tools.operate import invoke


class Client:
    """Answers every invocation, and takes note of it and of how the client was made."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.failure: dict[str, Any] = {}
        self.log = ""
        self.invoked: list[dict[str, Any]] = []

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        """An answer of the function."""
        self.invoked.append(arguments)
        answer: dict[str, Any] = self.failure or {
            "statusCode": 200,
            "body": json.dumps({"recordsProcessed": 1}),
        }
        failed = {"FunctionError": "Unhandled", "LogResult": b64encode(self.log.encode()).decode()}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **(failed if self.failure else {})}


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
    return client


def test_takes_the_settings_that_pipeline_toml_names(client: Client) -> None:
    """The function that is invoked is that of the file in PIPELINE_TOML, as with every other command."""
    invoke.main(["--source", "orders"])

    assert (client.made["region_name"], client.invoked[0]["FunctionName"]) == (
        "eu-west-1",
        "orders-prod-fetch",
    )


def test_names_the_source(client: Client) -> None:
    """The event has what was given and nothing else."""
    invoke.main(["--source", "orders"])

    assert json.loads(client.invoked[0]["Payload"]) == {"source": "orders"}


RESUME = '{"page":3}'
FAILURE = {
    "errorType": "SourceUnavailable",
    "errorMessage": f'the source answers 503; go on with "resume": {RESUME}',
}
LINE = {
    "level": "ERROR",
    "error": FAILURE["errorMessage"],
    "error_type": "SourceUnavailable",
    "retryable": True,
    "details": {"source_url": "https://example.com/o", "page": 3, "accepted": 200, "resume": RESUME},
}


def failed(client: Client) -> list[str]:
    """What the command says of the failure."""
    client.failure = FAILURE
    with pytest.raises(SystemExit) as ended:
        invoke.main(["--source", "orders"])
    return str(ended.value).splitlines()


def test_an_error_says_where_it_was_and_how_to_go_on(client: Client) -> None:
    """Its documented name, then what its log line knows, then the very command to type."""
    client.log = f"START RequestId: 1\n{json.dumps(LINE)}\n[]\nREPORT RequestId: 1\n"

    assert failed(client) == [
        "orders-prod-fetch failed: SourceUnavailable",
        "    the source answers 503",
        "    URL https://example.com/o",
        "    page 3, 200 records accepted, may succeed later",
        f"    resume {RESUME}",
        f"    go on with: make invoke ENV=prod SOURCE=orders RESUME='{RESUME}'",
    ]


def test_an_error_whose_log_line_is_cut_off_still_says_how_to_go_on(client: Client) -> None:
    """Lambda gives the last 4 KiB of the log."""
    client.log = json.dumps(LINE)[100:]

    assert failed(client) == [
        "orders-prod-fetch failed: SourceUnavailable",
        "    the source answers 503",
        f"    resume {RESUME}",
        f"    go on with: make invoke ENV=prod SOURCE=orders RESUME='{RESUME}'",
    ]


def test_a_function_that_died_is_told_by_lambda(client: Client) -> None:
    """Its answer then has no name of an error, and its log no line of the function's."""
    client.failure = {"errorMessage": "Task timed out after 60.00 seconds"}
    with pytest.raises(SystemExit, match=r"failed: Lambda says why\n    Task timed out after 60.00 seconds$"):
        invoke.main([])


def test_goes_on_where_an_error_stopped(client: Client) -> None:
    """The event has the resume as an object."""
    invoke.main(["--source", "orders", "--resume", RESUME])

    assert json.loads(client.invoked[0]["Payload"]) == {"source": "orders", "resume": {"page": 3}}


def test_waits_as_long_as_the_function_may_take(client: Client) -> None:
    """It neither gives up before Lambda's 900 seconds nor repeats the call."""
    invoke.main(["--source", "orders"])
    config = client.made["config"]

    assert (config.read_timeout, config.retries) == (900, {"total_max_attempts": 1, "mode": "legacy"})


def test_keeps_a_silent_connection_alive(client: Client) -> None:
    """A NAT drops a connection that is silent for minutes; TCP's keepalive holds it."""
    invoke.main(["--source", "orders"])

    assert client.made["config"].tcp_keepalive is True

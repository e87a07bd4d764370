"""Runs a recipe of docs/recipes/ against a server that behaves as the API's documentation says."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingestion_pipeline.settings.sources.sources import source_problems
from local_aws.servers.hostile_source import HostileSource
from tests.url_fetcher.reading import Objects
from url_fetcher.clients import Clients
from url_fetcher.handler import run

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
SECONDS = 60


@dataclass
class Stream:
    """A stream in memory.

    Attributes:
        lines: Every record's line, parsed.
    """

    lines: list[dict[str, Any]] = field(default_factory=list)

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
        """Accept everything."""
        for record in Records:
            self.lines += map(json.loads, record["Data"].splitlines())
        return {"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1", "ShardId": "s"} for _ in Records]}

    @property
    def values(self) -> list[Any]:
        """The records as the source sent them."""
        return [line["data"] for line in self.lines]


@dataclass(frozen=True)
class Secret:
    """Every secret of a recipe: one JSON object."""

    values: Mapping[str, str]

    def get_secret_value(self, *, SecretId: str, VersionStage: str = "") -> dict[str, str]:  # noqa: N803, ARG002
        """The secret; there is no lock."""
        return {} if VersionStage else {"SecretString": json.dumps(dict(self.values))}

    def put_secret_value(self, **_: str) -> dict[str, str]:
        """Taken, and not needed again."""
        return {}


@dataclass(frozen=True)
class Context:
    """An invocation with some seconds left."""

    seconds: float = SECONDS
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds left."""
        return int(self.seconds * 1000)


def recipe(name: str, index: int = 0) -> dict[str, Any]:
    """A source of docs/recipes/<name>.md as it stands there; pipeline.toml takes it.

    Args:
        name: Of the document.
        index: Which of its sources.
    """
    text = (RECIPES / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    sources = [source for block in blocks for source in tomllib.loads(block)["sources"]]
    assert source_problems(sources) == []
    return dict(sources[index])


def at(server: HostileSource, source: Mapping[str, Any]) -> dict[str, Any]:
    """The source with the test's server in place of its own hosts; waits are short."""
    text = json.dumps(source)
    for url in re.findall(r'"(https://[^"]*)"', text):
        host = f"https://{urlsplit(url).netloc}"
        text = text.replace(host, server.url(""))
    changed: dict[str, Any] = json.loads(text)
    return {**changed, "rate": {}, "retry": {**changed.get("retry", {}), "max_delay_seconds": 0.1}}


def ingest(
    source: Mapping[str, Any],
    *,
    secret: Mapping[str, str] | None = None,
    event: Mapping[str, Any] | None = None,
    seconds: float = SECONDS,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Stream:
    """The stream after the real handler has ingested the configured source.

    Args:
        source: As `at` gives it.
        secret: The JSON of every secret.
        event: More of the event, such as ``resume``.
        seconds: Of the invocation.
        change: Applied to the source before it is configured.

    Raises:
        IngestionError: As the handler raises it; its ``details`` may have ``resume``. What was accepted
            until then is in ``error.stream``.
    """
    configured = dict(source)
    change(configured)
    stream, objects = Stream(), Objects(json.dumps([configured]))
    clients = Clients(kinesis=stream, secrets_manager=Secret(secret or {}), s3=objects)
    environ = {
        "KINESIS_STREAM_NAME": "s",
        "ALLOW_HTTP": "true",
        "ALLOW_PRIVATE_NETWORKS": "true",
        "SOURCES_URI": objects.uri,
    }
    try:
        run({"source": source["name"], **(event or {})}, Context(seconds), environ=environ, clients=clients)
    except Exception as error:
        error.stream = stream  # type: ignore[attr-defined]
        raise
    return stream


def resumed(
    source: Mapping[str, Any], failed: BaseException, *, secret: Mapping[str, str] | None = None
) -> list[Any]:
    """The records that were accepted before a failure, and then those that its ``resume`` brings."""
    facts = vars(failed)
    rest = ingest(source, secret=secret, event={"resume": json.loads(str(facts["details"]["resume"]))})
    return [*facts["stream"].values, *rest.values]

"""Runs a recipe of docs/recipes/ against a server that behaves as the API's documentation says.

`RecipeContract` has the tests that all recipes share.
"""

import json
import re
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeAlias
from urllib.parse import urlsplit

import pytest

from ingestion_pipeline.settings.sources.sources import source_problems
from local_aws.servers.hostile_source import Behaviour, HostileSource
from tests.url_fetcher.reading import Objects
from url_fetcher.clients import Clients
from url_fetcher.deadline import Deadline
from url_fetcher.errors import IngestionError, SourceRejected, SourceUnavailable
from url_fetcher.handler import run
from url_fetcher.source.reader import SourceReader

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
SECONDS = 60

Source: TypeAlias = dict[str, Any]
"""A source as pipeline.toml configures it."""


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


def recipe(name: str, index: int = 0) -> Source:
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


def at(server: HostileSource, source: Mapping[str, Any]) -> Source:
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
) -> Stream:
    """The stream after the real handler has ingested the configured source.

    Args:
        source: As `at` gives it.
        secret: The JSON of every secret.
        event: More of the event, such as ``resume``.
        seconds: Of the invocation.

    Raises:
        IngestionError: As the handler raises it; its ``details`` may have ``resume``. What was accepted
            until then is in ``error.stream``.
    """
    stream, objects = Stream(), Objects(json.dumps([source]))
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


@dataclass(frozen=True)
class Refusal:
    """A mistake that the API does not accept.

    Attributes:
        match: A part of the error's message.
        error: Its class.
        secret: In place of the recipe's.
        settings: Changes to the source, as those of `Case`.
        event: More of the event.
        environ: Changes to the environment.
        api: Attributes to set on the API.
    """

    match: str
    error: type[IngestionError] = SourceRejected
    secret: Mapping[str, str] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    api: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A recipe, its API, and how that is made to refuse and to fail.

    Attributes:
        document: The recipe's name.
        api: Makes the API, which answers requests and has the records.
        limit: Attributes of the API that make it refuse requests for a while.
        refusal: A mistake that it does not accept.
        paths: Where the API answers.
        records: Its attribute that has the records the recipe asks for.
        index: Which of the recipe's sources.
        secret: The JSON of every secret.
        settings: Changes to the source; members of a table are added to it.
        walked: Attributes of the API after a run without a fault; a list counts by its length.
        waited: As these, after the limit was waited for.
        failure: Attributes of the API that make every request fail from some page on.
    """

    document: str
    api: Callable[[], Any]
    limit: Mapping[str, Any]
    refusal: Refusal
    paths: Sequence[str] = ()
    records: str = "expected"
    index: int = 0
    secret: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    walked: Mapping[str, Any] = field(default_factory=dict)
    waited: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, Any] = field(default_factory=dict)


class RecipeContract:
    """What every recipe promises, tested for the `case` of a subclass."""

    case: ClassVar[Case]

    @pytest.fixture(autouse=True)
    def waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Waiting moves the clocks, of the function and of the API, instead of taking time."""
        waits, monotonic, wall = list[float](), time.monotonic, time.time

        def clock() -> float:
            return monotonic() + sum(waits)

        deadline, reader = (vars(each)["__init__"].__kwdefaults__ for each in (Deadline, SourceReader))
        monkeypatch.setitem(deadline, "clock", clock)
        monkeypatch.setitem(deadline, "sleep", waits.append)
        monkeypatch.setitem(reader, "clock", clock)
        monkeypatch.setattr(time, "monotonic", clock)
        monkeypatch.setattr(time, "time", lambda: wall() + sum(waits))

    @pytest.fixture
    def api(self) -> Any:
        """The API's state."""
        return self.case.api()

    @pytest.fixture
    def source(self, api: Any) -> Iterator[Source]:
        """The recipe's source at the API."""
        with HostileSource(self.behaviours(api)) as server:
            api.url = server.url("")
            yield with_settings(at(server, recipe(self.case.document, self.case.index)), self.case.settings)

    def behaviours(self, api: Any) -> Mapping[str, Behaviour]:
        """How the API answers, by path."""
        return dict.fromkeys(self.case.paths, api)

    def compared(self, values: list[Any]) -> list[Any]:
        """The records in the form in which they are compared."""
        return values

    def ingested(self, source: Source) -> Stream:
        """The stream after a run with the recipe's secret."""
        return ingest(source, secret=self.case.secret)

    def test_every_record_is_ingested(self, api: Any, source: Source) -> None:
        """Each record that the recipe asks for is on the stream once, as it was sent."""
        expected = list(getattr(api, self.case.records))

        stream = self.ingested(source)

        assert (self.compared(stream.values), state_of(api, self.case.walked)) == (expected, self.case.walked)

    def test_a_limit_is_waited_for(self, api: Any, source: Source) -> None:
        """Requests that the API refuses for a while are made again when it allows, and nothing is lost."""
        expected = list(getattr(api, self.case.records))
        set_state(api, self.case.limit)

        stream = self.ingested(source)

        assert (self.compared(stream.values), state_of(api, self.case.waited)) == (expected, self.case.waited)

    def test_a_mistake_is_refused(self, api: Any, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
        """The run ends with an error that is not tried again, and nothing is on the stream."""
        wrong = self.case.refusal
        set_state(api, wrong.api)
        for name, value in wrong.environ.items():
            monkeypatch.setenv(name, value)

        with pytest.raises(wrong.error, match=wrong.match) as refused:
            ingest(
                with_settings(source, wrong.settings),
                secret=wrong.secret or self.case.secret,
                event=wrong.event,
            )

        assert vars(refused.value)["stream"].lines == []


class ResumableContract(RecipeContract):
    """What a recipe of several pages promises besides."""

    def test_resume_brings_the_rest_after_a_failure(self, api: Any, source: Source) -> None:
        """The records before the failure and those that `resume` brings are all, each once."""
        expected = list(getattr(api, self.case.records))

        values = self.resumed_after(api, source, self.case.failure, SourceUnavailable)

        assert self.compared(values) == expected

    def resumed_after(
        self, api: Any, source: Source, failure: Mapping[str, Any], error: type[IngestionError]
    ) -> list[Any]:
        """The records of a run that the failure ends, and of the one that resumes it when the API is well."""
        well = {name: getattr(api, name) for name in failure}
        set_state(api, failure)
        source["retry"] |= {"max_attempts": 2, "max_delay_seconds": 0.1}
        with pytest.raises(error) as failed:
            self.ingested(source)
        set_state(api, well)
        return resumed(source, failed.value, secret=self.case.secret)


def with_settings(source: Source, changes: Mapping[str, Any]) -> Source:
    """The source with other settings; members of a table are added to it."""
    merged = {
        name: {**source[name], **value} if isinstance(value, dict) and name in source else value
        for name, value in changes.items()
    }
    return {**source, **merged}


def set_state(api: object, attributes: Mapping[str, Any]) -> None:
    """Set attributes of an API."""
    for name, value in attributes.items():
        setattr(api, name, value)


def state_of(api: object, names: Iterable[str]) -> dict[str, Any]:
    """Attributes of an API; a list counts by its length."""
    values = {name: getattr(api, name) for name in names}
    return {name: len(value) if isinstance(value, list) else value for name, value in values.items()}

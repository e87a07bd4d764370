"""Runs the function's own ingestion of one source into files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ingestion_pipeline.settings.expressions import as_text
from ingestion_pipeline.settings.rules import rule_of
from ingestion_pipeline.settings.settings import Settings, all_settings
from tools.ground.text import count, size_of
from tools.operate.try_source.stand_ins import DeadLettersFile, GivenSecret, LinesFile, form_of
from url_fetcher.assembly import Assembly, Deadlines
from url_fetcher.clients import Clients
from url_fetcher.delivery.counters import DeliveryReport
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.envelope import Origin
from url_fetcher.delivery.sink import Sink, SinkSettings
from url_fetcher.errors import ConfigurationError, IngestionError
from url_fetcher.formats.splitter import Rejected
from url_fetcher.ingestion import Ingestion
from url_fetcher.intake.environment import Environment, read_environment
from url_fetcher.intake.event import UNCONFIGURED, IngestionRequest
from url_fetcher.invocation import ANSWER_SECONDS
from url_fetcher.parents import TakesRecords
from url_fetcher.summary import NOTHING_DONE, Summary
from url_fetcher.telling.failures import failure_of
from url_fetcher.telling.logs import Log
from url_fetcher.telling.redaction import Redactor

if TYPE_CHECKING:
    from url_fetcher.source.schema import Source


class Enough(Exception):
    """When as many records have come as were asked for.

    Args:
        records: Their number.
    """

    def __init__(self, records: int) -> None:
        super().__init__(records)
        self.records = records


class Files(NamedTuple):
    """The files of a run.

    Attributes:
        lines: The lines, as the lake would have them.
        dead_letters: Undeliverable records, each with its reason; missing if there are none.
        secret: The secret, if a token server has replaced what is in it; else missing.
    """

    lines: Path
    dead_letters: Path
    secret: Path

    @classmethod
    def below(cls, folder: Path, name: str) -> "Files":
        """The files of a source in a folder."""
        return cls(*(folder / f"{name}{end}" for end in (".ndjson", ".dead-letters.ndjson", ".secret.json")))


@dataclass
class Outcome:
    """The result of a run.

    Attributes:
        summary: The function's own counters.
        reasons: How many dead letters each reason has.
        warnings: The function's warnings.
        failure: The error that ended the run; None if there was none.
        is_whole: False if the run was stopped after so many records as were asked for.
        is_secret_replaced: True if a token server has replaced the refresh token.
        redactor: Knows the secrets that must not be printed.
    """

    summary: Summary = NOTHING_DONE
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failure: IngestionError | None = None
    is_whole: bool = True
    is_secret_replaced: bool = False
    redactor: Redactor = field(default_factory=Redactor)


class _Watched:
    """A sink that shows how far the run is, and ends it after enough records.

    Args:
        sink: Takes the records.
        max_records: The number of records after which the run ends; None for no end.
        advance: Called after every batch with the number of records so far.
    """

    def __init__(self, sink: TakesRecords, max_records: int | None, advance: Callable[[int], None]) -> None:
        self._sink = sink
        self._max_records = max_records
        self._advance = advance
        self._taken = 0

    @property
    def report(self) -> DeliveryReport:
        return self._sink.report

    def put(self, origin: Origin, records: Sequence[bytes]) -> None:
        left = None if self._max_records is None else self._max_records - self._taken
        self._sink.put(origin, records[:left])
        self._take(len(records[:left]))

    def reject(self, origin: Origin, rejected: Rejected) -> None:
        self._sink.reject(origin, rejected)
        self._take(1)

    def close(self) -> None:
        self._sink.close()

    def _take(self, records: int) -> None:
        self._taken += records
        self._advance(self._taken)
        if self._taken == self._max_records:
            raise Enough(self._taken)


class _Warnings(Log):
    """The log of a run, which keeps its warnings."""

    def __init__(self, redactor: Redactor, kept: list[str]) -> None:
        super().__init__(redactor, request_id="try")
        self._kept = kept

    def warning(self, message: str, **_: object) -> None:
        """Keeps a warning."""
        self._kept.append(message)


def environment_of(settings: Settings) -> Environment:
    """The function's environment as the settings make it; its stream and bucket are files."""
    given = {
        rule.variable: as_text(getattr(getattr(settings, table), column.name))
        for table, column in all_settings()
        if (rule := rule_of(column)).variable
    }
    return read_environment(given | {"KINESIS_STREAM_NAME": "try", "DEAD_LETTER_BUCKET": "try"})


def run(
    source: "Source",
    settings: Settings,
    files: Files,
    *,
    secret: str,
    max_records: int | None,
    show: Callable[[str], None],
) -> Outcome:
    """Ingests a source as the deployed function would, with its limits and its time.

    Args:
        source: The source.
        settings: Those of the environment.
        files: Where the records go.
        secret: The secret of the source's ``auth``; empty if none was given.
        max_records: The number of records after which the run ends; None for no end.
        show: Called with how far the run is.
    """
    outcome = Outcome()
    try:
        if (form := form_of(source.auth)) and not secret:
            raise ConfigurationError(
                f"the source's `auth` needs its secret in the environment: SECRET='{form}' make try …"
            )
        _run(source, settings, files, secret, max_records, show, outcome)
    except Enough as enough:
        outcome.is_whole = False
        # The function counts a batch after it was put, and a page after its end.
        done = outcome.summary
        outcome.summary = msgspec.structs.replace(done, fetched=enough.records, pages=done.pages + 1)
    except Exception as error:  # whatever it is, it is told without a secret
        outcome.failure = failure_of(error, outcome.redactor)
    return outcome


def _run(
    source: "Source",
    settings: Settings,
    files: Files,
    secret: str,
    max_records: int | None,
    show: Callable[[str], None],
    outcome: Outcome,
) -> None:
    """Ingests the source; fills in the outcome, also if it raises."""
    given = GivenSecret(secret, files.secret)
    stream, letters = LinesFile(files.lines), DeadLettersFile(files.dead_letters)
    clients = Clients(kinesis=stream, secrets_manager=given)
    outcome.redactor = clients.redactor
    environment = environment_of(settings)
    log = _Warnings(clients.redactor, outcome.warnings)
    assembly = Assembly(environment, clients, log=log, redactor=clients.redactor)
    deadlines = Deadlines(settings.function.timeout_seconds, reserved_seconds=ANSWER_SECONDS)
    sink = Sink(
        stream,
        environment.kinesis_stream_name,
        deadline=deadlines.delivering,
        # One connection: the lines are in the source's order.
        settings=replace(SinkSettings.of(environment), connections=1),
        dead_letters=DeadLetters(environment.dead_letter_bucket, connect=lambda: letters),
    )
    reader = assembly.reader(IngestionRequest(source, None, UNCONFIGURED), deadlines.reading(source))

    def advance(records: int) -> None:
        done = reader.report
        show(f"page {done.pages + 1}: {count(records, 'record')}, {size_of(done.received_bytes)} received")

    ingestion = Ingestion(
        source,
        reader=reader,
        sink=_Watched(sink, max_records, advance),
        deadline=deadlines.fetching,
        redactor=clients.redactor,
    )
    try:
        ingestion.run()
    finally:
        outcome.summary = ingestion.summary
        outcome.reasons = letters.reasons
        outcome.is_secret_replaced = given.is_replaced

"""The whole function: an event in, records on the stream, an answer, log lines and metrics."""

import gzip
import json
import subprocess
import sys
import traceback
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError

from local_aws.servers.hostile_source import (
    Behaviour,
    Connection,
    Request,
    answer,
    drip,
    endless,
    gzipped,
    head,
    in_turn,
    redirect,
    reset,
    stall,
    wrong_length,
)
from tests.checkout import ROOT
from tests.url_fetcher.invoking import ENVIRON, Context, Stream, invoke, lines_of
from tests.url_fetcher.reading import ARN, Hostile, Secrets
from url_fetcher.clients import Clients
from url_fetcher.errors import (
    ConfigurationError,
    DeadlineExceeded,
    IngestionError,
    LimitExceeded,
    MalformedBody,
    PaginationLoop,
    SourceRejected,
    SourceTimeout,
    SourceUnavailable,
    StreamRejected,
    UnexpectedError,
)
from url_fetcher.handler import run

SECRET = "hunter2/&=s3cret"
SHORT = {"timeout_seconds": 0.5, "read_timeout_seconds": 0.2}
RECORDS = b",".join(b'{"id": %d, "text": "%s"}' % (number, b"x" * 40) for number in range(5_000))

LONG = b'{"text": "%s"},' % (b"x" * 9_999)


def test_a_url_is_ingested(hostile: Hostile, stream: Stream) -> None:
    """Each record of the URL is on the stream, with its own bytes and where it is from."""
    source = hostile({"/": answer(b'[{"id": 1.0}, {"id": 12345678901234567890}]')})
    invoke(stream, {"url": source.url("/")})

    assert [(line["sourceUrl"], line["data"]) for line in stream.lines] == [
        (source.url("/"), {"id": 1.0}),
        (source.url("/"), {"id": 12345678901234567890}),
    ]


def test_the_answer_counts(hostile: Hostile, stream: Stream) -> None:
    """The answer has the message, the records processed, and every counter."""
    body = b"[" + RECORDS + b"]"
    source = hostile({"/": in_turn(answer(b"", status=503), gzipped(body))})
    event = {"url": source.url("/"), "retry": {"max_delay_seconds": 0}}
    found = invoke(stream, event)
    seconds = [found.pop("fetch_seconds") > 0, found.pop("put_seconds") >= 0]

    assert (seconds, found) == (
        [True, True],
        {
            "message": "Data ingestion completed successfully",
            "recordsProcessed": 5_000,
            "sourceUrl": source.url("/"),
            "fetched": 5_000,
            "accepted": 5_000,
            "dead_lettered": 0,
            "retried": 0,
            "possible_duplicates": 0,
            "bytes": len(gzip.compress(body)),
            "decompressed_bytes": len(body),
            "pages": 1,
            "requests_retried": 1,
            "warnings": 0,
            "parents": 0,
            "child_requests": 0,
            "kinesis_records": found["kinesis_records"],
            "kinesis_bytes": sum(map(len, stream.data)),
            "kinesis_requests": found["kinesis_requests"],
        },
    )


@pytest.mark.parametrize("behaviour", [answer(b"", status=204), answer(b""), answer(b"[]")])
def test_a_source_without_records_is_no_error(hostile: Hostile, stream: Stream, behaviour: Behaviour) -> None:
    """Nothing to ingest is an answer of zero."""
    source = hostile({"/": behaviour})

    assert invoke(stream, {"url": source.url("/")})["recordsProcessed"] == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [("schedule", "rate(1 hour)"), ("time_zone", "UTC"), ("flexible_minutes", 0), ("enabled", False)],
)
def test_an_event_has_no_schedule(stream: Stream, key: str, value: object) -> None:
    """Nobody can have the function fetch later, or not at all; the error says what to do."""
    with pytest.raises(
        ConfigurationError, match=f"the event: {key}: .*configure the source with its schedule"
    ):
        invoke(stream, {"url": "https://a.example", key: value})


def test_a_configured_source_is_ingested_by_name(hostile: Hostile, stream: Stream) -> None:
    """An event names a configured source, whose settings hold."""
    source = hostile({"/": answer(b'{"data": {"items": [1, 2]}}')})
    configured = json.dumps([{"name": "posts", "url": source.url("/"), "record_path": "data.items"}])

    assert invoke(stream, {"source": "posts"}, SOURCES=configured)["recordsProcessed"] == 2


@pytest.mark.parametrize(
    ("behaviour", "settings", "error"),
    [
        pytest.param(drip(b"[" + RECORDS), {}, SourceTimeout, id="drip"),
        pytest.param(stall(head() + b"[" + RECORDS), {}, SourceTimeout, id="stall"),
        pytest.param(reset(head() + b"[" + RECORDS), {}, SourceUnavailable, id="reset"),
        pytest.param(wrong_length(b"[" + RECORDS, 2**24), {}, SourceUnavailable, id="truncation"),
        pytest.param(wrong_length(b"[" + RECORDS + b"]", 99_999), {}, MalformedBody, id="wrong length"),
        pytest.param(answer(b"[" + RECORDS), {}, MalformedBody, id="cut JSON"),
        pytest.param(answer(b"[" + RECORDS + b", oops]"), {}, MalformedBody, id="broken JSON"),
        pytest.param(
            endless(b'{"text": "%s"},' % (b"x" * 9_999)),
            {"limits": {"max_body_mib": 1}},
            LimitExceeded,
            id="endless",
        ),
        pytest.param(
            gzipped(b"[" + b",".join([RECORDS] * 4) + b"]"),
            {"limits": {"max_decompressed_mib": 1}},
            LimitExceeded,
            id="bomb",
        ),
        pytest.param(
            answer(b"[" + RECORDS + b"]"), {"limits": {"max_records": 4_000}}, LimitExceeded, id="records"
        ),
        pytest.param(
            answer(b'{"items": [1, 2], "next": "x"}'),
            {"record_path": "items", "pagination": {"kind": "cursor", "path": "next"}},
            PaginationLoop,
            id="cursor repeats",
        ),
        pytest.param(
            in_turn(answer(b"[1, 2]"), answer(b"<html>", content_type="text/html")),
            {"pagination": {"kind": "page"}},
            MalformedBody,
            id="HTML on the second page",
        ),
        pytest.param(
            in_turn(answer(b"[1, 2]"), answer(b"", status=429)),
            {"pagination": {"kind": "page"}},
            SourceUnavailable,
            id="429 for ever",
        ),
        pytest.param(
            in_turn(answer(b"[1, 2]"), redirect("/")),
            {"pagination": {"kind": "page"}},
            SourceRejected,
            id="redirect loop",
        ),
    ],
)
def test_what_was_sent_before_an_error_is_said(
    hostile: Hostile,
    stream: Stream,
    behaviour: Behaviour,
    settings: dict[str, Any],
    error: type[IngestionError],
) -> None:
    """A source that breaks in the middle ends with its error, which says exactly what is on the stream."""
    source = hostile({"/": behaviour})
    limits = {"limits": SHORT | settings.get("limits", {})}
    event = {"url": source.url("/"), "retry": {"max_delay_seconds": 0}} | settings | limits
    with pytest.raises(error) as caught:
        invoke(stream, event)
    sent = len(stream.lines)

    assert (caught.value.details["accepted"], sent > 0) == (sent, True)


def test_a_failed_page_says_where_to_go_on(hostile: Hostile, stream: Stream) -> None:
    """The error's resume, given back in an event, goes on at the page that failed."""
    pages = in_turn(answer(b"[1]"), answer(b"[2]"), answer(b"", status=410), answer(b"[3]"), answer(b"[]"))
    source = hostile({"/": pages})
    event = {"url": source.url("/"), "pagination": {"kind": "page"}}
    with pytest.raises(SourceRejected, match=r'go on with "resume": \{"page":3}') as caught:
        invoke(stream, event)
    invoke(stream, event | {"resume": json.loads(str(caught.value.details["resume"]))})

    assert [line["data"] for line in stream.lines] == [1, 2, 3]


def test_a_failed_delivery_does_not_say_where_to_go_on(hostile: Hostile, stream: Stream) -> None:
    """Records of the pages before may be missing on the stream."""
    pages = in_turn(answer(b"[1]"), answer(b"[2]"), answer(b"[]"))
    stream.put_records = refused_put  # type: ignore[method-assign]
    with pytest.raises(StreamRejected) as caught:
        invoke(stream, {"url": hostile({"/": pages}).url("/"), "pagination": {"kind": "page"}})

    assert "resume" not in caught.value.details
    assert "resume" not in str(caught.value)


def refused_put(**_: object) -> NoReturn:
    """As Kinesis answers a role that may not put."""
    said = {"Error": {"Code": "AccessDeniedException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    raise ClientError(said, "PutRecords")  # type: ignore[arg-type]


def test_duplicates_have_the_same_id(hostile: Hostile, stream: Stream) -> None:
    """What a retried invocation sends again can be told by its id."""
    gone = answer(b"", status=410)
    source = hostile({"/": in_turn(answer(b"[1]"), gone, answer(b"[1]"), gone)})
    for _ in range(2):
        with pytest.raises(SourceRejected):
            invoke(stream, {"url": source.url("/"), "pagination": {"kind": "page"}})
    first, second = stream.lines

    assert (first["id"], first["data"]) == (second["id"], second["data"])


def test_the_invocations_end_is_told_from_a_slow_source(hostile: Hostile, stream: Stream) -> None:
    """When the function's own time runs out first, the error says so, and there is time left to drain."""
    source = hostile({"/": drip(b"[" + RECORDS)})
    with pytest.raises(DeadlineExceeded, match="invocation's time") as caught:
        invoke(stream, {"url": source.url("/")}, seconds=2.5)

    sent = len(stream.lines)

    assert (caught.value.details["accepted"], sent > 0) == (sent, True)


def test_an_ingestion_is_logged_and_measured(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """Start, end and metrics are each one line of JSON with the invocation's id."""
    source = hostile({"/": answer(b"[1, 2]")})
    configured = json.dumps([{"name": "numbers", "url": source.url("/")}])
    invoke(stream, {}, SOURCES=configured, POWERTOOLS_SERVICE_NAME="fetch", POWERTOOLS_METRICS_NAMESPACE="N")
    started, ended, metrics = lines_of(capsys)
    directive = metrics["_aws"]["CloudWatchMetrics"][0]

    assert (
        [line["function_request_id"] for line in (started, ended, metrics)],
        (started["message"], ended["message"], ended["accepted"], ended["level"]),
        (directive["Namespace"], metrics["service"], metrics["source"], metrics["accepted"]),
    ) == (
        ["request-1"] * 3,
        ("ingestion started", "ingestion ended", 2, "INFO"),
        ("N", "fetch", "numbers", 2),
    )


def test_a_broken_source_is_logged_when_the_sources_are_read(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """An invocation that asks for another source ends well, with a warning that says what to correct."""
    source = hostile({"/": answer(b"[1, 2]")})
    configured = json.dumps(
        [{"name": "broken", "url": "https://"}, {"name": "numbers", "url": source.url("/")}]
    )
    body = invoke(stream, {"source": "numbers"}, SOURCES=configured)
    warning, *_ = lines_of(capsys)

    assert (body["recordsProcessed"], warning["level"], warning["function_request_id"]) == (
        2,
        "WARNING",
        "request-1",
    )
    assert warning["message"].startswith("the configured source 'broken' (sources[0]): url: must begin with")


def test_a_doubtful_end_is_logged_and_measured(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source that may have more pages succeeds with a warning, which an alarm can count."""
    source = hostile({"/": answer(b'{"value": [1], "@odata.nextLink": "/2"}')})
    event = {"url": source.url("/"), "record_path": "value", "pagination": {"kind": "next_url"}}
    body = invoke(stream, event)
    lines = lines_of(capsys)
    warned = [line["message"] for line in lines if line.get("level") == "WARNING"]
    measured = {each["Name"] for each in lines[-1]["_aws"]["CloudWatchMetrics"][0]["Metrics"]}

    assert (
        body["warnings"],
        ["@odata.nextLink" in each for each in warned],
        lines[-1]["warnings"],
        "warnings" in measured,
    ) == (1, [True], 1, True)


def test_an_error_is_logged_with_its_facts(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log line of a failure has its type, whether it may be retried, its details and the counters."""
    source = hostile({"/": answer(b'[1, {"a": 2')})
    with pytest.raises(MalformedBody):
        invoke(stream, {"url": source.url("/")})
    line = next(each for each in lines_of(capsys) if each.get("level") == "ERROR")

    assert (line["error_type"], line["retryable"], line["details"]["page"], line["accepted"]) == (
        "MalformedBody",
        False,
        1,
        1,
    )


def test_every_line_after_the_event_is_read_names_the_source(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """A warning and an error are found by the source's name, not only by its URL."""
    source = hostile({"/": answer(b'[1, {"a": 2')})
    with pytest.raises(MalformedBody):
        invoke(stream, {"url": source.url("/")})

    assert {line["source"] for line in lines_of(capsys)} == {"event"}


@pytest.mark.parametrize("environ", [{}, {"LOG_LEVEL": "loud"}])
def test_an_error_before_the_start_is_logged(
    stream: Stream, capsys: pytest.CaptureFixture[str], environ: dict[str, str]
) -> None:
    """A bad event and a bad environment are logged, too."""
    with pytest.raises(ConfigurationError):
        run({"sauce": "x"}, Context(), environ=ENVIRON | environ, clients=Clients(kinesis=stream))

    assert [line["error_type"] for line in lines_of(capsys) if "level" in line] == ["ConfigurationError"]


def echoing(status: int) -> Behaviour:
    """Answer with everything that was asked, in the body, a header and a redirect."""

    def behave(connection: Connection, request: Request) -> None:
        text = f"{request.headers.get('authorization', '')}{request.headers.get('x-key', '')}{request.query}"
        headers = {"Location": f"/gone?echo={text}".replace(" ", "+"), "X-Echo": text.replace("\n", "")}
        answer(json.dumps([text]).encode(), status=status, headers=headers)(connection, request)

    return behave


def test_an_event_may_not_have_the_role_sign(hostile: Hostile, stream: Stream) -> None:
    """Whoever may invoke the function gets no signature of its role for a request of their choice."""
    source = hostile({"/": answer(b"[1]")})
    configured = [{"url": "https://api.example.com/", "auth": {"kind": "aws_sigv4", "service": "es"}}]
    event = {"url": source.url("/"), "auth": {"kind": "aws_sigv4", "service": "es"}}
    with pytest.raises(ConfigurationError, match="no configured source of this origin"):
        invoke(stream, event, SOURCES=json.dumps(configured))

    assert source.requests == []


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "bearer", "secret_arn": ARN},
        {"kind": "basic", "secret_arn": ARN},
        {"kind": "api_key", "secret_arn": ARN, "name": "X-Key"},
        {"kind": "api_key", "secret_arn": ARN, "location": "query", "name": "k"},
        {"kind": "bearer", "secret_arn": ARN, "prefix": ""},
        {"kind": "basic", "secret_arn": ARN, "username_key": "token", "password_key": ""},
        {"kind": "headers", "secret_arn": ARN, "headers": {"X-Key": "token", "X-Other": "api_key"}},
    ],
)
@pytest.mark.parametrize("status", [200, 302, 403, 500])
def test_no_secret_is_told(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str], auth: dict[str, str], status: int
) -> None:
    """Log lines, metrics, errors, answers and sourceUrl show no secret, whatever the source echoes."""
    source = hostile({"/": echoing(status)})
    configured = [{"name": "s", "url": source.url("/"), "auth": auth, "retry": {"max_attempts": 1}}]
    secrets = Secrets(json.dumps({"username": "me", "password": SECRET, "token": SECRET, "api_key": SECRET}))
    told = ""
    try:
        told += str(invoke(stream, {}, secrets=secrets, SOURCES=json.dumps(configured), LOG_LEVEL="DEBUG"))
    except IngestionError as error:
        told += f"{error} {error.details}"
    told += capsys.readouterr().out + str([line["sourceUrl"] for line in stream.lines])

    assert ("hunter2" in told, secrets.calls) == (False, 1)


def test_a_secret_in_the_url_is_not_told(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key that someone put into the URL itself is hidden in records and log lines."""
    source = hostile({"/": answer(b"[1]")})
    invoke(stream, {"url": source.url("/?api_key=hunter2&page=1")})

    assert ("hunter2" in capsys.readouterr().out, stream.lines[0]["sourceUrl"]) == (
        False,
        source.url("/?api_key=REDACTED&page=1"),
    )


def test_a_secret_in_the_url_is_not_told_when_it_is_echoed(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """That key is hidden wherever a source repeats it, whatever the parameter is called there."""
    source = hostile({"/": redirect("/?echo=hunter2")})
    with pytest.raises(SourceRejected, match="echo=REDACTED"):
        invoke(stream, {"url": source.url("/?api_key=hunter2")})

    assert "hunter2" not in capsys.readouterr().out


class Broken(Secrets):
    """Fails as nothing should, with a secret in its words."""

    def get_secret_value(self, **_: object) -> dict[str, str]:
        """Raise."""
        try:
            raise ZeroDivisionError("https://a.example/?api_key=hunter2")
        except ZeroDivisionError as error:
            raise KeyError("https://a.example/?api_key=hunter2") from error


def test_a_mistake_of_our_own_is_logged_with_its_traceback(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that nobody foresaw leaves as one of ours; its line says what it was and where."""
    source = hostile({"/": answer(b"[1]")})
    configured = [{"url": source.url("/"), "auth": {"kind": "bearer", "secret_arn": ARN}}]
    with pytest.raises(UnexpectedError, match="KeyError"):
        invoke(stream, {}, secrets=Broken(), SOURCES=json.dumps(configured))
    (line,) = [line for line in lines_of(capsys) if "error_type" in line]

    assert (line["error_type"], line["causes"], "get_secret_value" in line["traceback"]) == (
        "UnexpectedError",
        ["ZeroDivisionError: https://a.example/?api_key=REDACTED"],
        True,
    )


@pytest.mark.parametrize(
    "secrets", [Broken(), Secrets("hunter2 hunter2")], ids=["unforeseen error", "source that resets"]
)
def test_an_error_leaves_without_its_causes(hostile: Hostile, stream: Stream, secrets: Secrets) -> None:
    """Causes are logged, not raised: whoever formats the error with its chain sees no secret."""
    source = hostile({"/": reset()})
    key = {"kind": "api_key", "secret_arn": ARN, "location": "query", "name": "k"}
    configured = [{"url": source.url("/"), "auth": key, "retry": {"max_attempts": 1}}]
    with pytest.raises(IngestionError) as caught:
        invoke(stream, {}, secrets=secrets, SOURCES=json.dumps(configured))
    error = caught.value
    # Lambda logs the traceback, and answers with no more than the last 4 KiB of the log.
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    assert frames[-2:] == ["run", "answer"]
    assert (error.__cause__, error.__context__, "hunter2" in "".join(traceback.format_exception(error))) == (
        None,
        None,
        False,
    )


def _run_at_start(code: str, name: str) -> str:
    """What a new process prints that has the environment variable ``name``."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "lambda"), "AWS_DEFAULT_REGION": "us-east-1", name: "fetch"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


_AT_THE_START = """
import gc, sys
enabled = []
class Probe:
    def find_spec(name, path=None, target=None):
        if name == "botocore":
            enabled.append(gc.isenabled())
sys.meta_path.insert(0, Probe)
from url_fetcher import handler
late = ('url_fetcher.many_urls', 'url_fetcher.work_queue')
print(*enabled, gc.isenabled(), gc.get_freeze_count() > 50_000)
print('kinesis' in vars(handler.CLIENTS))
print([name for name in sys.modules if name.startswith(late)])
"""


@pytest.fixture(scope="module")
def in_lambda() -> list[str]:
    """How a process has started in Lambda: garbage collector, client, modules of the queue."""
    return _run_at_start(_AT_THE_START, "AWS_LAMBDA_FUNCTION_NAME").splitlines()


@pytest.fixture(scope="module")
def elsewhere() -> list[str]:
    """How a process has started elsewhere."""
    return _run_at_start(_AT_THE_START, "ANY_OTHER_NAME").splitlines()


def test_in_lambda_the_garbage_collector_leaves_alone_what_the_start_makes(
    in_lambda: list[str], elsewhere: list[str]
) -> None:
    """It is off until the process has started, and never looks at what was made then."""
    assert (in_lambda[0], elsewhere[0]) == ("False True True", "True True False")


def test_in_lambda_the_client_is_made_while_the_process_starts(
    in_lambda: list[str], elsewhere: list[str]
) -> None:
    """The first invocation finds its client; outside Lambda nothing asks for a Region on import."""
    assert (in_lambda[1], elsewhere[1]) == ("True", "False")


def test_the_start_does_not_wait_for_the_queue(in_lambda: list[str]) -> None:
    """What only messages and events of many URLs need is not loaded for any other event."""
    assert in_lambda[2] == "[]"

"""What CloudWatch is told of an invocation, and what that costs."""

import json
from collections.abc import Callable

import pytest

from local_aws.servers.hostile_source import answer, in_turn
from tests.url_fetcher.invoking import ENVIRON, Context, Stream, invoke, lines_of
from tests.url_fetcher.reading import Hostile
from url_fetcher.clients import Clients
from url_fetcher.errors import ConfigurationError, IngestionError
from url_fetcher.handler import run

Measured = list[tuple[str, dict[str, int]]]
"""Of each invocation the dimension `source` and the metrics with their values."""


@pytest.fixture
def measured(capsys: pytest.CaptureFixture[str]) -> Callable[[], Measured]:
    """Reads the metrics that were written."""
    return lambda: [
        (
            line["source"],
            {each["Name"]: line[each["Name"]] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]},
        )
        for line in lines_of(capsys)
        if "_aws" in line
    ]


class TestMetricsCostLessThanAShard:
    """CloudWatch bills 0.30 USD a month for each name under each set of dimensions."""

    def test_there_are_four_at_most_by_source(
        self, hostile: Hostile, stream: Stream, measured: Callable[[], Measured]
    ) -> None:
        """An ingestion in which everything happens has four metrics."""
        source = hostile({"/": in_turn(answer(b"", status=503), answer(b'[1, "%s", oops' % (b"x" * 2_000)))})
        event = {"url": source.url("/"), "retry": {"max_delay_seconds": 0}, "limits": {"max_record_kib": 1}}
        with pytest.raises(IngestionError):
            invoke(stream, event)

        assert measured() == [
            ("event", {"accepted": 1, "failed": 1, "dead_lettered": 1, "requests_retried": 1})
        ]

    def test_what_goes_well_has_one_set_of_dimensions(
        self, hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Metrics on which no alarm stands are kept by service and source alone."""
        invoke(stream, {"url": hostile({"/": answer(b"[1]")}).url("/")})
        (directive,) = lines_of(capsys)[-1]["_aws"]["CloudWatchMetrics"]

        assert directive["Dimensions"] == [["service", "source"]]

    def test_nothing_to_tell_is_one_metric(
        self, hostile: Hostile, stream: Stream, measured: Callable[[], Measured]
    ) -> None:
        """Without failures, dead letters and retries only the accepted records are sent, even if none."""
        invoke(stream, {"url": hostile({"/": answer(b"[]")}).url("/")})

        assert measured() == [("event", {"accepted": 0})]

    def test_an_events_free_text_makes_no_metric(
        self, hostile: Hostile, stream: Stream, measured: Callable[[], Measured]
    ) -> None:
        """A source that an event describes counts as `event`, even under the name of a configured one."""
        url = hostile({"/": answer(b"[1]")}).url("/")
        configured = json.dumps([{"name": "posts", "url": url}])
        for name in ("posts", "anything"):
            invoke(stream, {"url": url, "name": name}, SOURCES=configured)

        assert measured() == [("event", {"accepted": 1})] * 2

    def test_a_configured_source_without_a_name_is_the_default(
        self, hostile: Hostile, stream: Stream, measured: Callable[[], Measured]
    ) -> None:
        """It is told from what events describe."""
        invoke(stream, {}, SOURCES=json.dumps([{"url": hostile({"/": answer(b"[1]")}).url("/")}]))

        assert measured() == [("default", {"accepted": 1})]


@pytest.mark.parametrize(
    ("event", "environ"),
    [({"sauce": "x"}, {}), ({"source": "nobody"}, {}), ({}, {"LOG_LEVEL": "loud"})],
    ids=["bad event", "no such source", "bad environment"],
)
def test_a_failure_before_the_start_is_visible_in_the_metrics(
    stream: Stream, event: object, environ: dict[str, str], measured: Callable[[], Measured]
) -> None:
    """An alarm on `failed` sees an invocation that never got as far as a source."""
    with pytest.raises(ConfigurationError):
        run(event, Context(), environ=ENVIRON | environ, clients=Clients(kinesis=stream))

    assert measured() == [("event", {"accepted": 0, "failed": 1})]


def test_a_broken_environment_is_measured_under_the_deployments_names(
    stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """The alarm of this deployment sees it, not another's."""
    broken = {"POWERTOOLS_SERVICE_NAME": "fetch", "POWERTOOLS_METRICS_NAMESPACE": "N", "PACK_KIB": "none"}
    with pytest.raises(ConfigurationError):
        run({}, Context(), environ=ENVIRON | broken, clients=Clients(kinesis=stream))
    line = lines_of(capsys)[-1]

    assert (line["_aws"]["CloudWatchMetrics"][0]["Namespace"], line["service"]) == ("N", "fetch")


def test_the_other_counters_are_fields_of_the_log_line(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no metric can still be searched for, at every log level."""
    found = invoke(stream, {"url": hostile({"/": answer(b"[1]")}).url("/")}, LOG_LEVEL="ERROR")
    counters = found.keys() - {"message", "recordsProcessed", "sourceUrl"}
    (line,) = lines_of(capsys)

    assert {name: line[name] for name in counters} == {name: found[name] for name in counters}

"""The event that looks for sources that stopped, with S3 and CloudWatch behind their clients' seams."""

import io
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.url_fetcher.invoking import ENVIRON, Context, Stream, lines_of
from tests.url_fetcher.queues import refusal
from url_fetcher.clients import Clients
from url_fetcher.errors import ConfigurationError, ConfigurationUnavailable, IngestionError
from url_fetcher.handler import run

EVENT = {"watch": "s3://lake/config/schedules.json"}
HOUR = 3_600.0
LONG_AGO_HOURS = 24 * 60


Runs = Mapping[int, int | None]


class Schedules:
    """S3's client with the object of the schedules, which was deployed so many hours ago."""

    def __init__(self, schedules: object, deployed_hours_ago: float = LONG_AGO_HOURS) -> None:
        self.content = schedules if isinstance(schedules, bytes) else json.dumps(schedules).encode()
        self.deployed = datetime.fromtimestamp(time.time() - deployed_hours_ago * HOUR, UTC)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """The object."""
        assert f"s3://{Bucket}/{Key}" == EVENT["watch"]
        return {"Body": io.BytesIO(self.content), "LastModified": self.deployed}


class Metrics:
    """CloudWatch's client, with the runs of sources.

    Args:
        runs: By the source's name the records of each run, by how many hours ago it was; None: it failed.
        error: Raised instead of an answer.
        status: Of each result.
        pages: Number of pages of an answer.
    """

    def __init__(
        self,
        runs: Mapping[str, Runs] | None = None,
        *,
        error: Exception | None = None,
        status: str = "Complete",
        pages: int = 1,
    ) -> None:
        self.runs = runs or {}
        self.error, self.status, self.pages = error, status, pages
        self.asked: list[dict[str, Any]] = []

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        """As CloudWatch answers, a part of the hours on each page."""
        self.asked.append(asked)
        if self.error:
            raise self.error
        page = int(asked.get("NextToken", 0))
        more = {"NextToken": str(page + 1)} if page + 1 < self.pages else {}
        results = [self._result(query, page) for query in asked["MetricDataQueries"]]
        return {"MetricDataResults": results, **more}

    def _result(self, query: dict[str, Any], page: int) -> dict[str, Any]:
        stat = query["MetricStat"]
        (source,) = [each["Value"] for each in stat["Metric"]["Dimensions"] if each["Name"] == "source"]
        found = {}
        for number, (ago, records) in enumerate(self.runs.get(source, {}).items()):
            values = {
                ("accepted", "SampleCount"): 1.0,
                ("accepted", "Sum"): float(records or 0),
                ("failed", "Sum"): 1.0 if records is None else None,
            }
            value = values[stat["Metric"]["MetricName"], stat["Stat"]]
            if value is not None and number % self.pages == page:
                found[(time.time() - ago * HOUR) // HOUR * HOUR] = value
        return {
            "Id": query["Id"],
            "Timestamps": list(found),
            "Values": list(found.values()),
            "StatusCode": self.status,
        }


def watch(
    schedules: object,
    metrics: Metrics,
    *,
    deployed_hours_ago: float = LONG_AGO_HOURS,
    event: Mapping[str, Any] = EVENT,
) -> dict[str, Any]:
    """The answer's body."""
    clients = Clients(kinesis=Stream(), s3=Schedules(schedules, deployed_hours_ago), cloudwatch=metrics)
    answer = run(event, Context(), environ=ENVIRON | {"POWERTOOLS_SERVICE_NAME": "fetch"}, clients=clients)
    body: dict[str, Any] = json.loads(str(answer["body"]))
    return body


def told(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, list[list[str]]]]:
    """Of each source: the metric that is 1, and its dimensions."""
    return [
        (line["source"], each["Name"], [directive["Dimensions"][0] for directive in directives])
        for line in lines_of(capsys)
        if (directives := line.get("_aws", {}).get("CloudWatchMetrics"))
        for each in directives[0]["Metrics"]
        if line[each["Name"]] == 1
    ]


BOTH = [["service", "source"], ["service"]]
STEADY: Runs = dict.fromkeys(range(24 * 10, 0, -1), 5)


def test_sources_that_stopped_are_counted_one_by_one_and_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By source and by service alone; a source that runs is not told of."""
    schedules = dict.fromkeys(("late", "failing", "empty", "well"), "rate(1 hour)")
    runs: dict[str, Runs] = {
        "late": {ago: 5 for ago in STEADY if ago > 4},
        "failing": {ago: None if ago < 5 else 5 for ago in STEADY},
        "empty": {ago: 0 if ago < 5 else 5 for ago in STEADY},
        "well": STEADY,
    }
    body = watch(schedules, Metrics(runs))

    assert told(capsys) == [
        ("late", "overdue", BOTH), ("failing", "overdue", BOTH), ("empty", "silent", BOTH)
    ]  # fmt: skip
    assert (body["sources"], body["overdue"], body["silent"]) == (4, 2, 1)


def test_each_that_stopped_is_one_warning_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """It says what the schedule is, and in which hour it last went well."""
    watch({"late": "rate(1 hour)"}, Metrics({"late": {5: 3, 4: 0}}))
    (line,) = [line for line in lines_of(capsys) if line.get("level") == "WARNING"]
    hours = [
        datetime.fromtimestamp((time.time() - ago * HOUR) // HOUR * HOUR, UTC).isoformat() for ago in (4, 5)
    ]

    assert line["message"] == "source overdue: nothing succeeded for twice its interval"
    assert (line["source_name"], line["schedule"], line["interval_hours"]) == ("late", "rate(1 hour)", 1.0)
    assert [line["last_success_hour"], line["last_records_hour"]] == hours


@pytest.mark.parametrize(("deployed", "overdue"), [(1.5, 0), (2.5, 1)])
def test_a_source_just_deployed_is_not_overdue_before_its_time(deployed: float, overdue: int) -> None:
    """The schedules' object says since when they are there; also what ran before may have had another one."""
    ran: list[Runs] = [{}, {100: 5}]
    for runs in ran:
        body = watch({"new": "rate(1 hour)"}, Metrics({"new": runs}), deployed_hours_ago=deployed)

        assert body["overdue"] == overdue


@pytest.mark.parametrize(("days", "overdue"), [(10, 0), (15, 1)])
def test_a_weekly_source_has_two_weeks(days: int, overdue: int) -> None:
    """By the grammar of its schedule."""
    body = watch({"weekly": "cron(0 8 ? * MON *)"}, Metrics({"weekly": {days * 24: 5}}))

    assert body["overdue"] == overdue


def test_a_schedule_that_is_not_understood_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is told that all is well with it, and the others are looked at."""
    body = watch({"odd": "at(2030-01-01T00:00:00)", "late": "rate(1 hour)"}, Metrics())
    warned = [line["source_name"] for line in lines_of(capsys) if line.get("level") == "WARNING"]

    assert (warned, body["overdue"]) == (["odd", "late"], 1)


def test_a_source_that_does_not_run_any_more_is_left_alone() -> None:
    """Its last year is over."""
    assert watch({"over": "cron(0 8 * * ? 2020)"}, Metrics())["overdue"] == 0


def test_cloudwatch_is_asked_for_500_metrics_a_call_at_most() -> None:
    """Three of each source, with the service's dimensions, from the start of an hour on."""
    metrics = Metrics()
    watch({f"source-{number}": "rate(1 hour)" for number in range(400)}, metrics, deployed_hours_ago=1)
    counts = [len(asked["MetricDataQueries"]) for asked in metrics.asked]
    query = metrics.asked[0]["MetricDataQueries"][0]["MetricStat"]

    assert counts == [498, 498, 204]
    assert {asked["StartTime"].timestamp() % HOUR for asked in metrics.asked} == {0}
    assert (query["Metric"]["Namespace"], query["Metric"]["Dimensions"][0], query["Period"]) == (
        "IngestionPipeline", {"Name": "service", "Value": "fetch"}, 3600,
    )  # fmt: skip


def test_sources_of_all_intervals_are_asked_for_as_long_as_theirs_needs() -> None:
    """A monthly source needs more than two weeks, and the others must not pay for it."""
    metrics = Metrics()
    watch({"a": "rate(1 hour)", "b": "cron(0 8 1 * ? *)", "c": "rate(5 minutes)"}, metrics)
    asked = [
        (len(each["MetricDataQueries"]), round((each["EndTime"] - each["StartTime"]).days))
        for each in metrics.asked
    ]

    assert asked == [(6, 14), (3, 455)]


def test_every_page_of_the_answer_is_read() -> None:
    """A source is not overdue because its last success is on the second page."""
    metrics = Metrics({"well": STEADY}, pages=3)

    assert watch({"well": "rate(1 hour)"}, metrics)["overdue"] == 0
    assert [each.get("NextToken") for each in metrics.asked] == [None, "1", "2"]


@pytest.mark.parametrize(
    ("metrics", "error", "words"),
    [
        (Metrics(error=refusal("AccessDenied", 403)), ConfigurationError, "cloudwatch:GetMetricData"),
        (Metrics(error=refusal("Throttling", 400)), ConfigurationUnavailable, "Throttling"),
        (Metrics(error=refusal("InternalServiceFault", 500)), ConfigurationUnavailable, "cannot be read"),
        (Metrics(error=EndpointConnectionError(endpoint_url="x")), ConfigurationUnavailable, "no answer"),
        (Metrics(status="InternalError"), ConfigurationUnavailable, "InternalError"),
    ],
)
def test_metrics_that_cannot_be_read_fail_the_event(
    metrics: Metrics, error: type[IngestionError], words: str
) -> None:
    """Nothing is overdue, and nothing well, by an answer that never came."""
    with pytest.raises(error, match=words):
        watch({"a": "rate(1 hour)"}, metrics)


@pytest.mark.parametrize("schedules", [b"{", [], {"a": 1}, None])
def test_an_object_that_holds_no_schedules_fails_the_event(schedules: object) -> None:
    """It is not what was deployed."""
    with pytest.raises(ConfigurationError, match="schedules"):
        watch(schedules, Metrics())


@pytest.mark.parametrize(
    "event", [{"watch": 1}, {"watch": "nowhere"}, EVENT | {"url": "https://a.test"}, EVENT | {"urls": []}]
)
def test_what_is_no_such_event_is_refused(event: Mapping[str, Any]) -> None:
    """The error names the key."""
    with pytest.raises(ConfigurationError, match="watch"):
        watch({}, Metrics(), event=event)


def test_the_event_itself_has_no_metric_but_its_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """It is no source, and costs nothing."""
    watch({}, Metrics())
    well = told(capsys)
    with pytest.raises(IngestionError):
        watch({"a": "rate(1 hour)"}, Metrics(status="InternalError"))

    assert (well, told(capsys)) == ([], [("event", "failed", BOTH)])

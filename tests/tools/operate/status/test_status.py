"""``make status`` of a pipeline in the local AWS."""

import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from tests.tools.parts import Parts
from tools.ground.aws import AwsError
from tools.operate import deployed
from tools.operate.status import metrics
from tools.operate.status import parts as looks
from tools.operate.status.__main__ import Screen, look, main
from tools.operate.status.metrics import Metric, Points

pytestmark = pytest.mark.terraform

DONE: dict[str, Any] = {"source": "orders", "accepted": 1_234, "function_request_id": "1"}
FAILED = DONE | {"accepted": 0, "failed": 1, "function_request_id": "2"}
ERROR = {"level": "ERROR", "source": "orders", "error_type": "SourceRejected", "function_request_id": "2"}
HOURLY = 'schedule = "rate(1 hour)"\n'
MEASURED = {
    "ApproximateAgeOfOldestMessage": 90.0,
    "DeliveryToS3.DataFreshness": 62.0,
    "IncomingRecords": 3.0,
    "WriteProvisionedThroughputExceeded": 0.0,
    "Errors": 0.0,
    "Throttles": 0.0,
}


def shown(*, width: int = 80, now: datetime | None = None, is_terminal: bool = False) -> tuple[int, str]:
    """The exit code, and the screen without the spaces at the ends of its lines."""
    console = Console(file=io.StringIO(), width=width, soft_wrap=True, force_terminal=is_terminal)
    code = look(deployed.find(), now or datetime.now(UTC), Screen(console))
    return code, console.file.getvalue()  # type: ignore[attr-defined]


def line_of(screen: str, name: str) -> str:
    """The line of one part or source, its columns one space apart."""
    (found,) = [line for line in screen.splitlines() if re.match(rf"(\?!|[?! ] ) {name}", line)]
    return " ".join(found.split())


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes CloudWatch have these measurements, for the local AWS measures nothing."""

    def make(**changes: float | None) -> None:
        values = {**MEASURED, **{name.replace("__", "."): each for name, each in changes.items()}}

        def last_hour(_: object, wanted: list[Metric], now: datetime) -> Mapping[Metric, Points]:
            return {
                each: Points([], [])
                if values[each.name] is None
                else Points([now - timedelta(minutes=30)], [values[each.name]])  # type: ignore[list-item]
                for each in wanted
            }

        monkeypatch.setattr(looks, "last_hour", last_hour)

    make()
    return make


@pytest.fixture
def settings(parts: Parts) -> Any:
    """Puts keys into the only source of pipeline.toml."""

    def put(keys: str) -> Parts:
        text = parts.settings.read_text(encoding="utf-8")
        parts.settings.write_text(text.replace("limits =", f"{keys}limits ="), encoding="utf-8")
        return parts

    return put


def test_a_pipeline_that_is_well(parts: Parts, measure: Any) -> None:  # noqa: ARG001
    """One line a source and a part, and 0."""
    parts.write_log(DONE)
    code, screen = shown(now=datetime.now(UTC) + timedelta(seconds=1))
    stamped = re.sub(r"\d\d-\d\d \d\d:\d\d", "MM-DD hh:mm", screen.replace(parts.prefix, "orders-local"))

    assert code == 0
    assert [line.rstrip() for line in stamped.splitlines()] == [
        "   orders-local in us-east-1, 2026-MM-DD hh:mm UTC",
        "",
        "   source            last run     outcome                 records  next run",
        "   orders            MM-DD hh:mm  done                      1,234",
        "",
        "   work queue      0 waiting, 0 in flight, 0 delayed",
        "   dead events     none",
        "   dead records    none today",
        "   delivery        1 min behind; late from 15 min on",
        "   stream          1 shard, active; 0 refused puts in the last hour",
        "   function        0 errors, 0 throttles in the last hour",
        "   alarms          none deployed: [alarms] in pipeline.toml",
        "",
        "   Healthy.",
    ]


class TestSources:
    def test_a_failure_has_its_name(self, parts: Parts) -> None:
        """The reason is on another line of the log, of the same invocation."""
        parts.write_log(DONE, ERROR, FAILED)
        code, screen = shown()

        assert (code, line_of(screen, "orders")[-16:]) == (1, "SourceRejected 0")
        assert "make logs ENV=local SINCE=1d" in screen

    def test_what_was_mended_is_well(self, parts: Parts) -> None:
        """Only the last run counts."""
        parts.write_log(ERROR, FAILED, DONE)

        assert line_of(shown()[1], "orders").endswith("done 1,234")

    def test_a_run_with_dead_records_is_not_well(self, parts: Parts) -> None:
        """Nor is one with a warning."""
        parts.write_log(DONE | {"dead_lettered": 2, "warnings": 1})
        code, screen = shown()

        assert (code, "2 dead records, 1 w… " in screen) == (1, True)

    def test_a_source_that_never_ran_is_told(self, parts: Parts) -> None:
        """It has no schedule, so nothing is wrong."""
        parts.write_log(DONE | {"source": "event"})
        code, screen = shown()

        assert (code, line_of(screen, "orders")) == (0, "orders no run in 2 days")
        assert line_of(screen, r"\(other events").endswith("done 1,234")

    def test_a_failure_of_other_events_is_shown_and_is_not_wrong(self, parts: Parts) -> None:
        """Somebody tried a URL, and got the error."""
        parts.write_log(ERROR | {"source": "event"}, FAILED | {"source": "event"})
        code, screen = shown()

        assert (code, line_of(screen, r"\(other events")[-16:]) == (0, "SourceRejected 0")

    def test_without_a_log_nothing_is_known(self, parts: Parts) -> None:  # noqa: ARG002
        """That is no good news, and no bad."""
        code, screen = shown()

        assert (code, line_of(screen, "orders")) == (0, "? orders unknown")
        assert "Healthy, as far as is known. Unknown: 1 source, log" in screen

    def test_a_schedule_is_overdue_after_two_runs(self, settings: Any) -> None:
        """It was made before both, and its last success is older."""
        parts = settings(HOURLY)
        parts.make_schedules("orders")
        parts.write_log(DONE)
        now = datetime.now(UTC)
        screens = {hours: shown(now=now + timedelta(hours=hours)) for hours in (1, 3)}

        assert [screens[hours][0] for hours in (1, 3)] == [0, 1]
        assert "done" in line_of(screens[1][1], "orders")
        assert "overdue" in line_of(screens[3][1], "orders")

    def test_a_schedule_that_is_new_is_not_overdue(self, settings: Any) -> None:
        """Its first run is not due yet."""
        parts = settings(HOURLY)
        parts.make_schedules("orders")
        parts.write_log("START")

        assert line_of(shown()[1], "orders") == "orders no run in 2 days in 1 hour"

    def test_a_log_that_is_not_kept_so_long_says_nothing(self, settings: Any) -> None:
        """A yearly run is no longer in a log of 14 days."""
        parts = settings('schedule = "cron(0 8 1 1 ? *)"\n')
        parts.make_schedules("orders")
        parts.write_log("START")
        code, screen = shown(now=datetime.now(UTC) + timedelta(days=800))

        assert (code, "? orders unknown: log gone" in line_of(screen, "orders")) == (0, True)

    def test_a_schedule_that_is_not_deployed_is_told(self, settings: Any) -> None:
        """The file says what the next deployment would make."""
        parts = settings(HOURLY)
        parts.write_log(DONE)

        assert line_of(shown()[1], "orders").endswith("1,234 not deployed")

    def test_a_schedule_that_is_off_is_never_overdue(self, settings: Any) -> None:
        """Somebody wanted it so."""
        parts = settings(HOURLY)
        parts.make_schedules("orders", state="DISABLED")
        parts.write_log(DONE)

        assert line_of(shown(now=datetime.now(UTC) + timedelta(hours=9))[1], "orders").endswith("disabled")

    def test_many_sources_are_a_screen(self, parts: Parts) -> None:
        """Those that are not well come first, and the others are counted."""
        more = "".join(f'[[sources]]\nname = "s{n}"\nurl = "https://example.com/{n}"\n' for n in range(60))
        text = parts.settings.read_text(encoding="utf-8")
        parts.settings.write_text(text.replace("[environments", more + "[environments"), encoding="utf-8")
        parts.write_log(ERROR, FAILED | {"source": "s59"})
        _, screen = shown()

        assert (screen.splitlines()[3].split()[:2], len(screen.splitlines()) < 50) == (["!", "s59"], True)
        assert "and 31 more sources, 0 of them not well" in screen


class TestParts:
    def test_what_failed_for_good_is_told_with_its_command(self, parts: Parts, measure: Any) -> None:
        """Events in the queue, and records of today."""
        measure(ApproximateAgeOfOldestMessage=None)
        parts.write_log(DONE)
        parts.add_dead_letter({"source": "orders"})
        parts.store(f"dead-letters/{datetime.now(UTC):year=%Y/month=%m/day=%d/hour=%H}/a.gz", [])
        code, screen = shown()

        assert (code, line_of(screen, "dead events"), line_of(screen, "dead records")) == (
            1,
            "! dead events 1 in the queue; oldest there: unknown",
            "! dead records 1 object today",
        )
        assert screen.endswith("   make dead ENV=local EVENTS=1\n   make dead ENV=local RECORDS=1\n")

    def test_a_work_queue_that_nobody_reads_is_not_well(self, parts: Parts) -> None:
        """What waits there will be dropped."""
        parts.write_log(DONE)
        parts.sqs.send_message(QueueUrl=parts.url("work"), MessageBody="{}", DelaySeconds=900)

        assert line_of(shown()[1], "work queue") == (
            "! work queue 0 waiting, 0 in flight, 1 delayed; nobody reads it"
        )

    @pytest.mark.parametrize(
        ("changes", "name", "said"),
        [
            (
                {"ApproximateAgeOfOldestMessage": 7_300.0},
                "work queue",
                "! work queue 0 waiting, 0 in flight, 1 delayed; oldest 2 h",
            ),
            (
                {"DeliveryToS3__DataFreshness": 901.0},
                "delivery",
                "! delivery 15 min behind; late from 15 min on",
            ),
            (
                {"DeliveryToS3__DataFreshness": None},
                "delivery",
                "! delivery nothing of the last hour's records was delivered",
            ),
            (
                {"DeliveryToS3__DataFreshness": None, "IncomingRecords": None},
                "delivery",
                "? delivery lag unknown: Firehose has not measured it",
            ),
            (
                {"DeliveryToS3__DataFreshness": None, "IncomingRecords": 0.0},
                "delivery",
                "? delivery lag unknown: Firehose has not measured it",
            ),
            ({"Errors": 2.0}, "function", "! function 2 errors, 0 throttles in the last hour"),
        ],
    )
    def test_a_measurement_tells(
        self, parts: Parts, measure: Any, changes: dict[str, float | None], name: str, said: str
    ) -> None:
        """What is late, and what is not measured, although an earlier run than the last has delivered."""
        measure(**changes)
        parts.write_log(DONE, FAILED)
        parts.consume(enabled=True)
        parts.sqs.send_message(QueueUrl=parts.url("work"), MessageBody="{}", DelaySeconds=900)

        assert line_of(shown()[1], name) == said

    def test_a_queue_without_a_url_is_not_known(self, parts: Parts) -> None:
        """One that existed before may be given by its ARN."""
        parts.write_log(DONE)
        variables = parts.function_variables | {"DEAD_LETTER_QUEUE_URL": ""}
        parts.functions.update_function_configuration(
            FunctionName=parts.function, Environment={"Variables": variables}
        )
        code, screen = shown()

        assert (code, line_of(screen, "dead events")) == (
            0,
            "? dead events unknown: the function has no URL of the queue",
        )

    def test_alarms_that_are_raised_are_named(self, parts: Parts) -> None:
        """Composite ones, too."""
        parts.write_log(DONE)
        watch = parts.aws.client("cloudwatch")
        for name, state in (("late", "ALARM"), ("well", "OK"), ("new", "INSUFFICIENT_DATA")):
            watch.put_metric_alarm(
                AlarmName=f"{parts.prefix}-{name}",
                Namespace="N",
                MetricName="m",
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
            )
            watch.set_alarm_state(
                AlarmName=f"{parts.prefix}-{name}", StateValue=state, StateReason="for the test"
            )
        rule = f'ALARM("{parts.prefix}-late")'
        watch.put_composite_alarm(AlarmName=f"{parts.prefix}-unhealthy", AlarmRule=rule)

        assert line_of(shown()[1], "alarms") == "! alarms late, unhealthy; 1 OK, 1 without data"

    def test_what_may_not_be_read_is_not_well(self, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
        """A check that lost its permission does not pass; the others go on."""
        parts.write_log(DONE)

        def denied(*_: object, **__: object) -> None:
            raise AwsError("AWS refused: AccessDenied", 403, "AccessDenied")

        monkeypatch.setattr("tools.operate.log_search.Log.search", denied)
        monkeypatch.setattr(looks, "last_hour", denied)
        code, screen = shown()

        assert (code, line_of(screen, "metrics"), line_of(screen, "function")[0]) == (
            1,
            "?! metrics cannot be seen: AWS refused: AccessDenied",
            "?",
        )

    def test_wrong_credentials_end_it(self, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        """Every line would say the same."""

        def expired(*_: object) -> None:
            raise AwsError("the AWS credentials have expired", 400, "ExpiredToken")

        monkeypatch.setattr(looks, "last_hour", expired)

        with pytest.raises(SystemExit, match="status: the AWS credentials have expired"):
            main([])


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_and_is_plain_in_a_pipe(settings: Any, width: int) -> None:
    """No line is longer than the screen, and a pipe gets no colour and no control character."""
    parts = settings("")
    text = parts.settings.read_text(encoding="utf-8").replace('"orders"', f'"{"o" * 63}"')
    parts.settings.write_text(text, encoding="utf-8")
    parts.write_log(ERROR | {"source": "o" * 63}, FAILED | {"source": "o" * 63})
    parts.add_dead_letter({})
    _, screen = shown(width=width)

    assert max(map(len, screen.splitlines())) <= width
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f]", screen) is None
    assert "…" in screen


DOCUMENTED = {
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "Maximum"),
    ("AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", "Maximum"),
    ("AWS/Kinesis", "IncomingRecords", "StreamName", "Sum"),
    ("AWS/Kinesis", "WriteProvisionedThroughputExceeded", "StreamName", "Sum"),
    ("AWS/Lambda", "Errors", "FunctionName", "Sum"),
    ("AWS/Lambda", "Throttles", "FunctionName", "Sum"),
}
"""From AWS's pages of the metrics of each service; the local AWS has none of them."""


def test_every_metric_is_one_of_awss() -> None:
    """A metric that does not exist would be unknown for ever."""
    makers = (
        metrics.age_of,
        metrics.lag_of,
        metrics.records_of,
        metrics.refused_by,
        metrics.errors_of,
        metrics.throttles_of,
    )
    made = [make("name") for make in makers]

    assert {(each.space, each.name, each.dimension, each.statistic) for each in made} == DOCUMENTED

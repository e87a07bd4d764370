"""The event that finds the sources that stopped, by their schedules in S3 and their metrics in CloudWatch."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from url_fetcher.aws_calls import refusal_in
from url_fetcher.errors import ConfigurationError, ConfigurationUnavailable
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.intake.event import UNCONFIGURED
from url_fetcher.watch.interval import longest_interval_seconds
from url_fetcher.watch.past_runs import HOUR_SECONDS, Run, is_overdue, is_silent, look_back_seconds, runs_in

if TYPE_CHECKING:
    from url_fetcher.task import Given

T = TypeVar("T")
_URI = re.compile(r"s3://([^/]+)/(.+)")
_MAX_BYTES = 1024 * 1024
_MAX_QUERIES = 500
"""Of one call: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""

_ASKED = (("accepted", "SampleCount"), ("failed", "Sum"), ("accepted", "Sum"))
"""Metric and statistic: the events, those of them that failed, and the records."""

_AT_ONCE = _MAX_QUERIES // len(_ASKED)
_TRANSIENT_CODES = frozenset({"Throttling", "ThrottlingException", "LimitExceeded", "LimitExceededException"})


class _Watched(NamedTuple):
    """A source, its schedule and the longest time between two of its runs."""

    name: str
    schedule: str
    interval_seconds: float


class WatchTask:
    """Warns of each source that is overdue or silent, and counts it, at each such event as long as it is.

    Args:
        given: An event whose ``watch`` is the address in S3 of the schedules by the names of their sources.
    """

    name = "watch"
    source_name = ""
    metrics_source = UNCONFIGURED
    counted_later = ()

    def __init__(self, given: "Given") -> None:
        self._uri = given.event["watch"]
        if extra := sorted(given.event.keys() - {"watch"}):
            raise ConfigurationError(
                f"the event: has watch together with {', '.join(extra)[:200]}; it stands alone"
            )
        self._assembly = given.assembly
        self._deadline = given.deadlines.delivering
        self._counts: dict[str, int | float] = {"sources": 0, "overdue": 0, "silent": 0}
        self._now = time.time()

    def begin(self) -> Mapping[str, object]:
        """As ``Task``'s."""
        return {"watch": self._uri}

    def run(self) -> Mapping[str, object]:
        """As ``Task``'s.

        Raises:
            ConfigurationError: When the schedules or the metrics may not be read; not retryable.
            ConfigurationUnavailable: When S3 or CloudWatch fails; retryable.
        """
        schedules, since = self._schedules()
        self._counts["sources"] = len(schedules)
        by_look: dict[float, list[_Watched]] = {}
        for each in self._watched(schedules):
            by_look.setdefault(look_back_seconds(each.interval_seconds), []).append(each)
        for look, sources in by_look.items():
            for begin in range(0, len(sources), _AT_ONCE):
                some = sources[begin : begin + _AT_ONCE]
                for source, runs in zip(some, self._runs(some, look), strict=True):
                    self._judge(source, runs, since)
        return {}

    def counters(self) -> dict[str, int | float]:
        """As ``Task``'s."""
        return dict(self._counts)

    def metrics(self, *, failed: bool) -> dict[str, int]:
        """As ``Task``'s: those of the sources are written one by one."""
        return {"failed": 1} if failed else {}

    def answer(self) -> dict[str, object]:
        """As ``Task``'s."""
        message = "{sources} sources looked at: {overdue} overdue, {silent} silent".format(**self._counts)
        return {"message": message, "recordsProcessed": 0, **self._counts}

    def _schedules(self) -> tuple[dict[str, str], float]:
        """Returns the expression of each source, and the time since when they are deployed."""
        found = _URI.fullmatch(self._uri) if isinstance(self._uri, str) else None
        if not found:
            raise ConfigurationError(
                f"the event: watch is {str(self._uri)[:200]!r}; write it as s3://bucket/key"
            )

        def read() -> tuple[bytes, float]:
            answer = self._assembly.clients.s3.get_object(Bucket=found[1], Key=found[2])
            return answer["Body"].read(_MAX_BYTES), answer["LastModified"].timestamp()

        content, since = self._answered(read, f"the schedules at {self._uri[:200]}")
        try:
            given = msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ConfigurationError(f"the schedules at {self._uri[:200]} are not JSON: {error}") from error
        return decode_settings(given, dict[str, str], where="the schedules"), since

    def _watched(self, schedules: Mapping[str, str]) -> Iterator[_Watched]:
        """Yields what can be overdue; a schedule that is not understood is a warning."""
        today = datetime.fromtimestamp(self._now, UTC).date()
        for name, expression in schedules.items():
            try:
                interval_seconds = longest_interval_seconds(expression, today)
            except ValueError:
                self._assembly.log.warning(
                    "schedule not understood: nobody is told if its source stops",
                    source_name=name,
                    schedule=expression,
                )
                continue
            if interval_seconds is not None:
                yield _Watched(name, expression, interval_seconds)

    def _runs(self, sources: Sequence[_Watched], look_back: float) -> Iterator[list[Run]]:
        """Yields the past runs of each source."""
        environment = self._assembly.environment
        queries: list[dict[str, Any]] = [
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": environment.powertools_metrics_namespace,
                        "MetricName": metric,
                        "Dimensions": [
                            {"Name": "service", "Value": environment.powertools_service_name},
                            {"Name": "source", "Value": source.name},
                        ],
                    },
                    "Period": int(HOUR_SECONDS),
                    "Stat": statistic,
                },
            }
            for number, (source, (metric, statistic)) in enumerate(product(sources, _ASKED))
        ]
        asked: dict[str, Any] = {
            "MetricDataQueries": queries,
            "StartTime": datetime.fromtimestamp((self._now - look_back) // HOUR_SECONDS * HOUR_SECONDS, UTC),
            "EndTime": datetime.fromtimestamp(self._now, UTC),
        }
        values: dict[str, dict[float, float]] = {query["Id"]: {} for query in queries}
        while True:
            answer = self._answered(
                lambda: self._assembly.clients.cloudwatch.get_metric_data(**asked),
                "the metrics of the sources",
            )
            for result in answer["MetricDataResults"]:
                if result["StatusCode"] not in ("Complete", "PartialData"):
                    raise ConfigurationUnavailable(
                        f"CloudWatch has no answer for now: {result['StatusCode']}"
                    )
                hours = map(float, result["Timestamps"])
                values[result["Id"]].update(zip(hours, result["Values"], strict=True))
            if not answer.get("NextToken"):
                break
            asked["NextToken"] = answer["NextToken"]
        of_all = iter(values.values())
        yield from (runs_in(next(of_all), next(of_all), next(of_all)) for _ in sources)

    def _judge(self, source: _Watched, runs: Sequence[Run], since: float) -> None:
        """Warns of a source that is overdue or silent, and counts it."""
        if is_overdue(runs, interval_seconds=source.interval_seconds, since=since, now=self._now):
            found, words = "overdue", "source overdue: nothing succeeded for twice its interval"
        elif is_silent(runs):
            found, words = "silent", "source silent: it succeeds, and its records have stopped"
        else:
            return
        self._counts[found] += 1
        log = self._assembly.log
        log.warning(
            words,
            source_name=source.name,
            schedule=source.schedule,
            interval_hours=round(source.interval_seconds / HOUR_SECONDS, 2),
            last_success_hour=_hour([run.hour for run in runs]),
            last_records_hour=_hour([run.hour for run in runs if run.has_records]),
        )
        log.metrics({found: 1}, source=source.name, facts={})

    def _answered(self, call: Callable[[], T], what: str) -> T:
        """Returns the answer of S3 or CloudWatch.

        Raises:
            ConfigurationError: When it refuses the call; not retryable.
            ConfigurationUnavailable: When it fails or does not answer; retryable.
        """
        try:
            return self._deadline.bounded(call)
        except ClientError as error:
            refusal = refusal_in(error)
            is_transient = refusal.is_servers_fault or refusal.code in _TRANSIENT_CODES
            failure = ConfigurationUnavailable if is_transient else ConfigurationError
            raise failure(
                f"{what} cannot be read ({refusal.name}): the function's role needs cloudwatch:GetMetricData "
                "and s3:GetObject below config/: deploy again"
            ) from error
        except (BotoCoreError, TimeoutError, OSError) as error:
            raise ConfigurationUnavailable(f"{what}: no answer ({type(error).__name__})") from error


def _hour(hours: Sequence[float]) -> str | None:
    """Returns the last of these hours in words; None if there is none."""
    return datetime.fromtimestamp(hours[-1], UTC).isoformat() if hours else None

"""When each source ran last, by the function's log, and when it runs next, by its schedule."""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ingestion_pipeline.settings.names import SCHEDULES
from ingestion_pipeline.settings.sources.schedules import (
    DEFAULT_TIME_ZONE,
    Rate,
    ScheduleError,
    next_runs,
    parse_schedule,
    zone_of,
)
from tools.ground.aws import AwsError, client, explained
from tools.ground.text import count
from tools.operate.deployed import Deployed
from tools.operate.log_search import Log
from tools.operate.status.findings import State, span

ENDED = '"_aws".*"accepted": '
"""The line of metrics that the function writes at the end of each run, whatever its level of logging."""

DELIVERED = '"_aws".*"accepted": [1-9]'
FAILED = '"level": "ERROR"'
MIN_LOOKED_BACK = timedelta(days=2)
LOOKED_AT = 100
"""Lines among which one of this function's is looked for, should others write to its log group."""

LOOKED_BACK = tuple(timedelta(days=days) for days in (0.1, 2, 16, 70, 800))
"""How far back the last two runs of a schedule are looked for: of each hour, day, week, month, year."""

SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}
UNNAMED, OTHER_EVENTS = "default", "event"
"""Names in the log of a first source without a name, and of sources that are not configured."""


class Run(NamedTuple):
    """The last run of a source.

    Attributes:
        at: When it ended.
        accepted: How many records the stream accepted.
        text: How it ended.
        state: How that is.
    """

    at: datetime
    accepted: int
    text: str
    state: State


class Row(NamedTuple):
    """One source on the screen; a text is empty if there is nothing to say."""

    name: str
    last: Run | None
    outcome: str
    next: str
    state: State


@dataclass(frozen=True)
class Plan:
    """When a source is to run.

    Attributes:
        expression: Its schedule; empty for none.
        zone: Name of its time zone.
        late_seconds: By how much each run may be later.
        is_enabled: False if it is switched off in pipeline.toml.
    """

    expression: str = ""
    zone: str = DEFAULT_TIME_ZONE
    late_seconds: float = 0.0
    is_enabled: bool = True

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> "Plan":
        """The plan of a configured source."""
        return cls(
            str(source.get("schedule") or ""),
            str(source.get("time_zone") or DEFAULT_TIME_ZONE),
            60.0 * int(source.get("flexible_minutes") or 0),
            bool(source.get("enabled", True)),
        )

    def due_before(self, now: datetime) -> datetime | None:
        """The run before the last one that is due; None if there were not two.

        Raises:
            ScheduleError: When the schedule is none.
        """
        schedule, now = parse_schedule(self.expression), now - timedelta(seconds=self.late_seconds)
        if isinstance(schedule, Rate):
            return now - timedelta(seconds=2 * _interval_seconds(schedule))
        for back in LOOKED_BACK:
            runs = next_runs(schedule, zone_of(self.zone), now - back)
            due = deque(_until(runs, now), maxlen=2)
            if len(due) == due.maxlen:
                return due[0]
        return None

    def next_after(self, now: datetime, last: datetime | None) -> str:
        """When it runs next, in words.

        Raises:
            ScheduleError: When the schedule is none.
        """
        schedule = parse_schedule(self.expression)
        if not isinstance(schedule, Rate):
            found = next(next_runs(schedule, zone_of(self.zone), now), None)
            return f"{found.astimezone(UTC):%m-%d %H:%M}" if found else "never again"
        # Its runs follow from when AWS made the schedule.
        due = last + timedelta(seconds=_interval_seconds(schedule)) if last else now
        return f"~{due:%m-%d %H:%M}" if due > now else f"in {schedule.every}"


def _interval_seconds(rate: Rate) -> float:
    number, unit = rate.every.split()
    return float(number) * SECONDS[unit.removesuffix("s")]


def _until(runs: Iterator[datetime], end: datetime) -> Iterator[datetime]:
    for each in runs:
        if each > end:
            return
        yield each


def last_runs(log: Log, since: datetime, now: datetime) -> dict[str, Run]:
    """The last run of each source by its name in the log.

    Raises:
        NotSearched: When the log cannot be searched.
        AwsError: When AWS refuses or cannot be reached.
    """
    begin, end = since.timestamp(), now.timestamp()
    lines = log.search(ENDED, begin, end, limit=1, one_a_source=True).lines
    reasons = {}
    if any(each.fields.get("failed") for each in lines):
        failed = log.search(FAILED, begin, end, limit=1, one_a_source=True).lines
        reasons = {_event_of(each.fields): each.fields.get("error_type") for each in failed}
    return {str(each.fields.get("source")): _run(each.at, each.fields, reasons) for each in lines}


def has_delivered(log: Log, start: datetime, end: datetime) -> bool:
    """True if a run that ended in between has put records on the stream.

    Raises:
        NotSearched: When the log cannot be searched.
        AwsError: When AWS refuses or cannot be reached.
    """
    return bool(log.search(DELIVERED, start.timestamp(), end.timestamp(), limit=LOOKED_AT).lines)


def _event_of(fields: Mapping[str, Any]) -> tuple[Any, Any]:
    """What tells the lines of one event from those of others."""
    return fields.get("function_request_id"), fields.get("message_id")


def _run(at: datetime, fields: Mapping[str, Any], reasons: Mapping[Any, Any]) -> Run:
    accepted = _count(fields, "accepted")
    if fields.get("failed"):
        reason = reasons.get(_event_of(fields))
        return Run(at, accepted, str(reason or "failed"), State.BAD)
    counted = (("dead_lettered", "dead record"), ("urls_failed", "failed URL"), ("warnings", "warning"))
    beside = [count(number, thing) for name, thing in counted if (number := _count(fields, name))]
    return Run(at, accepted, ", ".join(beside) or "done", State.BAD if beside else State.GOOD)


def _count(fields: Mapping[str, Any], name: str) -> int:
    found = fields.get(name)
    return found if isinstance(found, int) else 0


def deployed_schedules(found: Deployed) -> dict[str, Mapping[str, Any]]:
    """The deployed schedules by the name of their source, with `State` and `CreationDate`.

    Raises:
        AwsError: When AWS refuses or cannot be reached.
    """
    pages = client("scheduler", os.environ, found.region).get_paginator("list_schedules")
    group = found.settings.names.of(SCHEDULES)
    try:
        with explained():
            return {
                each["Name"]: each
                for page in pages.paginate(GroupName=group)
                for each in page["Schedules"]
                if each["GroupName"] == group
            }
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return {}
        raise


class Sources:
    """What there is to say of each source.

    Args:
        found: The environment.
        now: The time.
    """

    def __init__(self, found: Deployed, now: datetime) -> None:
        sources: list[Mapping[str, Any]] = list(found.settings.sources)
        self._plans = {str(each.get("name") or UNNAMED): Plan.of(each) for each in sources}
        self._now = now
        self._log_kept = timedelta(days=found.settings.function.log_retention_days)

    @property
    def have_schedules(self) -> bool:
        """True if a source has a schedule."""
        return any(each.expression for each in self._plans.values())

    @property
    def since(self) -> datetime:
        """From when on the log has to be searched, so that each source's last two runs are in it."""
        due = [self._due_before(each) for each in self._plans.values()]
        return min([self._now - MIN_LOOKED_BACK, *filter(None, due)])

    def _due_before(self, plan: Plan) -> datetime | None:
        try:
            return plan.due_before(self._now) if plan.expression and plan.is_enabled else None
        except ScheduleError:
            return None

    def rows(
        self, runs: Mapping[str, Run] | None, schedules: Mapping[str, Mapping[str, Any]] | None
    ) -> list[Row]:
        """One row a source: those of pipeline.toml, then others that have a schedule, then other events.

        Args:
            runs: The last run of each; None if the log could not be searched.
            schedules: The deployed schedules; None if they could not be listed.
        """
        # No source's name has a dot: that is a schedule of the pipeline's own.
        others = [name for name in schedules or () if name not in self._plans and "." not in name]
        others += [OTHER_EVENTS] * (OTHER_EVENTS in (runs or ()))
        return [self._row(name, runs, schedules) for name in [*self._plans, *others]]

    def _row(
        self, name: str, runs: Mapping[str, Run] | None, schedules: Mapping[str, Mapping[str, Any]] | None
    ) -> Row:
        last, plan = (runs or {}).get(name), self._plans.get(name, Plan())
        if name == OTHER_EVENTS and last:
            # Who sent one has got the error; of the queue's events it is among the dead ones.
            return Row("(other events)", last, last.text, "", State.GOOD)
        next_run, state = self._next(name, plan, last, schedules)
        if last and last.state is State.BAD:
            return Row(name, last, last.text, next_run, State.BAD)
        if runs is None:
            return Row(name, None, "unknown", next_run, State.UNKNOWN)
        schedule = (schedules or {}).get(name, {})
        if self._is_overdue(plan, last, schedule):
            if last is None and self._is_forgotten(plan):
                return Row(name, None, "unknown: log gone", next_run, State.UNKNOWN)
            return Row(name, last, "overdue", next_run, State.BAD)
        if last is None:
            seen = span((self._now - self.since).total_seconds())
            return Row(name, None, f"no run in {seen}", next_run, state)
        return Row(name, last, last.text, next_run, state)

    def _next(
        self,
        name: str,
        plan: Plan,
        last: Run | None,
        schedules: Mapping[str, Mapping[str, Any]] | None,
    ) -> tuple[str, State]:
        if name not in self._plans:
            return "not in the file", State.UNKNOWN
        if not plan.expression:
            return "", State.GOOD
        if schedules is not None and name not in schedules:
            return "not deployed", State.UNKNOWN
        if not plan.is_enabled or (schedules or {}).get(name, {}).get("State") == "DISABLED":
            return "disabled", State.GOOD
        try:
            return plan.next_after(self._now, last.at if last else None), State.GOOD
        except ScheduleError:
            return "unknown", State.UNKNOWN

    def _is_forgotten(self, plan: Plan) -> bool:
        """True if the log is not kept for so long that the run would have to be in it."""
        due = self._due_before(plan)
        return due is not None and self._now - due > self._log_kept

    def _is_overdue(self, plan: Plan, last: Run | None, schedule: Mapping[str, Any]) -> bool:
        """True if two runs were due and none has succeeded since, nor was the schedule made since."""
        due = self._due_before(plan)
        if due is None or not schedule or schedule.get("State") == "DISABLED":
            return False
        return schedule["CreationDate"] < due and (last is None or last.at < due)

"""When a source is fetched by itself: its schedule, checked as EventBridge Scheduler reads it, and its runs.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any

from ingestion_pipeline.settings.expressions import Unknown
from ingestion_pipeline.settings.rules import Problem, is_token
from ingestion_pipeline.settings.sources.cron import Cron, CronError, parse_cron

PAGE = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
DEFAULT_TIME_ZONE = "UTC"
RATE = re.compile(r"rate\(([0-9]{1,9}) (minute|hour|day)(s?)\)")
CRON = re.compile(r"cron\((.*)\)")
NOT_OF_A_PLACE = {"Factory", "localtime"}
"""Names in a machine's database that are no time zone's."""

SCHEDULE_KEYS = ("schedule", "time_zone", "flexible_minutes", "enabled")
"""The keys of a source that only say when it is fetched."""

ScheduleTable = Mapping[str, Mapping[str, Any]] | Unknown
"""When each source is fetched: by its name `expression`, `time_zone`, `flexible_minutes` and `enabled`."""


class ScheduleError(ValueError):
    """When a schedule is none that AWS takes: says what is wrong, what is allowed, and the way out."""


@dataclass(frozen=True)
class Rate:
    """A run at once when the schedule is made, and again after each interval.

    Attributes:
        every: The interval in words, such as ``15 minutes``.
    """

    every: str


def parse_schedule(expression: str) -> Rate | Cron:
    """The meaning of an expression.

    Args:
        expression: Such as ``rate(15 minutes)`` or ``cron(0 8 ? * MON-FRI *)``.

    Raises:
        ScheduleError: When it is none of AWS's.
    """
    if expression.startswith("rate("):
        return _rate(expression)
    found = CRON.fullmatch(expression)
    if not found:
        raise ScheduleError(
            "must be a rate such as rate(15 minutes), or a cron expression such as cron(0 8 ? * MON-FRI *)"
        )
    try:
        return parse_cron(found[1])
    except CronError as error:
        raise ScheduleError(str(error)) from error


def _rate(expression: str) -> Rate:
    found = RATE.fullmatch(expression)
    number = int(found[1]) if found else 0
    if not found or not number:
        raise ScheduleError(
            "must be a positive whole number and minutes, hours or days, such as rate(15 minutes)"
        )
    unit = found[2] if number == 1 else f"{found[2]}s"
    if unit != found[2] + found[3]:
        raise ScheduleError(f"must have the unit {unit}: rate({number} {unit})")
    return Rate(f"{number} {unit}")


def next_runs(cron: Cron, zone: tzinfo, now: datetime) -> Iterator[datetime]:
    """Each run after ``now``, in the zone's own time.

    A time that the clock skips in spring is no run. One that comes twice in autumn is a run the first time.

    Args:
        cron: The times by the clock of the zone.
        zone: Where the clock is.
        now: With a zone.
    """
    for clock in cron.times(now.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)):
        moment = clock.replace(tzinfo=zone)
        instant = moment.astimezone(UTC)
        if instant > now and instant.astimezone(zone).replace(tzinfo=None) == clock:
            yield moment


def zone_of(name: str) -> tzinfo:
    """The time zone of a name in the IANA's database.

    Raises:
        ScheduleError: When there is none of that name, or this machine has no database.
    """
    if name == DEFAULT_TIME_ZONE:
        return UTC
    if not _zones():
        raise ScheduleError("cannot be checked, for this machine has no time zones: `pip install tzdata`")
    if name not in _zones():
        raise ScheduleError(
            "must be a time zone's name such as Europe/Berlin: https://www.iana.org/time-zones"
        )
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    """Every name; upper and lower case count, whatever the machine's file system says."""
    # Not for settings without a time zone.
    from zoneinfo import available_timezones

    return frozenset(available_timezones() - NOT_OF_A_PLACE)


def schedule_problems(path: str, source: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of a source's schedule that its schema cannot express.

    Args:
        path: Place of the source in the file, such as ``sources[0]``.
        source: The source as written.
    """
    expression, name = source.get("schedule"), source.get("time_zone", DEFAULT_TIME_ZONE)
    if not (isinstance(expression, str) and isinstance(name, str)) or not expression or is_token(expression):
        return
    if is_token(source.get("name")):
        advice = "must be known before Terraform runs, because `schedule` is set: it is part of an address"
        yield Problem(f"{path}.name", source["name"], advice)
    parsed: Rate | Cron | None = None
    zone: tzinfo | None = None
    try:
        parsed = parse_schedule(expression)
    except ScheduleError as error:
        yield Problem(f"{path}.schedule", expression, f"{error} ({PAGE})")
    try:
        zone = None if is_token(name) else zone_of(name)
    except ScheduleError as error:
        yield Problem(f"{path}.time_zone", name, str(error))
    if isinstance(parsed, Cron) and next(next_runs(parsed, zone or UTC, datetime.now(UTC)), None) is None:
        advice = "never runs again: give it a day or a year that comes, or leave the schedule out"
        yield Problem(f"{path}.schedule", expression, advice)

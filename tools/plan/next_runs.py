"""When each schedule runs next, as a Markdown table: ``make plan`` prints it after its summary."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from ingestion_pipeline.settings.sources.schedules import (
    Rate,
    ScheduleError,
    next_runs,
    parse_schedule,
    zone_of,
)

SHOWN = 3
HEADER = "| source | schedule | next runs |\n|---|---|---|\n"
MINUTE, CLOCK = "%a %Y-%m-%d %H:%M", "%H:%M"


def markdown(stack: Mapping[str, Any], now: datetime) -> str:
    """One row a schedule, with its next three runs by the clock of its time zone and in UTC.

    A schedule that is switched off has none. The runs of a rate follow from when the schedule is made, which
    only AWS knows.

    Args:
        stack: The synthesized Terraform JSON.
        now: The time after which runs are listed, with a zone.

    Returns:
        The table; empty for a stack without schedules.
    """
    rows = [
        f"| `{name}` | `{each['expression']}`{_place(each)} | {_runs(resource, each, now)} |\n"
        for resource in stack["resource"].get("aws_scheduler_schedule", {}).values()
        for name, each in sorted(resource["for_each"].items())
    ]
    return HEADER + "".join(rows) if rows else ""


def _place(each: Mapping[str, Any]) -> str:
    return "" if each["time_zone"] == "UTC" else f" {each['time_zone']}"


def _runs(resource: Mapping[str, Any], each: Mapping[str, Any], now: datetime) -> str:
    if not each["enabled"] or resource["state"] == "DISABLED":
        return "none: disabled"
    try:
        schedule, zone = parse_schedule(each["expression"]), zone_of(each["time_zone"])
    except ScheduleError:
        return "known to Terraform alone"  # settings are checked before, so that this is a reference
    if isinstance(schedule, Rate):
        said = f"when the schedule is made, then every {schedule.every}"
    else:
        said = ", ".join(map(_run, islice(next_runs(schedule, zone, now), SHOWN)))
    minutes = each["flexible_minutes"]
    return f"{said}; up to {minutes} min later" if minutes else said


def _run(moment: datetime) -> str:
    """Local time, and UTC where that differs."""
    instant = moment.astimezone(UTC)
    local = moment.strftime(MINUTE)
    if not moment.utcoffset():
        return f"{local} UTC"
    utc = instant.strftime(CLOCK if instant.date() == moment.date() else MINUTE)
    return f"{local} ({utc} UTC)"

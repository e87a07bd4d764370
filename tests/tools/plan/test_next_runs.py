"""The table of the next runs that ``make plan`` prints."""

from datetime import UTC, datetime
from typing import Any

from tools.plan.next_runs import markdown

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday


def rows(state: str = "ENABLED", **schedules: dict[str, Any]) -> list[str]:
    """The table's rows for these schedules of a stack."""
    defaults = {"time_zone": "UTC", "flexible_minutes": 0, "enabled": True}
    table = {name: {**defaults, **keys} for name, keys in schedules.items()}
    stack = {"resource": {"aws_scheduler_schedule": {"all": {"state": state, "for_each": table}}}}
    return markdown(stack, NOW).splitlines()[2:]


def test_the_next_three_runs_are_in_both_times() -> None:
    """By the clock of the time zone and in UTC, whose day is told where it is another."""
    assert rows(
        berlin={"expression": "cron(0 8 ? * MON-FRI *)", "time_zone": "Europe/Berlin"},
        tokyo={"expression": "cron(0 8 1 * ? *)", "time_zone": "Asia/Tokyo"},
    ) == [
        "| `berlin` | `cron(0 8 ? * MON-FRI *)` Europe/Berlin | Mon 2026-11-30 08:00 (07:00 UTC), "
        "Tue 2026-12-01 08:00 (07:00 UTC), Wed 2026-12-02 08:00 (07:00 UTC) |",
        "| `tokyo` | `cron(0 8 1 * ? *)` Asia/Tokyo | Tue 2026-12-01 08:00 (Mon 2026-11-30 23:00 UTC), "
        "Fri 2027-01-01 08:00 (Thu 2026-12-31 23:00 UTC), Mon 2027-02-01 08:00 (Sun 2027-01-31 23:00 UTC) |",
    ]


def test_utc_is_told_once() -> None:
    """There is no second time to tell; a schedule may have fewer than three runs left."""
    assert rows(once={"expression": "cron(30 6 24 12 ? 2026)"}) == [
        "| `once` | `cron(30 6 24 12 ? 2026)` | Thu 2026-12-24 06:30 UTC |"
    ]


def test_a_rate_runs_from_when_it_is_made() -> None:
    """Only AWS knows when that was."""
    assert rows(often={"expression": "rate(15 minutes)", "flexible_minutes": 5}) == [
        "| `often` | `rate(15 minutes)` | when the schedule is made, then every 15 minutes; "
        "up to 5 min later |"
    ]


def test_a_schedule_that_is_switched_off_has_no_runs() -> None:
    """Whether by its source or with the function."""
    off = rows(off={"expression": "rate(1 day)", "enabled": False})
    stopped = rows("DISABLED", off={"expression": "rate(1 day)"})

    assert off == stopped == ["| `off` | `rate(1 day)` | none: disabled |"]


def test_what_terraform_fills_in_has_no_times() -> None:
    """The plan is printed in any case."""
    assert rows(late={"expression": "${var.schedule}"}) == [
        "| `late` | `${var.schedule}` | known to Terraform alone |"
    ]


def test_a_stack_without_schedules_has_no_table() -> None:
    """Nothing is printed."""
    assert markdown({"resource": {}}, NOW) == ""

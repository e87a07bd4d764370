"""When a source was to run, and when it runs next."""

from datetime import UTC, datetime

import pytest

from tools.operate.status.runs import Plan

NOW = datetime(2026, 12, 1, 10, 30, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("plan", "due"),
    [
        (Plan("rate(15 minutes)"), datetime(2026, 12, 1, 10, 0, tzinfo=UTC)),
        (Plan("rate(1 day)"), datetime(2026, 11, 29, 10, 30, tzinfo=UTC)),
        (Plan("cron(* * * * ? *)"), datetime(2026, 12, 1, 10, 29, tzinfo=UTC)),
        (Plan("cron(0 8 * * ? *)"), datetime(2026, 11, 30, 8, tzinfo=UTC)),
        (Plan("cron(0 8 ? * MON-FRI *)", "Europe/Berlin"), datetime(2026, 11, 30, 7, tzinfo=UTC)),
        (Plan("cron(0 8 ? * SUN *)"), datetime(2026, 11, 22, 8, tzinfo=UTC)),
        (Plan("cron(0 8 1 * ? *)"), datetime(2026, 11, 1, 8, tzinfo=UTC)),
        (Plan("cron(0 8 1 1 ? *)"), datetime(2025, 1, 1, 8, tzinfo=UTC)),
        (Plan("cron(0 8 1 1 ? 2026)"), None),
        (Plan("cron(20 10 * * ? *)", late_seconds=900), datetime(2026, 11, 29, 10, 20, tzinfo=UTC)),
    ],
)
def test_the_run_before_the_last_one_by_the_schedules_own_grammar(plan: Plan, due: datetime | None) -> None:
    """A source is overdue if it has not succeeded since."""
    assert plan.due_before(NOW) == due


@pytest.mark.parametrize(
    ("plan", "last", "said"),
    [
        (Plan("rate(1 hour)"), datetime(2026, 12, 1, 10, 5, tzinfo=UTC), "~12-01 11:05"),
        (Plan("rate(1 hour)"), None, "in 1 hour"),
        (Plan("rate(15 minutes)"), datetime(2026, 12, 1, 9, 5, tzinfo=UTC), "in 15 minutes"),
        (Plan("cron(0 8 ? * MON-FRI *)", "Europe/Berlin"), None, "12-02 07:00"),
        (Plan("cron(0 8 1 1 ? 2026)"), None, "never again"),
    ],
)
def test_the_next_run_is_told_in_utc(plan: Plan, last: datetime | None, said: str) -> None:
    """That of a rate follows from when AWS made the schedule, so it is about right at best."""
    assert plan.next_after(NOW, last) == said

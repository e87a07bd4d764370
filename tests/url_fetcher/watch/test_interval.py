"""The longest time between two runs of a schedule."""

from datetime import date

import pytest

from url_fetcher.watch.interval import longest_interval_seconds

TODAY = date(2026, 12, 1)
HOUR, DAY = 3_600, 86_400


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(90 minutes)", 90 * 60),
        ("rate(2 days)", 2 * DAY),
        ("cron(* * * * ? *)", 60),
        ("cron(0/15 * * * ? *)", 15 * 60),
        ("cron(0/15 8-17 * * ? *)", 14.25 * HOUR),
        ("cron(0 8,20 * * ? *)", 12 * HOUR),
        ("cron(30 6 * * ? *)", DAY),
        ("cron(0 8 ? * MON-FRI *)", 3 * DAY),
        ("cron(0 8 ? * MON *)", 7 * DAY),
        ("cron(0 8 ? * 6L *)", 35 * DAY),
        ("cron(0 8 ? * MON#1 *)", 35 * DAY),
        ("cron(0 8 ? * L *)", 7 * DAY),
        ("cron(0 8 1 * ? *)", 31 * DAY),
        ("cron(0 8 L * ? *)", 31 * DAY),
        ("cron(0 8 LW * ? *)", 33 * DAY),
        ("cron(0 8 15W * ? *)", 32 * DAY),
        ("cron(0 8 1 JAN,JUL ? *)", 184 * DAY),
        ("cron(0 8 1 1 ? *)", 365 * DAY),
    ],
)
def test_it_is_the_longest_time_between_two_runs(expression: str, seconds: float) -> None:
    """By the expression's own grammar."""
    assert longest_interval_seconds(expression, TODAY) == seconds


@pytest.mark.parametrize("expression", ["cron(0 8 1 1 ? 2026)", "cron(0 8 * * ? 2027)", "cron(0 8 29 2 ? *)"])
def test_a_schedule_that_has_not_begun_or_is_over_has_none(expression: str) -> None:
    """What is not to run cannot be overdue."""
    assert longest_interval_seconds(expression, TODAY) is None


@pytest.mark.parametrize(
    "expression", ["", "at(2026-12-01T00:00:00)", "rate(1 week)", "cron(0 8 * * *)", "cron(x 8 * * ? *)"]
)
def test_what_is_not_known_is_an_error(expression: str) -> None:
    """It must not pass for a schedule that runs."""
    with pytest.raises(ValueError, match=r".+"):
        longest_interval_seconds(expression, TODAY)

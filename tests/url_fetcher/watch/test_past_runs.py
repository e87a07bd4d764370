"""What past runs say of a source: overdue, silent, or well."""

import pytest

from url_fetcher.watch.past_runs import Run, is_overdue, is_silent, look_back_seconds, runs_in

HOUR, DAY = 3_600.0, 86_400.0


def hourly(pattern: str) -> list[Run]:
    """Runs hour by hour: `r` has records, `.` has none."""
    return [Run(number * HOUR, each == "r") for number, each in enumerate(pattern)]


def test_a_run_is_an_hour_in_which_an_event_succeeded() -> None:
    """One that failed at first and succeeded in the same hour is a run; one that only failed is none."""
    found = runs_in({0: 1, HOUR: 3, 2 * HOUR: 1}, {HOUR: 2, 2 * HOUR: 1}, {0: 5, 2 * HOUR: 7})

    assert found == [Run(0, has_records=True), Run(HOUR, has_records=False)]


@pytest.mark.parametrize(
    ("hours", "since_hours", "overdue"),
    [(2, 0, False), (3, 0, False), (3.1, 0, True), (100, 0, True), (100, 99, False), (100, 97, True)],
)
def test_a_source_is_overdue_after_twice_its_interval(
    hours: float, since_hours: float, *, overdue: bool
) -> None:
    """Counted from the end of the hour of its last success, or from its deployment if that was later."""
    found = is_overdue(hourly("r"), interval_seconds=HOUR, since=since_hours * HOUR, now=hours * HOUR)

    assert found is overdue


@pytest.mark.parametrize(("minutes", "overdue"), [(29, False), (31, True)])
def test_one_that_runs_every_minute_has_half_an_hour(minutes: float, *, overdue: bool) -> None:
    """Its metrics come later than its next run."""
    now = HOUR + minutes * 60

    assert is_overdue(hourly("r"), interval_seconds=60, since=0, now=now) is overdue


@pytest.mark.parametrize(("days", "overdue"), [(13, False), (15, True)])
def test_one_that_never_succeeded_is_overdue_by_its_deployment(days: float, *, overdue: bool) -> None:
    """A weekly source that was deployed two weeks ago has had its time."""
    assert is_overdue([], interval_seconds=7 * DAY, since=0, now=days * DAY) is overdue


def test_no_source_waits_longer_than_cloudwatch_remembers() -> None:
    """Twice a year is more than the 455 days for which a success can be seen."""
    assert is_overdue([], interval_seconds=365 * DAY, since=0, now=456 * DAY)


FULL, NIGHTS = "r" * 24 * 8, ("r" * 16 + "." * 8) * 8
WEEKEND = "r" * 24 * 5 + "." * 24 * 2 + "r" * 24


@pytest.mark.parametrize(
    ("pattern", "silent"),
    [
        (FULL + "..", False),
        (FULL + "...", True),
        (FULL + "...r", False),
        (FULL + "r", False),
        (NIGHTS + "." * 8, False),
        (NIGHTS[:-8] + "." * 17, True),
        (WEEKEND + "." * 96, False),
        (WEEKEND + "." * 97, True),
        ("." * 24 * 14, False),
        ("." * 24 * 13 + "rr" + "." * 600, False),
        ("r" * 24 * 6 + "." * 24, False),
        ("", False),
    ],
    ids=[
        "two empty runs", "three empty runs", "records again", "records all the time", "the next night",
        "longer than two nights", "two weekends", "longer than two weekends", "always empty",
        "seldom records", "not yet a week of runs", "no runs",
    ],
)  # fmt: skip
def test_a_source_is_silent_if_it_was_never_empty_for_so_long(pattern: str, *, silent: bool) -> None:
    """Measured against its own runs, so that one that is often empty never is."""
    assert is_silent(hourly(pattern)) is silent


@pytest.mark.parametrize(
    ("interval", "days"), [(60, 14), (DAY, 15), (7 * DAY, 105), (31 * DAY, 455), (365 * DAY, 455)]
)
def test_runs_are_looked_at_for_fifteen_intervals(interval: float, days: float) -> None:
    """At least for two weeks, at most as long as CloudWatch keeps the sums of an hour."""
    assert look_back_seconds(interval) == days * DAY

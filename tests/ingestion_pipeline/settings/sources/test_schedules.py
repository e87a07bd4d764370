"""When a source is fetched by itself: what is refused of a schedule, and the runs of one."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion_pipeline.settings.sources import schedules
from ingestion_pipeline.settings.sources.cron import Cron, parse_cron
from ingestion_pipeline.settings.sources.schedules import (
    Rate,
    ScheduleError,
    next_runs,
    parse_schedule,
    zone_of,
)
from ingestion_pipeline.settings.sources.sources import ConfiguredSources, source_problems

URL = "https://example.com/records"
TOKEN = "${TfToken[TOKEN.7]}"

# Each of these has a change of its clock nearby; Lord Howe's is half an hour.
CHANGES = [
    ("Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2027, 10, 31, 1, tzinfo=UTC)),
    ("America/Los_Angeles", datetime(2027, 3, 14, 10, tzinfo=UTC)),
    ("America/Los_Angeles", datetime(2027, 11, 7, 9, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 10, 2, 15, 30, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2027, 3, 28, 1, tzinfo=UTC)),
]


def problems(**keys: Any) -> list[str]:
    """What is wrong with a source that has these keys."""
    return [str(problem) for problem in source_problems([{"name": "a", "url": URL, **keys}])]


def local_runs(expression: str, zone: str, now: datetime, count: int) -> list[str]:
    """The next runs by the zone's clock."""
    cron = parse_schedule(expression)
    assert isinstance(cron, Cron)
    return [f"{run:%m-%d %H:%M}" for run in islice(next_runs(cron, zone_of(zone), now), count)]


@pytest.mark.parametrize("rate", ["1 minute", "15 minutes", "1 hour", "2 hours", "1 day", "5 days"])
def test_a_rate_is_a_number_and_a_unit(rate: str) -> None:
    """One has the unit in the singular, more in the plural."""
    assert parse_schedule(f"rate({rate})") == Rate(rate)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("rate(1 minutes)", "must have the unit minute: rate(1 minute)"),
        ("rate(5 hour)", "must have the unit hours: rate(5 hours)"),
        ("rate(0 minutes)", "must be a positive whole number"),
        ("rate(-5 minutes)", "must be a positive whole number"),
        ("rate(1.5 hours)", "must be a positive whole number"),
        ("rate(30 seconds)", "minutes, hours or days"),
        ("rate(5  minutes)", "minutes, hours or days"),
        ("every hour", "must be a rate such as rate(15 minutes), or a cron"),
        ("at(2027-01-01T00:00:00)", "must be a rate such as rate(15 minutes), or a cron"),
        ("cron(0 8 * * ? *) ", "must be a rate such as rate(15 minutes), or a cron"),
        ("cron(0 25 * * ? *)", "hours: '25' is not 0 to 23"),
    ],
)
def test_a_refused_schedule_says_what_is_allowed(expression: str, words: str) -> None:
    """The error is about the part that is wrong."""
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(expression)

    assert words in str(caught.value)


class TestInASource:
    def test_a_refused_schedule_is_one_problem(self) -> None:
        """It names the field, the value, the limit and AWS's page, and not its form a second time."""
        assert problems(schedule="cron(0 8 ? * mon-fri *)") == [
            "sources[0].schedule = 'cron(0 8 ? * mon-fri *)': day-of-week: 'mon' is not 1 to 7, "
            f"or SUN to SAT ({schedules.PAGE}), in the source 'a'"
        ]

    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            ({"schedule": "cron(0 8 31 2 ? *)"}, "schedule = 'cron(0 8 31 2 ? *)': never runs again"),
            ({"schedule": "cron(0 8 1 1 ? 1999)"}, "never runs again"),
            (
                {"schedule": "cron(30 2 28 3 ? 2027)", "time_zone": "Europe/Berlin"},
                "never runs again",
            ),
            ({"schedule": "rate(1 hour)", "time_zone": "Europe/Bonn"}, "time_zone = 'Europe/Bonn': must be"),
            ({"schedule": "rate(1 hour)", "time_zone": "europe/berlin"}, "such as Europe/Berlin"),
            ({"schedule": "rate(1 hour)", "time_zone": "localtime"}, "such as Europe/Berlin"),
            ({"schedule": "rate(1 hour)", "time_zone": "../etc/passwd"}, "such as Europe/Berlin"),
            ({"schedule": "rate(1 hour)", "time_zone": 1}, "time_zone = 1: must be of type string"),
            ({"schedule": "rate(1 hour)", "flexible_minutes": 1441}, "must be at most 1440"),
            ({"schedule": "rate(1 hour)", "flexible_minutes": -1}, "must be at least 0"),
            ({"schedule": "rate(1 hour)", "enabled": "no"}, "enabled = 'no': must be of type boolean"),
            ({"schedule": "rate(1 hour)", "name": None}, "'name' is a required property, because `schedule`"),
            ({"schedule": "rate(1 hour)", "name": TOKEN}, "name = '${TfToken[TOKEN.7]}': must be known"),
            ({"schedule": 5}, "schedule = 5: must be of type string"),
            ({"time_zone": "Europe/Berlin"}, "'schedule' is a required property, because `time_zone` is set"),
            ({"flexible_minutes": 5}, "'schedule' is a required property, because `flexible_minutes`"),
            ({"enabled": False}, "'schedule' is a required property, because `enabled` is set"),
        ],
    )
    def test_each_mistake_is_named(self, keys: dict[str, Any], words: str) -> None:
        """What AWS would refuse, what would never run and what goes with nothing, is refused at synth."""
        (said,) = problems(**keys)

        assert words in said

    @pytest.mark.parametrize(
        "keys",
        [
            {"schedule": ""},
            {"schedule": None, "time_zone": None},
            {"schedule": TOKEN, "time_zone": TOKEN},
            {"schedule": "rate(1 hour)", "time_zone": TOKEN},
            {"schedule": "cron(30 2 29 2 ? *)", "time_zone": "America/New_York", "flexible_minutes": 1440},
        ],
    )
    def test_nothing_else_is_refused(self, keys: dict[str, Any]) -> None:
        """Nothing given is no schedule, and what only Terraform will know is checked by AWS."""
        assert problems(**keys) == []

    def test_a_machine_without_time_zones_says_how_to_get_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The package with the database is named."""
        monkeypatch.setattr(schedules, "_zones", frozenset)

        assert problems(schedule="rate(1 hour)", time_zone="Europe/Berlin") == [
            "sources[0].time_zone = 'Europe/Berlin': cannot be checked, for this machine has no time zones: "
            "`pip install tzdata`, in the source 'a'"
        ]

    def test_the_table_has_the_schedules_alone(self) -> None:
        """A source without one is not in it, and what is not given has its default."""
        sources: list[Any] = [
            {"url": URL},
            {"name": "a", "url": URL, "schedule": "rate(1 day)", "time_zone": None},
            {"name": "b", "url": URL, "schedule": ""},
        ]

        assert ConfiguredSources(sources).schedules == {
            "a": {"expression": "rate(1 day)", "time_zone": "UTC", "flexible_minutes": 0, "enabled": True}
        }


class TestRuns:
    def test_a_time_that_the_clock_skips_is_no_run(self) -> None:
        """AWS's example: 2:30 in Los Angeles is left out when the clock goes from 1:59 to 3:00."""
        now = datetime(2027, 3, 13, 12, tzinfo=UTC)

        assert local_runs("cron(30 2 * * ? *)", "America/Los_Angeles", now, 2) == [
            "03-15 02:30",
            "03-16 02:30",
        ]

    def test_a_time_that_comes_twice_is_one_run(self) -> None:
        """AWS's example: 2:30 of the day on which the clock goes back comes before the shift alone."""
        zone = ZoneInfo("Europe/Berlin")
        before, between = datetime(2027, 10, 31, 0, tzinfo=UTC), datetime(2027, 10, 31, 0, 45, tzinfo=UTC)
        cron = parse_cron("30 2 * * ? *")
        first, second = (next(next_runs(cron, zone, now)).astimezone(UTC) for now in (before, between))

        assert (first, second) == (
            datetime(2027, 10, 31, 0, 30, tzinfo=UTC),
            datetime(2027, 11, 1, 1, 30, tzinfo=UTC),
        )

    @given(
        change=st.sampled_from(CHANGES),
        hours=st.integers(-30, 5),
        minutes=st.sampled_from(["0", "0/15", "7,59", "*/7", "*"]),
        hour=st.sampled_from(["*", "2", "1-3", "0/2", "23,0"]),
    )
    def test_runs_are_the_minutes_whose_clock_matches(
        self, change: tuple[str, datetime], hours: int, minutes: str, hour: str
    ) -> None:
        """Around a change of the clock, they are the minutes of UTC that show the time first."""
        name, moment = change
        zone, now = ZoneInfo(name), moment + timedelta(hours=hours)
        cron = parse_cron(f"{minutes} {hour} * * ? *")
        until = now + timedelta(hours=36)
        every = [(now + timedelta(minutes=past)).astimezone(zone) for past in range(1, 36 * 60 + 1)]
        found = takewhile(lambda run: run.astimezone(UTC) <= until, next_runs(cron, zone, now))

        assert [run.astimezone(UTC) for run in found] == [
            each.astimezone(UTC)
            for each in every
            if each.fold == 0 and each.minute in cron.minutes and each.hour in cron.hours
        ]

    def test_a_run_is_after_now(self) -> None:
        """The minute that has begun is over."""
        now = datetime(2026, 1, 1, 8, 0, 0, 1, tzinfo=UTC)

        assert local_runs("cron(0 8 * * ? *)", "UTC", now, 1) == ["01-02 08:00"]

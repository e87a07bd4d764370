"""AWS's cron expressions, each rule by the sentence of the page that says it.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion_pipeline.settings.sources.cron import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    DAYS,
    FIELDS,
    HOURS,
    MINUTES,
    MONTH,
    MONTHS,
    CronError,
    Field,
    parse_cron,
)

SINCE = datetime(2026, 1, 1)  # a Thursday


def first(fields: str, count: int = 3) -> list[str]:
    """The first times from the beginning of 2026 on, to the minute."""
    return [moment.isoformat(" ", "minutes") for moment in islice(parse_cron(fields).times(SINCE), count)]


def problem(fields: str) -> str:
    """Why it is refused."""
    with pytest.raises(CronError) as caught:
        parse_cron(fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("fields", "times"),
    [
        ("15 10 * * ? *", ["2026-01-01 10:15", "2026-01-02 10:15"]),
        ("0 0 1 JAN,FEB,MAR ? *", ["2026-01-01 00:00", "2026-02-01 00:00", "2026-03-01 00:00"]),
        ("0 0 14-15 * ? *", ["2026-01-14 00:00", "2026-01-15 00:00", "2026-02-14 00:00"]),
        ("0 * 1 1 ? *", ["2026-01-01 00:00", "2026-01-01 01:00"]),
        ("1/10 0 1 1 ? 2026", [f"2026-01-01 00:{minute}1" for minute in range(6)]),
        ("*/20 0 1 1 ? 2026", ["2026-01-01 00:00", "2026-01-01 00:20", "2026-01-01 00:40"]),
        ("5-30/20 0 1 1 ? 2026", ["2026-01-01 00:05", "2026-01-01 00:25"]),
        ("0 0 7 * ? *", ["2026-01-07 00:00", "2026-02-07 00:00"]),
        ("0 0 L * ? *", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
        ("0 0 ? * L *", ["2026-01-03 00:00", "2026-01-10 00:00"]),
        ("0 0 ? * 7 *", ["2026-01-03 00:00", "2026-01-10 00:00"]),
        ("0 0 3W * ? *", ["2026-01-02 00:00", "2026-02-03 00:00", "2026-03-03 00:00"]),
        ("0 0 1W 8 ? *", ["2026-08-03 00:00"]),
        ("0 0 31W 5 ? *", ["2026-05-29 00:00"]),
        ("0 0 LW 1,2 ? *", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("0 0 ? * 3#2 *", ["2026-01-13 00:00", "2026-02-10 00:00"]),
        ("0 0 ? * TUE#2 *", ["2026-01-13 00:00", "2026-02-10 00:00"]),
        ("0 0 ? * 6#5 *", ["2026-01-30 00:00", "2026-05-29 00:00"]),
        ("15 10 ? * 6L 2026-2027", ["2026-01-30 10:15", "2026-02-27 10:15"]),
        ("0 18 ? * MON-FRI *", ["2026-01-01 18:00", "2026-01-02 18:00", "2026-01-05 18:00"]),
        ("0 0 29 2 ? *", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("08 09 1 1 ? 2026", ["2026-01-01 09:08"]),
    ],
)
def test_times_are_those_that_the_page_describes(fields: str, times: list[str]) -> None:
    """Each wildcard means what AWS says of it."""
    assert first(fields, len(times)) == times


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_field_holds_its_whole_range(field: Field) -> None:
    """The lowest and the highest number are taken."""
    assert field.values(f"{field.minimum},{field.maximum}") == {field.minimum, field.maximum}


@pytest.mark.parametrize(("field", "names"), [(MONTH, MONTHS), (DAY_OF_WEEK, DAYS)])
def test_names_stand_for_numbers(field: Field, names: tuple[str, ...]) -> None:
    """JAN is 1 and SUN is 1."""
    assert [field.value(name) for name in names] == list(range(1, len(names) + 1))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("", "needs 6: minutes hours day-of-month month day-of-week year"),
        ("0 0 * * ?", "has 5 fields"),
        ("0  0 * * ? *", "one space between them"),
        ("0 0 * * ? * *", "has 7 fields"),
        ("0 0 * * * *", "exactly one of the two must be ?"),
        ("0 0 ? * ? *", "exactly one of the two must be ?"),
        ("0 0 1 * MON *", "exactly one of the two must be ?"),
        ("? 0 1 * ? *", "minutes: '?'"),
        ("0 0 1 ? ? *", "month: '?'"),
        ("60 0 * * ? *", "minutes: '60' is not 0 to 59"),
        ("0 24 * * ? *", "hours: '24' is not 0 to 23"),
        ("0 0 32 * ? *", "day-of-month: '32' is not 1 to 31"),
        ("0 0 0 * ? *", "day-of-month: '0' is not 1 to 31"),
        ("0 0 * 0 ? *", "month: '0' is not 1 to 12"),
        ("0 0 ? * 0 *", "day-of-week: '0' is not 1 to 7"),
        ("0 0 0W * ? *", "day-of-month: '0' is not 1 to 31"),
        ("0 0 * 13 ? *", "month: '13' is not 1 to 12, or JAN to DEC"),
        ("0 0 ? * 8 *", "day-of-week: '8' is not 1 to 7, or SUN to SAT"),
        ("0 0 ? * mon *", "day-of-week: 'mon' is not 1 to 7, or SUN to SAT"),
        ("0 0 * * ? 1969", "year: '1969' is not 1970 to 2199"),
        ("0 0 * * ? 2200", "year: '2200' is not 1970 to 2199"),
        ("0 20-2 * * ? *", "hours: '20-2' ends before it begins: write 20-23,0-2"),
        ("0/0 0 * * ? *", "the step '0', which is not 1 to 59"),
        ("0/60 0 * * ? *", "the step '60', which is not 1 to 59"),
        ("0 0/24 * * ? *", "the step '24', which is not 1 to 23"),
        ("*-5 0 * * ? *", "minutes: '*-5' is no number, range or step"),
        ("1,,2 0 * * ? *", "minutes: '' is no number, range or step"),
        ("-5 0 * * ? *", "minutes: '-5' is no number, range or step"),
        ("0 0 ? * 2/2 *", "day-of-week: '2/2' has a step, and this field has none"),
        ("0 0 ? * 3#1,6#3 *", "day-of-week: '3#1,6#3' has # with other values"),
        ("0 0 ? * 3#6 *", "'6' after #, which is not 1 to 5"),
        ("0 0 ? * 3#0 *", "'0' after #, which is not 1 to 5"),
        ("0 0 ? * 2,6L *", "day-of-week: '2,6L' has L with other values"),
        ("0 0 15,L * ? *", "day-of-month: '15,L' has L with other values"),
        ("0 0 L-3 * ? *", "day-of-month: 'L-3' has L with other values"),
        ("0 0 1W,15W * ? *", "day-of-month: '1W,15W' has W with other values"),
        ("0 0 ٣ * ? *", "day-of-month: '٣' is not 1 to 31"),
    ],
)
def test_what_is_refused_is_named_with_what_is_allowed(fields: str, words: str) -> None:
    """The error names the field, its value and its limit, or the way to write it."""
    assert words in problem(fields)


@dataclass(frozen=True)
class Written:
    """A field as it is written, and whether a value is one of it, both from the same parts.

    Attributes:
        text: The field.
        has: Whether a number, or a date, matches.
    """

    text: str
    has: Callable[..., bool]


@st.composite
def lists(draw: st.DrawFn, field: Field) -> Written:
    """Lists of numbers, ranges and steps."""
    parts = draw(st.lists(items(field), min_size=1, max_size=4))
    return Written(
        ",".join(part.text for part in parts), lambda number: any(part.has(number) for part in parts)
    )


@st.composite
def items(draw: st.DrawFn, field: Field) -> Written:
    """One number, range or step."""
    low, high = sorted(draw(st.tuples(*[st.integers(field.minimum, field.maximum)] * 2)))
    step = draw(st.integers(1, field.max_step)) if field.max_step else 1
    kinds = {
        str(low): lambda number: number == low,
        "*": lambda _: True,
        f"{low}-{high}": lambda number: low <= number <= high,
    }
    if field.max_step:
        kinds |= {
            f"{low}/{step}": lambda number: number >= low and (number - low) % step == 0,
            f"*/{step}": lambda number: (number - field.minimum) % step == 0,
            f"{low}-{high}/{step}": lambda number: low <= number <= high and (number - low) % step == 0,
        }
    return Written(*draw(st.sampled_from(sorted(kinds.items(), key=lambda kind: kind[0]))))


def number_of(day: date) -> int:
    """Of the day of the week: Sunday is 1."""
    return DAYS.index(day.strftime("%a").upper()) + 1


def weekdays(day: date) -> list[int]:
    """The Mondays to Fridays of its month."""
    every = [date(day.year, day.month, 1) + timedelta(days=past) for past in range(31)]
    return [each.day for each in every if each.month == day.month and each.isoweekday() <= 5]


def has_day(day: date, number: int) -> bool:
    """Whether its month has that many days."""
    try:
        day.replace(day=number)
    except ValueError:
        return False
    return True


@st.composite
def days(draw: st.DrawFn) -> tuple[Written, str]:
    """A day-of-month or a day-of-week, and which of the two it is."""
    number, weekday, place = draw(st.integers(1, 31)), draw(st.integers(1, 7)), draw(st.integers(1, 5))
    of_month, of_week = draw(lists(DAY_OF_MONTH)), draw(lists(DAY_OF_WEEK))
    week = timedelta(days=7)
    kinds = [
        (Written(of_month.text, lambda day: of_month.has(day.day)), "month"),
        (Written("L", lambda day: (day + timedelta(days=1)).day == 1), "month"),
        (Written("LW", lambda day: day.day == weekdays(day)[-1]), "month"),
        (
            Written(
                f"{number}W",
                lambda day: (
                    has_day(day, number)
                    and day.day == min(weekdays(day), key=lambda each: abs(each - number))
                ),
            ),
            "month",
        ),
        (Written(of_week.text, lambda day: of_week.has(number_of(day))), "week"),
        (Written("L", lambda day: day.strftime("%a") == "Sat"), "week"),
        (
            Written(
                f"{weekday}L",
                lambda day: number_of(day) == weekday and (day + week).month != day.month,
            ),
            "week",
        ),
        (
            Written(
                f"{weekday}#{place}",
                lambda day: number_of(day) == weekday and (day.day - 1) // 7 + 1 == place,
            ),
            "week",
        ),
    ]
    return draw(st.sampled_from(kinds))


@given(days=days(), month=lists(MONTH), start=st.dates(date(1999, 1, 1), date(2150, 1, 1)))
def test_days_are_those_that_match_one_by_one(days: tuple[Written, str], month: Written, start: date) -> None:
    """Of two years, the dates are those of which each alone has the day and the month."""
    day, of = days
    both = f"{day.text} {month.text} ?" if of == "month" else f"? {month.text} {day.text}"
    every = [start + timedelta(days=past) for past in range(731)]
    midnights = parse_cron(f"0 0 {both} *").times(datetime.combine(start, datetime.min.time()))
    found = [moment.date() for moment in takewhile(lambda moment: moment.date() <= every[-1], midnights)]

    assert found == [each for each in every if day.has(each) and month.has(each.month)]


@given(minutes=lists(MINUTES), hours=lists(HOURS), since=st.integers(0, 1439))
def test_times_are_those_that_match_one_by_one(minutes: Written, hours: Written, since: int) -> None:
    """Of the rest of a day, the times are those of which each alone has the hour and the minute."""
    every = [SINCE + timedelta(minutes=minute) for minute in range(since, 1440)]
    cron = parse_cron(f"{minutes.text} {hours.text} 1 1 ? 2026")

    assert list(cron.times(every[0])) == [
        each for each in every if minutes.has(each.minute) and hours.has(each.hour)
    ]

"""The longest time between two runs of a schedule, from its expression, which AWS has accepted.

The clock's changes are left out: they make a run at most an hour later.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

DAY_SECONDS = 86_400.0
_UNITS = {"minute": 60.0, "hour": 3_600.0, "day": DAY_SECONDS}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAYS_A_WEEK = 7
_SEEN_DAYS = 400
"""A schedule that runs once a year has a run before today, and one after it."""

Matches = Callable[[date], bool]


def longest_interval_seconds(expression: str, today: date) -> float | None:
    """Returns the longest time between two runs; None before its first run and after its last, within a year.

    Raises:
        ValueError: When the expression is none that is known here.
    """
    if rate := _RATE.fullmatch(expression):
        return int(rate[1]) * _UNITS[rate[2]]
    cron = _CRON.fullmatch(expression)
    if not cron:
        raise ValueError(f"{expression!r} is neither rate(…) nor cron(…)")
    minutes, hours = _values(cron[1], 0, 59), _values(cron[2], 0, 23)
    clock = sorted(hour * 3_600.0 + minute * 60 for hour in hours for minute in minutes)
    matches = _matches(*cron.groups()[2:])
    around = (today + timedelta(number) for number in range(-_SEEN_DAYS, _SEEN_DAYS + 1))
    days = [day for day in around if all(each(day) for each in matches)]
    if not days or not days[0] < today <= days[-1]:
        return None
    across = [(later - day).days * DAY_SECONDS + clock[0] - clock[-1] for day, later in pairwise(days)]
    return max([*across, *(later - earlier for earlier, later in pairwise(clock))])


def _matches(day_of_month: str, month: str, day_of_week: str, year: str) -> tuple[Matches, ...]:
    """Returns the conditions of the fields from the day of the month on."""
    months, years = _values(month, 1, 12, _MONTHS), _values(year, 1970, 2199)
    return (
        lambda day: day.year in years and day.month in months,
        _of_month(day_of_month),
        _of_week(day_of_week),
    )


def _of_month(text: str) -> Matches:
    if text == "L":
        return lambda day: day.day == _last(day)
    if text == "LW":
        return lambda day: day.day == _weekday_near(day, _last(day))
    if text.endswith("W"):
        return lambda day: int(text[:-1]) <= _last(day) and day.day == _weekday_near(day, int(text[:-1]))
    chosen = _values(text, 1, 31)
    return lambda day: day.day in chosen


def _of_week(text: str) -> Matches:
    """Returns the condition of the day of the week, which begins with Sunday, 1."""
    if text == "L":
        return lambda day: day.isoweekday() % _DAYS_A_WEEK + 1 == _DAYS_A_WEEK
    name, _, place = text.partition("#")
    chosen = _values(name.removesuffix("L"), 1, _DAYS_A_WEEK, _DAYS)
    is_last = name.endswith("L")

    def matches(day: date) -> bool:
        is_chosen = day.isoweekday() % _DAYS_A_WEEK + 1 in chosen
        in_place = not place or (day.day - 1) // _DAYS_A_WEEK + 1 == int(place)
        return is_chosen and in_place and (not is_last or day.day + _DAYS_A_WEEK > _last(day))

    return matches


def _values(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    """Returns the numbers of a list of numbers, names, ranges and steps."""

    def number(word: str) -> int:
        return names.index(word) + low if word in names else int(word)

    chosen: set[int] = set()
    for item in text.replace("?", "*").split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        begin = low if first == "*" else number(first)
        end = number(last) if last else high if first == "*" or step else begin
        chosen.update(range(begin, end + 1, int(step or 1)))
    return chosen


def _last(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _weekday_near(day: date, number: int) -> int:
    """Returns the Monday to Friday of the same month that is closest to a day of it."""
    weekday = day.replace(day=number).isoweekday()
    if weekday == 6:
        return number - 1 if number > 1 else number + 2
    if weekday == 7:
        return number + 1 if number < _last(day) else number - 2
    return number

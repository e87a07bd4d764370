"""AWS's cron expressions: what each of the six fields may hold, and the times that they name.

The grammar is that of https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.
What the page does not say is refused where it can be written in another way: ``22-2``, ``fri``, ``L-3``.
"""

import re
from calendar import SATURDAY, SUNDAY, monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
DAYS_A_WEEK = 7
MOST_WEEKS = 5
"""Of a month in which one day of the week comes."""

ANY = "?"
ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\w+))?")

DaysOf = Callable[[int, int], Sequence[int]]
"""The days of a year's month."""


class CronError(ValueError):
    """When an expression is none of AWS's: says which field, what it has, and what it may have."""


@dataclass(frozen=True)
class Field:
    """The values of one field.

    Attributes:
        name: As AWS calls it.
        minimum: The lowest number.
        maximum: The highest number.
        names: Names for the numbers from the lowest on.
        max_step: The highest number after a slash; 0: no slash.
    """

    name: str
    minimum: int
    maximum: int
    max_step: int
    names: tuple[str, ...] = ()

    def value(self, text: str) -> int:
        """A number, or the number of a name.

        Raises:
            CronError: When it is neither, or out of range.
        """
        if text in self.names:
            return self.names.index(text) + self.minimum
        # Years have four digits, which no other field's range lets through.
        if re.fullmatch(r"[0-9]{1,4}", text) and self.minimum <= int(text) <= self.maximum:
            return int(text)
        names = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
        raise CronError(f"{self.name}: {text!r} is not {self.minimum} to {self.maximum}{names}")

    def values(self, text: str) -> frozenset[int]:
        """The numbers of a list of numbers, ranges and steps.

        Raises:
            CronError: When it is no such list.
        """
        return frozenset(value for item in text.split(",") for value in self._item(item))

    def _item(self, text: str) -> range:
        found = ITEM.fullmatch(text)
        if not found or (found["first"] == "*" and found["last"]):
            raise CronError(
                f"{self.name}: {text!r} is no number, range or step, such as {self.minimum}, "
                f"{self.minimum}-{self.maximum} or *"
            )
        first = self.minimum if found["first"] == "*" else self.value(found["first"])
        is_one = found["first"] != "*" and not found["step"]
        last = self.value(found["last"]) if found["last"] else first if is_one else self.maximum
        if first > last:
            raise CronError(
                f"{self.name}: {text!r} ends before it begins: write {found['first']}-{self.maximum},"
                f"{self.minimum}-{found['last']}"
            )
        return range(first, last + 1, self._step(text, found["step"]))

    def _step(self, item: str, text: str | None) -> int:
        if text is None:
            return 1
        if not self.max_step:
            raise CronError(f"{self.name}: {item!r} has a step, and this field has none: list the values")
        if re.fullmatch(r"[0-9]{1,3}", text) and 1 <= int(text) <= self.max_step:
            return int(text)
        raise CronError(f"{self.name}: {item!r} has the step {text!r}, which is not 1 to {self.max_step}")


MINUTES, HOURS = Field("minutes", 0, 59, 59), Field("hours", 0, 23, 23)
DAY_OF_MONTH = Field("day-of-month", 1, 31, 31)
MONTH = Field("month", 1, 12, 12, MONTHS)
DAY_OF_WEEK = Field("day-of-week", 1, 7, 0, DAYS)
YEAR = Field("year", 1970, 2199, 229)
FIELDS = (MINUTES, HOURS, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR)


@dataclass(frozen=True)
class Cron:
    """The times that an expression names, in the time of some place.

    Attributes:
        minutes: Minutes of each hour.
        hours: Hours of each day.
        days: Days of a month.
        months: Months of each year.
        years: Those in which it runs.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: DaysOf
    months: frozenset[int]
    years: frozenset[int]

    def times(self, since: datetime) -> Iterator[datetime]:
        """Each time from ``since`` on, in order.

        Args:
            since: Without a zone, like the times that come back.
        """
        clock = [time(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes)]
        for day in self._dates(since.date()):
            for each in clock:
                if (moment := datetime.combine(day, each)) >= since:
                    yield moment

    def _dates(self, since: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= since.year):
            for month in sorted(self.months):
                found = [date(year, month, day) for day in self.days(year, month)]
                yield from (day for day in found if day >= since)


def parse_cron(fields: str) -> Cron:
    """The times that the six fields name.

    Args:
        fields: Text in the parentheses, such as ``0 8 ? * MON-FRI *``.

    Raises:
        CronError: When it is none of AWS's expressions; not worth a retry.
    """
    parts = fields.split(" ")
    if len(parts) != len(FIELDS):
        raise CronError(
            f"has {len(parts)} fields with one space between them, and needs {len(FIELDS)}: "
            f"{' '.join(field.name for field in FIELDS)}; a year that does not matter is *"
        )
    minutes, hours, day_of_month, month, day_of_week, year = parts
    if (day_of_month == ANY) == (day_of_week == ANY):
        raise CronError("day-of-month, day-of-week: exactly one of the two must be ?, which means any")
    return Cron(
        MINUTES.values(minutes),
        HOURS.values(hours),
        _days_of_week(day_of_week) if day_of_month == ANY else _days_of_month(day_of_month),
        MONTH.values(month),
        YEAR.values(year),
    )


def _days_of_month(text: str) -> DaysOf:
    if text == "L":
        return lambda year, month: [_last(year, month)]
    if text == "LW":
        return lambda year, month: [_nearest_weekday(year, month, _last(year, month))]
    if found := re.fullmatch(r"(\w+)W", text):
        near = DAY_OF_MONTH.value(found[1])
        # A month without that day has none that is close to it.
        return lambda year, month: [_nearest_weekday(year, month, near)] if near <= _last(year, month) else []
    _refuse_in_a_list(DAY_OF_MONTH, text, "LW")
    chosen = sorted(DAY_OF_MONTH.values(text))
    return lambda year, month: [day for day in chosen if day <= _last(year, month)]


def _days_of_week(text: str) -> DaysOf:
    if text == "L":
        return lambda year, month: _each(year, month, DAYS_A_WEEK)
    if found := re.fullmatch(r"(\w+)L", text):
        last = DAY_OF_WEEK.value(found[1])
        return lambda year, month: _each(year, month, last)[-1:]
    if found := re.fullmatch(r"(\w+)#(\w+)", text):
        day = DAY_OF_WEEK.value(found[1])
        if found[2] not in map(str, range(1, MOST_WEEKS + 1)):
            raise CronError(
                f"{DAY_OF_WEEK.name}: {text!r} has {found[2]!r} after #, which is not 1 to {MOST_WEEKS}"
            )
        place = int(found[2])
        return lambda year, month: _each(year, month, day)[place - 1 : place]
    _refuse_in_a_list(DAY_OF_WEEK, text, "L#")
    chosen = DAY_OF_WEEK.values(text)
    return lambda year, month: sorted(day for each in chosen for day in _each(year, month, each))


def _refuse_in_a_list(field: Field, text: str, signs: str) -> None:
    """Refuse what stands alone in a field or not at all."""
    for sign in signs:
        if sign in text:
            raise CronError(
                f"{field.name}: {text!r} has {sign} with other values: it must be the field's only one"
            )


def _last(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _each(year: int, month: int, day_of_week: int) -> list[int]:
    """Every day of the month that is this day of the week, counted from Sunday, which is 1."""
    first = date(year, month, 1).isoweekday() % DAYS_A_WEEK + 1
    start = 1 + (day_of_week - first) % DAYS_A_WEEK
    return list(range(start, _last(year, month) + 1, DAYS_A_WEEK))


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The Monday to Friday of the same month that is closest to the day."""
    weekday = date(year, month, day).weekday()
    if weekday == SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == SUNDAY:
        return day + 1 if day < _last(year, month) else day - 2
    return day

"""What a source's past runs say: it is overdue, its records have stopped, or all is well."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

HOUR_SECONDS = 3_600.0
"""CloudWatch keeps the sums of an hour for 455 days:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html"""

LONGEST_KEPT_SECONDS = 455 * 24 * HOUR_SECONDS
MISSED_INTERVALS = 2
SHORTEST_WAIT_SECONDS = 1_800.0
"""A run may wait in the queue, and its metrics come minutes later."""

_SHORTEST_LOOK_SECONDS = 14 * 24 * HOUR_SECONDS
_LOOK_INTERVALS = 15
_FEWEST_RUNS = 3
_RHYTHM_SECONDS = 7 * 24 * HOUR_SECONDS
"""The nights and the weekend of a source have to be seen before their silence is told from another one."""


class Run(NamedTuple):
    """The runs of a source that began in the same hour, of which at least one succeeded.

    Attributes:
        hour: Its start, in seconds since 1970.
        has_records: True if they brought records.
    """

    hour: float
    has_records: bool


def look_back_seconds(interval_seconds: float) -> float:
    """Returns how far back the runs of a source are looked at."""
    return min(LONGEST_KEPT_SECONDS, max(_SHORTEST_LOOK_SECONDS, _LOOK_INTERVALS * interval_seconds))


def runs_in(
    events: Mapping[float, float], failed: Mapping[float, float], records: Mapping[float, float]
) -> list[Run]:
    """Returns the runs, the oldest first.

    Args:
        events: The events of the source, by the hour.
        failed: Those of them that failed.
        records: The accepted records.
    """
    succeeded = [hour for hour, count in sorted(events.items()) if count > failed.get(hour, 0)]
    return [Run(hour, records.get(hour, 0) > 0) for hour in succeeded]


def is_overdue(runs: Sequence[Run], *, interval_seconds: float, since: float, now: float) -> bool:
    """True if nothing succeeded for twice the interval, or for half an hour if that is longer.

    A run counts as if it had been at the end of its hour, so that none is overdue too early.

    Args:
        runs: The oldest first.
        interval_seconds: The longest time between two runs.
        since: The time at which the schedules were deployed; nothing is overdue by what was before.
        now: The time.
    """
    last = runs[-1].hour + HOUR_SECONDS if runs else 0.0
    wait = max(SHORTEST_WAIT_SECONDS, MISSED_INTERVALS * interval_seconds)
    return now - max(last, since) > min(wait, LONGEST_KEPT_SECONDS)


def is_silent(runs: Sequence[Run]) -> bool:
    """True if a source that had records has had none for longer than ever, by its own runs.

    The last runs without records must be three at least, and more than twice as many as ever came one after
    the other in the runs before. Those have to be a week long, with records three times. So a source that is
    often empty, at night or at weekends, is not silent.
    """
    stretches = [(full, len(list(group))) for full, group in groupby(runs, key=lambda run: run.has_records)]
    if not stretches or stretches[-1][0]:
        return False
    empty = stretches[-1][1]
    before = runs[: len(runs) - empty]
    if (
        sum(run.has_records for run in before) < _FEWEST_RUNS
        or runs[-empty].hour - before[0].hour < _RHYTHM_SECONDS
    ):
        return False
    longest = max((count for full, count in stretches[:-1] if not full), default=0)
    return empty >= max(_FEWEST_RUNS, MISSED_INTERVALS * longest + 1)

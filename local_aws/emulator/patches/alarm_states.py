"""CloudWatch: an alarm's state follows from its own metric, period by period, once a minute.

AWS looks at each alarm every minute: at the metric with exactly its dimensions, at as many periods as it has
to breach in, with what it says of missing data. If some points are missing, the newest ones of a longer range
count, here two periods more; only what is still missing is filled. The emulator looks only when metrics are
put, at all dimensions together, at one value for all periods, and never at metric math.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

``ALARM_TIME_SCALE`` (default 1) shortens the minute and every period: with 0.01, 300 s last 3 s. What an
alarm says of its period stays as it is. Periods end now, not at a full minute.
"""

import logging
import operator
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from local_aws.emulator.patches import patch_point
from local_aws.emulator.patches.metric_values import Unsupported, Value, computed, statistic

CLOUDWATCH = patch_point.Private(
    cloudwatch,
    "alarms",
    "dispatch_alarm_actions",
    "evaluate_all_alarms",
    "evaluate_parent_alarms",
    "record_history",
)

TIME_SCALE_VARIABLE = "ALARM_TIME_SCALE"
EVALUATED_EVERY_SECONDS = 60.0
SHORTEST_PAUSE_SECONDS = 0.2
MORE_PERIODS = 2
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
MEASURED: list[tuple[Any, Callable[[], None]]] = []
"""What is measured before alarms are evaluated: a store by account and Region, and what measures there."""

logger = logging.getLogger("cloudwatch.alarms")
Alarm = dict[str, Any]


def apply() -> None:
    """Replaces the evaluation, and starts to evaluate every minute."""
    scale = float(os.environ.get(TIME_SCALE_VARIABLE, "1"))
    if not scale > 0:
        raise ValueError(f"{TIME_SCALE_VARIABLE} is {scale}; it must be greater than 0, 1 is AWS's own pace")
    patch_point.wrap(cloudwatch, "_evaluate_alarm", _evaluate, scale)
    pause = max(SHORTEST_PAUSE_SECONDS, EVALUATED_EVERY_SECONDS * scale)
    threading.Thread(target=_evaluate_for_ever, args=(pause,), name="alarms", daemon=True).start()


def _evaluate_for_ever(pause: float) -> None:
    while True:
        time.sleep(pause)
        for store, look in [*MEASURED, (CLOUDWATCH.alarms, CLOUDWATCH.evaluate_all_alarms)]:
            for account, region in {key[:2] for key in list(store._data)}:  # noqa: SLF001 - by scope and name
                with request_scope(account, region):
                    look()


def _evaluate(_: Callable[[Alarm], None], scale: float, alarm: Alarm) -> None:
    """Moves the alarm to the state that follows, in place of the emulator's own evaluation."""
    if alarm["AlarmName"] not in CLOUDWATCH.alarms:
        return
    periods = alarm["EvaluationPeriods"]
    try:
        points = _points(alarm, periods + MORE_PERIODS, scale)
    except Unsupported:
        logger.exception("alarm %s", alarm["AlarmName"])
        return
    breaches = COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    if breaches is None:
        return
    are = [None if value is None else breaches(value, alarm["Threshold"]) for value in points]
    old, new = alarm["StateValue"], state_of(are, alarm)
    if new is None or new == old:
        return
    reason = (
        f"Threshold Crossed: of the last {periods} datapoints, newest first, {points[:periods]} "
        f"{alarm['ComparisonOperator']} {alarm['Threshold']}: {new}"
    )
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    CLOUDWATCH.record_history(alarm["AlarmName"], old, new, reason)
    CLOUDWATCH.dispatch_alarm_actions(alarm, old, new, reason)
    CLOUDWATCH.evaluate_parent_alarms(alarm)


def state_of(are_breaching: Sequence[bool | None], alarm: Mapping[str, Any]) -> str | None:
    """The state that follows; None to keep the one that it has.

    Args:
        are_breaching: Whether the point of each period breaches, the newest first; None: missing.
        alarm: Its ``EvaluationPeriods``, ``DatapointsToAlarm`` and ``TreatMissingData``.
    """
    periods, treatment = alarm["EvaluationPeriods"], alarm.get("TreatMissingData") or "missing"
    needed = alarm.get("DatapointsToAlarm") or periods
    there = [each for each in are_breaching if each is not None][:periods]
    if not there and treatment == "missing":
        return "INSUFFICIENT_DATA"
    filled = (periods - len(there)) * (treatment == "breaching")
    if sum(there) + filled >= needed:
        return "ALARM"
    return None if treatment == "ignore" and len(there) < periods else "OK"


def _points(alarm: Mapping[str, Any], count: int, scale: float) -> list[Value]:
    """The value of each of the last periods, the newest first."""
    queries = alarm.get("Metrics") or [
        {
            "Id": "metric",
            "MetricStat": {
                "Metric": alarm,
                "Period": alarm["Period"],
                "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
            },
        }
    ]
    now, found = time.time(), []
    for number in range(count):
        values: dict[str, Value] = {}
        for query in queries:
            if stat := query.get("MetricStat"):
                period = stat["Period"] * scale
                end = now - number * period
                values[query["Id"]] = statistic(stat["Metric"], stat["Stat"], end - period, end)
        for query in queries:
            if text := query.get("Expression"):
                values[query["Id"]] = computed(text, values)
        (told,) = [each["Id"] for each in queries if each.get("ReturnData", True)]
        found.append(values[told])
    return found

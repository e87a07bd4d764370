"""CloudWatch: an alarm is described as it was put, also over the Query protocol, which Terraform speaks.

The emulator drops metric math and what happens without data, gives a statistic to alarms that have none, and
describes over the Query protocol only a few attributes, so that every second plan wants to change an alarm.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from local_aws.emulator.patches import patch_point

CLOUDWATCH = patch_point.Private(cloudwatch, "alarms", "evaluate_alarm", "ts_iso", "xml")

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Answer]
LISTS = ("AlarmNames", "AlarmTypes")
WHOLE = ("Period", "MaxRecords")


def apply() -> None:
    """Replaces PutMetricAlarm, PutCompositeAlarm and DescribeAlarms."""
    patch_point.wrap(cloudwatch, "_put_metric_alarm", _put)
    patch_point.wrap(cloudwatch, "_describe_alarms", _describe)


def nested(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a Query request as JSON would have them; texts stay texts but for a few."""
    tree: dict[str, Any] = {}
    for name, values in parameters.items():
        *path, last = name.split(".")
        place = tree
        for step in path:
            place = place.setdefault(step, {})
        place[last] = _typed(last, values[0] if isinstance(values, list) else values)
    return _with_lists(tree)  # type: ignore[no-any-return]


def _typed(name: str, text: str) -> Any:
    return int(text) if name in WHOLE else text == "true" if name == "ReturnData" else text


def _with_lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"member"}:
        return [
            _with_lists(each) for _, each in sorted(tree["member"].items(), key=lambda item: int(item[0]))
        ]
    return {name: _with_lists(each) for name, each in tree.items()}


def _put(original: Handler, parameters: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Answer:
    answer = original(parameters, data, is_cbor, is_json)
    given = data if is_cbor or is_json else nested(parameters)
    alarm = CLOUDWATCH.alarms.get(given.get("AlarmName"))
    if answer[0] != 200 or alarm is None:
        return answer
    alarm["InsufficientDataActions"] = given.get("InsufficientDataActions", [])
    if metrics := given.get("Metrics"):
        alarm["Metrics"] = metrics
        for name in ("Statistic", "Period", "Dimensions", "MetricName", "Namespace"):
            alarm.pop(name, None)
    elif alarm.get("ExtendedStatistic"):
        alarm.pop("Statistic", None)
    CLOUDWATCH.evaluate_alarm(alarm)
    return answer


def _describe(original: Handler, parameters: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Answer:
    if is_cbor or is_json:
        return original(parameters, data, is_cbor, is_json)
    status, _, body = original(parameters, nested(parameters), False, True)
    if status != 200:
        return original(parameters, data, is_cbor, is_json)
    result: Answer = CLOUDWATCH.xml(
        200, "DescribeAlarmsResponse", _element("DescribeAlarmsResult", json.loads(body))
    )
    return result


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        inner = "".join(_element(key, each) for key, each in value.items())
    elif isinstance(value, list):
        inner = "".join(_element("member", each) for each in value)
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = escape(CLOUDWATCH.ts_iso(value) if name.endswith("Timestamp") else str(value))
    return f"<{name}>{inner}</{name}>"

"""CloudWatch: DescribeAlarms over the Query protocol describes all of an alarm.

AWS returns every setting of a metric or composite alarm in any protocol, and ``Statistic`` only if
no ``ExtendedStatistic`` was set. The emulator does so in JSON (but for ``Statistic``) and leaves
most of it out of the XML that the Terraform provider reads, so that every second plan wants to
change the alarm. Metric-math alarms stay incomplete: the emulator forgets their queries.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from local_aws.emulator.patches import patch_point

Handler = Callable[..., tuple[int, dict[str, str], bytes]]
MEMBER = re.compile(r"(AlarmNames|AlarmTypes)\.member\.\d+")
PLAIN = ("AlarmNamePrefix", "StateValue", "MaxRecords", "NextToken")


def apply() -> None:
    """Replaces DescribeAlarms.

    Raises:
        EmulatorChanged: If a private name is missing.
    """
    patch_point.wrap(cloudwatch, "_describe_alarms", _complete)


def _complete(original: Handler) -> Handler:
    as_xml = patch_point.seam(cloudwatch, "_xml")

    def describe(params: Mapping[str, Any], data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            return original(params, data, is_cbor, is_json)
        status, _, body = original({}, request_from(params), False, True)
        if status != 200:
            return original(params, data, is_cbor, is_json)
        alarms = json.loads(body)
        for alarm in alarms.get("MetricAlarms", []):
            if alarm.get("ExtendedStatistic"):
                alarm.pop("Statistic", None)
        return as_xml(200, "DescribeAlarmsResponse", element("DescribeAlarmsResult", alarms))

    return describe


def request_from(params: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON form of a Query request: ``AlarmNames.member.1`` and its like become lists."""
    request: dict[str, Any] = {}
    for key, value in params.items():
        text = value[0] if isinstance(value, list) else value
        match = MEMBER.fullmatch(key)
        if match:
            request.setdefault(match[1], []).append(text)
        elif key in PLAIN:
            request[key] = text
    return request


def element(name: str, value: Any) -> str:
    """A JSON value in the Query protocol's XML: ``member`` lists, ISO times, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, dict):
        inner = "".join(element(key, item) for key, item in value.items())
    elif isinstance(value, list):
        inner = "".join(element("member", item) for item in value)
    elif isinstance(value, bool):
        inner = str(value).lower()
    elif name.endswith("Timestamp"):
        inner = datetime.fromtimestamp(float(value), UTC).isoformat()
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"

"""CloudWatch: GetMetricData answers for exactly the dimensions asked for, the newest first, and computes.

The emulator takes a metric without dimensions for all that have some, gives the oldest first, and knows no
metric math. Its sums are right. Queries of SEARCH or SELECT fail as before.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch

from local_aws.emulator.patches import patch_point
from local_aws.emulator.patches.metric_values import Unsupported, Value, computed, points_of, statistic

CLOUDWATCH = patch_point.Private(
    cloudwatch, "cbor_metric_data_result", "cbor_ok", "json_ok", "parse_ts", "ts_iso"
)

Answer = tuple[int, dict[str, str], bytes]
Series = dict[float, Value]
"""The value of each period that has one, by its start."""


def apply() -> None:
    """Replaces GetMetricData in JSON and CBOR."""
    patch_point.wrap(cloudwatch, "_get_metric_data", _get)


def _get(
    original: Callable[..., Answer],
    parameters: Any,
    data: Any,
    is_cbor: bool,
    is_json: bool = False,
) -> Answer:
    if not (is_cbor or is_json):
        return original(parameters, data, is_cbor, is_json)
    start, end = (CLOUDWATCH.parse_ts(data[name]) for name in ("StartTime", "EndTime"))
    queries, series, failures = data["MetricDataQueries"], {}, {}
    for query in queries:
        if stat := query.get("MetricStat"):
            series[query["Id"]] = _series(stat, start, end)
    for query in queries:
        if text := query.get("Expression"):
            try:
                series[query["Id"]] = _computed(text, series)
            except Unsupported as error:
                series[query["Id"]], failures[query["Id"]] = {}, str(error)
    is_ascending = data.get("ScanBy") == "TimestampAscending"
    results = [
        _result(query, series[query["Id"]], failures.get(query["Id"]), is_ascending=is_ascending)
        for query in queries
        if query.get("ReturnData", True)
    ]
    if is_json:
        return CLOUDWATCH.json_ok({"MetricDataResults": results})  # type: ignore[no-any-return]
    encoded = [CLOUDWATCH.cbor_metric_data_result(each) for each in results]
    return CLOUDWATCH.cbor_ok({"MetricDataResults": encoded})  # type: ignore[no-any-return]


def _series(stat: Mapping[str, Any], start: float, end: float) -> Series:
    period = int(stat["Period"])
    times = [each["Timestamp"] for each in points_of(stat["Metric"])]
    begins = sorted({int(time // period) * period for time in times if start <= time < end})
    return {
        begin: statistic(stat["Metric"], stat["Stat"], max(start, begin), min(end, begin + period))
        for begin in begins
    }


def _computed(expression: str, series: Mapping[str, Series]) -> Series:
    times = sorted({time for each in series.values() for time in each})
    found = {
        time: computed(expression, {id_: each.get(time) for id_, each in series.items()}) for time in times
    }
    return {time: value for time, value in found.items() if value is not None}


def _result(
    query: Mapping[str, Any], series: Series, failure: str | None, *, is_ascending: bool
) -> dict[str, Any]:
    times = sorted(series, reverse=not is_ascending)
    metric = query.get("MetricStat", {}).get("Metric", {})
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or metric.get("MetricName") or query["Id"],
        "Timestamps": [CLOUDWATCH.ts_iso(time) for time in times],
        "Values": [series[time] for time in times],
        "StatusCode": "InternalError" if failure else "Complete",
        **({"Messages": [{"Code": "Unsupported", "Value": failure}]} if failure else {}),
    }

"""CloudWatch Logs: a line in the embedded metric format is metrics, too. The emulator keeps only the line.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

from local_aws.emulator.patches import patch_point

CLOUDWATCH = patch_point.Private(cloudwatch, "store_datum")


def apply() -> None:
    """Replaces how events reach a log stream."""
    patch_point.wrap(cloudwatch_logs, "_append_log_events", _append)


def _append(original: Callable[..., None], stream: Any, events: Sequence[Mapping[str, Any]]) -> None:
    original(stream, events)
    for event in events:
        text = event.get("message", "")
        if text.startswith("{") and '"_aws"' in text:
            try:
                _store(json.loads(text))
            except (ValueError, KeyError, TypeError):
                continue  # AWS too keeps the line, and no metric of it


def _store(line: Mapping[str, Any]) -> None:
    moment = line["_aws"]["Timestamp"] / 1000
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(line[name]) for name in names}
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                CLOUDWATCH.store_datum(
                    directive["Namespace"],
                    metric["Name"],
                    dimensions,
                    moment,
                    metric.get("Unit", "None"),
                    None,
                    values if isinstance(values, list) else [values],
                    None,
                    None,
                )

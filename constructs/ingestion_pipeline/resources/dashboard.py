"""The dashboard: what came in, what went out, how late, and what failed, by source and against each alarm.

It is drawn from the alarms' own table. A new source or a new alarm appears by itself.
"""

from collections.abc import Iterator
from typing import Any

from constructs import Construct

from ingestion_pipeline.bindings import CloudwatchDashboard
from ingestion_pipeline.resources.alarms_table import (
    ALARMS,
    DEAD_LETTERS,
    DELIVERY,
    HOUR,
    MINUTE,
    SOURCES,
    STREAM,
    Alarm,
    Metric,
    Watched,
)
from ingestion_pipeline.resources.bill import Price
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.documents import expression, json_object
from ingestion_pipeline.settings.expressions import Condition, Unknown, all_of
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.names import Name

NAME = Name("dashboard", "pipeline", 255)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html"""

PRICE = Price("a dashboard, a month, beyond three of an account", "3.00", "cloudwatch")
WIDTH, HEIGHT, COLUMNS = 12, 6, 2
"""A dashboard is 24 units wide:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""

CAME_IN, WENT_OUT, FAILED = "What came in", "What went out", "What failed"
BY_SOURCE = {
    "Records by source": ("accepted",),
    "Failures by source": ("failed", "dead_lettered", "urls_failed", "warnings", "overdue", "silent"),
}
"""Metrics that CloudWatch finds for every source, by the title of their widget."""

WITHOUT_ALARM = (Metric(DELIVERY, "DeliveryToS3.Records"),)

CAPABILITY = Capability(
    file="dashboard",
    names=(NAME,),
    reads={
        "aws_cloudwatch_dashboard": Read(
            "{dashboard_name}", ("cloudwatch::{account}:dashboard/{name}",), ("cloudwatch:GetDashboard",)
        )
    },
)


class Dashboard(Construct):
    """A dashboard of one pipeline.

    Creates: the dashboard, if it is wanted.

    Args:
        watched: The parts that have metrics.
    """

    def __init__(self, scope: Construct, id_: str, *, watched: Watched) -> None:
        super().__init__(scope, id_)
        names = watched.settings.names
        body = json_object({"start": "-P1D", "widgets": widgets(watched)})
        dashboard = CloudwatchDashboard(self, "dashboard", dashboard_name=names.of(NAME), dashboard_body=body)
        exist_only_if(dashboard, watched.settings.alarms.dashboard)


def widgets(watched: Watched) -> list[dict[str, Any]]:
    """The widgets in two columns."""
    panels: dict[str, list[tuple[Metric, Alarm | None]]] = {CAME_IN: [], WENT_OUT: [], FAILED: []}
    for metric, alarm in _drawn():
        panels.setdefault(_panel(metric), []).append((metric, alarm))
    properties = [_search(title, metrics, watched) for title, metrics in BY_SOURCE.items()]
    properties += [_graph(title, drawn, watched) for title, drawn in panels.items()]
    return [
        {
            "type": "metric",
            "x": index % COLUMNS * WIDTH,
            "y": index // COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {"region": watched.settings.names.region, "view": "timeSeries", **each},
        }
        for index, each in enumerate(properties)
    ]


def _drawn() -> Iterator[tuple[Metric, Alarm | None]]:
    """Each metric, with the alarm whose threshold it is held against."""
    for alarm in ALARMS:
        yield from ((metric, None if alarm.expression else alarm) for metric in alarm.metrics)
    yield from ((metric, None) for metric in WITHOUT_ALARM)


def _panel(metric: Metric) -> str:
    """The title of the widget of a metric."""
    if metric.unit != "Count":
        # Days, beside which minutes would not show.
        what = "Age of dead letters" if metric.part is DEAD_LETTERS else "How late"
        return f"{what}, in {metric.unit.lower()}"
    return {STREAM: CAME_IN, DELIVERY: WENT_OUT}.get(metric.part, FAILED)


def _search(title: str, metrics: tuple[str, ...], watched: Watched) -> dict[str, Any]:
    # A source is a value of a dimension that is searched for, so that a new one needs no change.
    wanted = " OR ".join(f'"{each}"' for each in metrics)
    found = f'{{{SOURCES.namespace},service,source}} MetricName=({wanted}) service="{watched.function}"'
    return {"title": title, "metrics": [[{"expression": f"SEARCH('{found}', 'Sum', {HOUR})", "label": ""}]]}


def _graph(title: str, drawn: list[tuple[Metric, Alarm | None]], watched: Watched) -> dict[str, Any]:
    lines, settings = list(_lines(drawn, watched)), watched.settings
    limits = [
        {"label": alarm.name, "value": settings.alarms.threshold(alarm.name, above)}
        for _, alarm in drawn
        if alarm and (above := alarm.above(settings))
    ]
    known: Any = [line for line, exists in lines if exists is True]
    if len(known) < len(lines):
        every = [{"line": line, "exists": exists} for line, exists in lines]
        known = Unknown(f"[for each in {expression(every)} : each.line if each.exists]")
    return {"title": title, "metrics": known, **({"annotations": {"horizontal": limits}} if limits else {})}


def _lines(
    drawn: list[tuple[Metric, Alarm | None]], watched: Watched
) -> Iterator[tuple[list[Any], Condition]]:
    """Each line of a graph, and the condition under which its part exists."""
    settings = watched.settings
    for metric, alarm in drawn:
        called = alarm.name if alarm else metric.name
        part = metric.part
        for form in watched.streams if part.of_each_form else [Form.LINES]:
            wanted = part.exists(watched)
            exists = all_of(wanted, settings.forms.exists(form)) if part.of_each_form else wanted
            if exists:
                place = [part.namespace, metric.name, part.dimension, part.name(watched, form)]
                label = f"{called}{form.value}"
                yield [*place, {"stat": metric.statistic, "period": 5 * MINUTE, "label": label}], exists

"""The documents about alarms: the table of all, and the picture of the dashboard, from what is deployed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ingestion_pipeline.resources.alarms import COMPOSITE, METRIC, monthly_usd
from ingestion_pipeline.resources.alarms_table import ALARMS, Alarm, Watched
from ingestion_pipeline.resources.dashboard import widgets
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.settings import Settings

UNIT_WIDTH, UNIT_HEIGHT, TOP = 40, 36, 30
"""Pixels of a unit of the dashboard's grid, and above it."""
PLOT_LEFT, PLOT_TOP, PLOT_HEIGHT = 12, 34, 78
LEGEND_COLUMNS, LEGEND_LINE, LEGEND_TOP = 2, 14, 130
COLOURS = ("#2f6f9f", "#d08c2e", "#4f8a5b", "#8a5a9f", "#b0504a", "#5f8f9f", "#9f8f3f", "#6f6f6f")
LIMIT_COLOUR = "#c0392b"
POINTS = 48
SOURCES = ("orders", "prices", "stock")
NAME = "orders-prod"


def alarms_table() -> str:
    """Markdown: one row an alarm, with its threshold by default."""
    header = "| alarm | metric | above | in | why | USD |\n|---|---|--:|---|---|--:|\n"
    whole = (
        f"| [`unhealthy`](runbook.md#unhealthy) | any other alarm | | | | {COMPOSITE.usd} |\n"
        f"| **all, USD a month** | | | | | {monthly_usd(Settings())} |\n"
    )
    return header + "".join(map(_row, ALARMS)) + whole


def _row(alarm: Alarm) -> str:
    unit = alarm.metrics[0].unit.lower()
    above = f"{alarm.above(Settings()):,}{'' if unit == 'count' else f' {unit}'}"
    names = [f"`{metric.part.namespace}` `{metric.name}`" for metric in alarm.metrics]
    metric = f"`{alarm.expression}`, the sums of {' and '.join(names)}" if alarm.expression else names[0]
    if not alarm.expression:
        metric += f", {alarm.metrics[0].statistic.lower()}"
    times = f"{alarm.breaching} of {alarm.of} times " if alarm.of > 1 else ""
    cells = (
        f"[`{alarm.name}`](runbook.md#{alarm.name})",
        metric,
        above,
        f"{times}{alarm.period // 60} min",
        alarm.reason,
        f"{len(alarm.metrics) * METRIC.usd}",
    )
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |")


def dashboard_picture() -> str:
    """The dashboard as SVG, with made-up values."""
    drawn = widgets(_example())
    height = TOP + UNIT_HEIGHT * max(each["y"] + each["height"] for each in drawn)
    width = UNIT_WIDTH * max(each["x"] + each["width"] for each in drawn)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11" fill="#222">'
    )
    parts = [
        head,
        f'<rect width="{width}" height="{height}" fill="#f2f3f3"/>',
        _text(12, 20, f"The dashboard {NAME}-pipeline, with made-up values", 'font-size="14"'),
    ]
    for index, each in enumerate(drawn):
        parts += _widget(each, index)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _example() -> Watched:
    """A pipeline with a schedule."""
    sources: Any = [{"name": SOURCES[0], "url": "https://example.com", "schedule": "rate(1 hour)"}]
    return Watched(
        settings=Settings(sources=sources),
        function=f"{NAME}-fetch",
        work_queue=f"{NAME}-work",
        dead_letters=f"{NAME}-dead-letters",
        dead_letters_are_here=True,
        schedules=f"{NAME}-schedules",
        streams={Form.LINES: f"{NAME}-stream"},
        deliveries={Form.LINES: f"{NAME}-delivery"},
    )


def _widget(widget: Mapping[str, Any], number: int) -> Iterator[str]:
    left, top = widget["x"] * UNIT_WIDTH, TOP + widget["y"] * UNIT_HEIGHT
    width, height = widget["width"] * UNIT_WIDTH, widget["height"] * UNIT_HEIGHT
    properties = widget["properties"]
    yield f'<g transform="translate({left},{top})">'
    yield f'<rect x="4" y="4" width="{width - 8}" height="{height - 8}" rx="4" fill="#fff" stroke="#d5dbdb"/>'
    yield _text(PLOT_LEFT, 22, properties["title"], 'font-weight="bold"')
    names = _legend(properties["metrics"])
    # Usually nothing fails.
    level = 0.0 if "fail" in properties["title"].lower() else 0.2
    inner = width - 2 * PLOT_LEFT
    yield f'<line x1="{PLOT_LEFT}" x2="{PLOT_LEFT + inner}" y1="112" y2="112" stroke="#aaa"/>'
    for index, name in enumerate(names):
        colour = COLOURS[index % len(COLOURS)]
        yield f'<polyline points="{_curve(inner, number * 7 + index, level)}" fill="none" stroke="{colour}"/>'
        x = PLOT_LEFT + index % LEGEND_COLUMNS * inner // LEGEND_COLUMNS
        y = LEGEND_TOP + index // LEGEND_COLUMNS * LEGEND_LINE
        yield f'<rect x="{x}" y="{y - 8}" width="8" height="8" fill="{colour}"/>'
        yield _text(x + 12, y, name, 'font-size="9.5"')
    limits = properties.get("annotations", {}).get("horizontal", [])
    most = max((limit["value"] for limit in limits), default=1)
    for limit in limits:
        y = PLOT_TOP + PLOT_HEIGHT - 0.92 * PLOT_HEIGHT * limit["value"] / most
        yield (
            f'<line x1="{PLOT_LEFT}" x2="{PLOT_LEFT + inner}" y1="{y:.0f}" y2="{y:.0f}" '
            f'stroke="{LIMIT_COLOUR}" stroke-dasharray="4 3"/>'
        )
        label = f"{limit['label']}: {limit['value']:,}"
        yield _text(PLOT_LEFT + inner, round(y) - 3, label, f'text-anchor="end" fill="{LIMIT_COLOUR}"')
    yield "</g>"


def _legend(metrics: Sequence[Sequence[Any]]) -> list[str]:
    """The names of the lines; those of a search are the sources."""
    return (
        list(SOURCES) if "expression" in metrics[0][0] else [str(metric[-1]["label"]) for metric in metrics]
    )


def _curve(width: int, seed: int, level: float) -> str:
    """Points of a made-up line about a level, with a bump."""
    points = []
    for step in range(POINTS + 1):
        wave = level * (1 + 0.3 * math.sin(step / 3 + seed) + 0.2 * math.sin(step * 1.7 + 2 * seed))
        bump = 0.3 * math.exp(-(((step - (seed * 11) % POINTS) / 2) ** 2))
        y = PLOT_TOP + PLOT_HEIGHT * (1 - wave - bump)
        points.append(f"{PLOT_LEFT + width * step / POINTS:.0f},{y:.0f}")
    return " ".join(points)


def _text(x: int, y: int, text: str, style: str) -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'

"""The picture of the report: bars for each tool."""

from html import escape
from math import log10

from benchmarks.ours import OURS
from benchmarks.results import Results

_WIDTH, _LEFT, _BAR, _GAP, _TOP = 860, 310, 15, 14, 74
_COLOURS = ("#2f6f9f", "#d08c2e")


def picture(results: Results) -> str:
    """Records a second for each tool at both round trips, as bars on a logarithmic scale, in SVG."""
    (first, fast), (second, slow) = list(results.tables.items())[:2]
    most = max(figure.rate for figure in (*fast, *slow))
    height = _TOP + len(fast) * (2 * _BAR + _GAP) + 10
    text = '<text x="{}" y="{}" {}>{}</text>'.format
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13" fill="#222">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        text(16, 24, 'font-size="16" font-weight="bold"', "Records a second, more is better (logarithmic)"),
    ]
    for index, title in enumerate((first, second)):
        y = 40 + 16 * index
        parts.append(f'<rect x="16" y="{y}" width="11" height="11" fill="{_COLOURS[index]}"/>')
        parts.append(text(34, y + 10, "", escape(title)))
    for row, pair in enumerate(zip(fast, slow, strict=True)):
        y = _TOP + row * (2 * _BAR + _GAP) + 4
        weight = 'font-weight="bold"' if pair[0].variant.startswith(OURS) else ""
        parts.append(text(_LEFT - 10, y + _BAR + 4, f'text-anchor="end" {weight}', escape(pair[0].variant)))
        for index, figure in enumerate(pair):
            length = _length(figure.rate, most)
            top = y + index * _BAR
            bar = f'<rect x="{_LEFT}" y="{top}" width="{length:.0f}" height="{_BAR - 2}"'
            parts.append(f'{bar} fill="{_COLOURS[index]}"/>')
            parts.append(text(f"{_LEFT + length + 6:.0f}", top + 11, 'font-size="11"', f"{figure.rate:,.0f}"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _length(rate: float, most: float) -> float:
    least = 10.0
    return max(1.0, (log10(rate) - log10(least)) / (log10(most) - log10(least)) * (_WIDTH - _LEFT - 80))

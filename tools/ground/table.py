"""A table for a terminal."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from tools.ground.text import one_line


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table without rules; numbers are right-aligned, with a comma between thousands."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    cells = [list(row) for row in rows]
    for number, title in enumerate(titles):
        is_number = bool(cells) and all(isinstance(row[number], int) for row in cells)
        made.add_column(title, justify="right" if is_number else "left", overflow="fold", header_style="dim")
    for row in cells:
        made.add_row(*(f"{each:,}" if isinstance(each, int) else Text(one_line(str(each))) for each in row))
    return made

"""What the demo says at the end, as a person wants to see it."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local_aws.demo.lake import Comparison, LakeObject
from local_aws.demo.screen import Step

SHOWN_OBJECTS = 12
SHOWN_CHARACTERS = 240
BAR_WIDTH = 30
SHOWN_FAULTS = 5


def show_outputs(console: Console, outputs: Mapping[str, object]) -> None:
    """The stack's outputs, by name."""
    table = _table("name", "value")
    table.columns[1].overflow = "fold"
    for name, value in outputs.items():
        table.add_row(name, str(value))
    _print(console, "Outputs", table)


def show_objects(console: Console, bucket: str, objects: Sequence[LakeObject]) -> None:
    """Key, size and number of records of the first twelve objects, and of all together."""
    table = _table("key", "bytes", "records")
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.justify = "right"
    for item in objects[:SHOWN_OBJECTS]:
        table.add_row(item.key, f"{item.size_bytes:,}", f"{len(item.lines):,}")
    if len(objects) > SHOWN_OBJECTS:
        table.add_row(f"and {len(objects) - SHOWN_OBJECTS} more", "", "")
    size_bytes, records = sum(item.size_bytes for item in objects), sum(len(item.lines) for item in objects)
    table.add_row(count(len(objects), "object"), f"{size_bytes:,}", f"{records:,}", style="bold")
    _print(console, f"In s3://{bucket}", table)


def show_lines(console: Console, lines: Sequence[bytes]) -> None:
    """The first, a middle and the last record line, as they are stored, cut after 240 characters."""
    console.print(Text("\nRecord lines", "bold"))
    for number in sorted({0, len(lines) // 2, len(lines) - 1}) if lines else []:
        text = Text(_shortened(lines[number], SHOWN_CHARACTERS), "dim", overflow="fold")
        console.print(Padding(text, (0, 0, 0, 2), expand=False), soft_wrap=False)


def show_steps(console: Console, steps: Sequence[Step]) -> None:
    """How long each step took, and all of them."""
    table = _table("step", "seconds", "")
    table.columns[1].justify = "right"
    longest = max(step.seconds for step in steps)
    for step in steps:
        bar = "█" * round(BAR_WIDTH * step.seconds / longest)
        table.add_row(step.title, f"{step.seconds:.1f}", Text(bar, "cyan"))
    table.add_row("all", f"{sum(step.seconds for step in steps):.1f}", "", style="bold")
    _print(console, "Time", table)


def verdict(comparison: Comparison, objects: int) -> str:
    """One sentence: how many records of how many are there, in how many objects, how often twice."""
    there = comparison.expected - len(comparison.missing)
    said = f"{there:,} of {count(comparison.expected, 'record')} in the lake, in {count(objects, 'object')}"
    if comparison.duplicates:
        said += f"; {comparison.duplicates:,} of them more than once (same id: readers can drop them)"
    return said


def faults(comparison: Comparison) -> list[str]:
    """What is wrong, a line each, the first five of each kind; empty if nothing is."""
    said = []
    for name, records in (("Missing", comparison.missing), ("Not from the source", comparison.unknown)):
        if records:
            said.append(f"{name}: {len(records):,}")
            said += [f"  {_shortened(record)}" for record in records[:SHOWN_FAULTS] if record]
    if comparison.differing_ids:
        said.append(f"Records whose copies carry different ids: {comparison.differing_ids:,}")
    return said


def count(number: int, thing: str) -> str:
    """``1 object``, ``2 objects``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _shortened(record: bytes, characters: int = 100) -> str:
    text = record.decode(errors="replace")
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in columns:
        table.add_column(column, header_style="dim")
    return table


def _print(console: Console, title: str, table: Table) -> None:
    console.print(Text(f"\n{title}", "bold"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False), soft_wrap=False)

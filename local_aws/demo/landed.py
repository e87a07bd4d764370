"""Prints the results of the demo."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local_aws.demo.lake import Comparison, DeadLetter, LakeObject
from local_aws.demo.screen import Step
from tools.ground.table import table
from tools.ground.text import count

SHOWN_OBJECTS = 12
SHOWN_CHARACTERS = 240
BAR_WIDTH = 30
SHOWN_FAULTS = 5


def show_outputs(console: Console, outputs: Mapping[str, object]) -> None:
    """The stack's outputs, by name."""
    _print(console, "Outputs", table(("name", "value"), outputs.items()))


def show_objects(console: Console, bucket: str, objects: Sequence[LakeObject]) -> None:
    """Key, size and number of records of the first twelve objects, and of all together."""
    rows = [(item.key, item.size_bytes, len(item.lines)) for item in objects]
    listed = table(("key", "bytes", "records"), rows[:SHOWN_OBJECTS])
    if len(rows) > SHOWN_OBJECTS:
        listed.add_row(f"and {len(rows) - SHOWN_OBJECTS:,} more")
    size_bytes, records = sum(row[1] for row in rows), sum(row[2] for row in rows)
    listed.add_row(count(len(rows), "object"), f"{size_bytes:,}", f"{records:,}", style="bold")
    _print(console, f"In s3://{bucket}", listed)


def show_lines(console: Console, lines: Sequence[bytes]) -> None:
    """The first, a middle and the last record line, as they are stored, cut after 240 characters."""
    console.print(Text("\nRecord lines", "bold"))
    for number in sorted({0, len(lines) // 2, len(lines) - 1}) if lines else []:
        text = Text(_shortened(lines[number], SHOWN_CHARACTERS), "dim", overflow="fold")
        console.print(Padding(text, (0, 0, 0, 2), expand=False), soft_wrap=False)


def show_dead_letters(console: Console, letters: Sequence[DeadLetter]) -> None:
    """Why the first five records could not be delivered, and how they begin."""
    if not letters:
        return
    rows = [
        (each.reason, f"{each.total_bytes:,}", _shortened((each.data or each.data_base64).encode(), 60))
        for each in letters
    ]
    shown = table(("reason", "bytes", "begins with"), rows[:SHOWN_FAULTS])
    if len(rows) > SHOWN_FAULTS:
        shown.add_row(f"and {len(rows) - SHOWN_FAULTS:,} more")
    _print(console, "Dead letters: records that the lake cannot take, kept with their reason", shown)


def show_steps(console: Console, steps: Sequence[Step]) -> None:
    """The time of each step, and of all steps."""
    timed = table(("step", "seconds", ""), [])
    timed.columns[1].justify = "right"
    longest = max(step.seconds for step in steps)
    for step in steps:
        bar = "█" * round(BAR_WIDTH * step.seconds / longest)
        timed.add_row(step.title, f"{step.seconds:.1f}", Text(bar, "cyan"))
    timed.add_row("all", f"{sum(step.seconds for step in steps):.1f}", style="bold")
    _print(console, "Time", timed)


def verdict(comparison: Comparison, objects: int) -> str:
    """One sentence: how many records of how many are there, in how many objects, how often twice."""
    there = comparison.expected - len(comparison.missing)
    said = f"{there:,} of {count(comparison.expected, 'record')} in the lake, in {count(objects, 'object')}"
    if comparison.duplicates:
        said += f"; {comparison.duplicates:,} of them more than once (same id: readers can drop them)"
    if comparison.dead_letters:
        said += f"; {count(len(comparison.dead_letters), 'dead letter')} beside them"
    return said


def faults(comparison: Comparison) -> list[str]:
    """The faults, the first five of each kind, one a line; empty if there is none."""
    said = []
    for name, records in (("Missing", comparison.missing), ("Not from the source", comparison.unknown)):
        if records:
            said.append(f"{name}: {len(records):,}")
            said += [f"  {_shortened(record)}" for record in records[:SHOWN_FAULTS] if record]
    if comparison.differing_ids:
        said.append(f"Records whose copies carry different ids: {comparison.differing_ids:,}")
    return said


def _shortened(record: bytes, characters: int = 100) -> str:
    text = record.decode(errors="replace")
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def _print(console: Console, title: str, shown: Table) -> None:
    console.print(Text(f"\n{title}", "bold"))
    console.print(Padding(shown, (0, 0, 0, 2), expand=False), soft_wrap=False)

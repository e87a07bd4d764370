"""Shows how a deployed pipeline is: ``make status ENV=…``.

Each line has a mark before it: ``!`` for what is wrong, ``?`` for what has no measurement, ``?!`` for what
could not be read. The exit code is 1 if there is a ``!`` or a ``?!``.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from tools.ground.aws import AwsError
from tools.ground.ending import reported
from tools.ground.text import count, one_line
from tools.operate import deployed
from tools.operate.deployed import Deployed, NotDeployed
from tools.operate.log_search import Log
from tools.operate.status.findings import UNHEALTHY, Finding, State, seen
from tools.operate.status.metrics import HOUR
from tools.operate.status.parts import Parts
from tools.operate.status.runs import Row, Run, Sources, deployed_schedules, has_delivered, last_runs

MARK = 3
MOST_ROWS, NAME, OUTCOME, TIME, NUMBER, NEXT, GAP = 30, 14, 20, 11, 9, 13, 2
STYLES = {State.BAD: "red", State.UNSEEN: "red", State.UNKNOWN: "yellow"}


class Screen:
    """Prints lines that fit the terminal, or 80 columns in a pipe, and are plain there.

    Args:
        console: Where to; default: standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._columns = self._console.width

    def line(self, text: str = "", state: State = State.GOOD) -> None:
        """Print one line with its mark; what does not fit is cut."""
        shown = cut(f"{state.value:<{MARK}}{one_line(text)}", self._columns).rstrip()
        self._console.print(Text(shown, style=STYLES.get(state, "")))

    def finding(self, found: Finding) -> None:
        """Print a part."""
        self.line(f"{found.name:<{NAME}}{' ' * GAP}{found.text}", found.state)

    def sources(self, rows: Sequence[Row]) -> None:
        """Print the sources, those that are not well first if there are too many for a screen."""
        wide = self._columns - MARK - TIME - NUMBER - NEXT - 4 * GAP
        outcome = max(OUTCOME, wide // 2)
        widths = (wide - outcome, TIME, outcome, NUMBER, NEXT)
        self.line(_cells(("source", "last run", "outcome", "records", "next run"), widths))
        if len(rows) > MOST_ROWS:
            rows = sorted(rows, key=lambda each: each.state is State.GOOD)
        for row in rows[:MOST_ROWS]:
            last = (f"{row.last.at:%m-%d %H:%M}", f"{row.last.accepted:,}") if row.last else ("", "")
            self.line(_cells((row.name, last[0], row.outcome, last[1], row.next), widths), row.state)
        if rest := rows[MOST_ROWS:]:
            bad = sum(each.state in UNHEALTHY for each in rest)
            self.line(f"and {count(len(rest), 'more source')}, {bad:,} of them not well")


def cut(text: str, columns: int) -> str:
    """The text within so many columns, ending in … if it was longer."""
    return text if cell_len(text) <= columns else set_cell_size(text, columns - 1) + "…"


def _cells(texts: Sequence[str], widths: Sequence[int]) -> str:
    cells = []
    for number, (text, width) in enumerate(zip(texts, widths, strict=True)):
        shown = cut(one_line(text), width)
        room = " " * (width - cell_len(shown))
        cells.append(room + shown if number == len(texts) - 2 else shown + room)
    return (" " * GAP).join(cells)


def look(found: Deployed, now: datetime, screen: Screen) -> int:
    """Print how the environment is. Returns the exit code.

    Raises:
        NotDeployed: When the function has not the variables of this version.
        AwsError: When the credentials are of no use, or AWS cannot be reached.
    """
    screen.line(f"{found.settings.names.stack} in {found.region}, {now:%Y-%m-%d %H:%M} UTC")
    screen.line()
    sources = Sources(found, now)
    runs: dict[str, Run] | None = None
    delivered = True
    schedules: Mapping[str, Mapping[str, Any]] | None = {} if not sources.have_schedules else None
    problems = []

    def search() -> Finding:
        nonlocal runs, delivered
        log = Log(found)
        runs = last_runs(log, sources.since, now)
        delivered = has_delivered(log, now - HOUR, now)
        return Finding("log", "")

    def list_schedules() -> Finding:
        nonlocal schedules
        schedules = deployed_schedules(found)
        return Finding("schedules", "")

    problems.append(seen("log", search))
    if sources.have_schedules:
        problems.append(seen("schedules", list_schedules))
    rows = sources.rows(runs, schedules)
    screen.sources(rows)
    screen.line()
    findings = [each for each in problems if each.state is not State.GOOD]
    findings += Parts(found, now, has_delivered=delivered).findings()
    for each in findings:
        screen.finding(each)
    screen.line()
    return _conclude(rows, findings, screen, found.environment)


def _conclude(rows: Sequence[Row], findings: Sequence[Finding], screen: Screen, environment: str) -> int:
    """Print what all of it comes to. Returns the exit code."""
    bad, unknown = (_named(rows, findings, states) for states in (UNHEALTHY, {State.UNKNOWN}))
    beside = f"Unknown: {', '.join(unknown)}." if unknown else ""
    if not bad:
        screen.line(f"Healthy{', as far as is known' if unknown else ''}. {beside}".rstrip())
        return 0
    screen.line(f"Unhealthy: {', '.join(bad)}. {beside}".rstrip(), State.BAD)
    commands = [each.command for each in findings if each.state in UNHEALTHY and each.command]
    if any(each.state in UNHEALTHY for each in rows):
        commands.insert(0, f"make logs ENV={environment} SINCE=1d")
    for command in dict.fromkeys(commands):
        screen.line(command)
    return 1


def _named(rows: Sequence[Row], findings: Sequence[Finding], states: set[State]) -> list[str]:
    """What is in one of these states; the sources, of which there may be many, as a number."""
    sources = sum(each.state in states for each in rows)
    return [
        *([count(sources, "source")] if sources else []),
        *(each.name for each in findings if each.state in states),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Show how the environment in ``ENV`` is; 1 if it is not healthy."""
    parser = argparse.ArgumentParser(prog="status", description=__doc__)
    parser.parse_args(arguments)
    with reported("status", AwsError, NotDeployed):
        found = deployed.find()
        return look(found, datetime.now(UTC), Screen())


if __name__ == "__main__":
    sys.exit(main())

"""Shows how far a long command is: a live line on a terminal, elsewhere a plain line now and then."""

import time
from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from tools.ground.table import table
from tools.ground.text import one_line

PLAIN_LINE_SECONDS = 10.0
INDENT = "    "
MAX_COLUMNS = 1_000_000
"""Of a line in a pipe, where whoever reads it wants it whole."""
SHOWN_REASONS = 20


class Progress:
    """Shows how far the work is, inside a ``with`` block.

    Args:
        console: Where to; default: standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._status = self.console.status(Text("…"))
        self._shown_at = time.monotonic()

    def __enter__(self) -> Self:
        """The display, begun."""
        if self.console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def show(self, text: str) -> None:
        """Show how far the work is; without a terminal, print it every ten seconds."""
        if self.console.is_terminal:
            self._status.update(Text(one_line(text)))
        elif time.monotonic() - self._shown_at >= PLAIN_LINE_SECONDS:
            self._shown_at = time.monotonic()
            self.say(text)

    def say(self, text: str) -> None:
        """Print a line that stays; characters that control a terminal are left out."""
        self.console.print(Text(one_line(text)))

    def indented(self, text: str) -> None:
        """Print what belongs to the line above; on a terminal, each of its lines is indented."""
        width = self.console.width if self.console.is_terminal else MAX_COLUMNS
        wrapped = fill(
            one_line(text),
            width,
            initial_indent=INDENT,
            subsequent_indent=INDENT,
            # A key or a URL stays whole, to be copied.
            break_long_words=False,
            break_on_hyphens=False,
        )
        self.console.print(Text(wrapped))

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table; numbers are right-aligned."""
        self.console.print(table(titles, rows))

    def reasons(self, stay: Mapping[str, str]) -> None:
        """Print why things stay where they are: the first twenty, and how many more there are."""
        for name, reason in list(stay.items())[:SHOWN_REASONS]:
            self.say(f"{name} stays: {reason}")
        if len(stay) > SHOWN_REASONS:
            self.say(f"More that stay for such reasons: {len(stay) - SHOWN_REASONS:,}")

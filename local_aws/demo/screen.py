"""Shows the steps of the demo: a live line on a terminal, plain lines anywhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

TITLE_WIDTH = 22
PLAIN_WIDTH = 120
REFRESHES_PER_SECOND = 8


class Ending(NamedTuple):
    """The result of a step."""

    mark: str
    style: str
    word: str


DONE = Ending("✓", "green", "")
FAILED = Ending("✗", "bold red", "FAILED")
STOPPED = Ending("✗", "yellow", "stopped")


@dataclass
class Step:
    """One step of the work.

    Attributes:
        title: A few words for the work.
        detail: The current work, for the live line; converted to text whenever it is shown.
        result: The result, for the line that stays.
        seconds: Its duration; set at its end.
    """

    title: str
    detail: object = ""
    result: str = ""
    seconds: float = 0.0


class Screen:
    """Prints steps as they happen and remembers their times."""

    def __init__(self) -> None:
        self.console = _console()
        self.steps: list[Step] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step that begins here and ends with the block; an exception that passes marks it."""
        step = Step(title)
        self.steps.append(step)
        start = time.monotonic()
        ending = STOPPED
        try:
            with self._live(step, start) if self.console.is_terminal else self._plain(step):
                yield step
            ending = DONE
        except Exception:
            ending = FAILED
            raise
        finally:
            step.seconds = time.monotonic() - start
            self._finish(step, ending)

    @contextmanager
    def _plain(self, step: Step) -> Iterator[None]:
        """The title at once, for whoever reads a log while it grows; the rest of its line at the end."""
        self.console.print(f"  {step.title.ljust(TITLE_WIDTH + 1)}", end="")
        self.console.file.flush()
        yield

    def _finish(self, step: Step, ending: Ending) -> None:
        line = Text()
        if self.console.is_terminal:
            line.append(ending.mark, ending.style).append(f" {step.title.ljust(TITLE_WIDTH + 1)}")
        line.append(f"{step.seconds:.1f} s".rjust(7), "cyan")
        if ending is DONE:
            line.append(f"  {step.result}" if step.result else "", "dim")
        else:
            line.append(f"  {ending.word}", ending.style)
        self.console.print(line, no_wrap=True, overflow="ellipsis", soft_wrap=False)

    def _live(self, step: Step, start: float) -> Live:
        spinner = Spinner("dots", style="cyan")

        def line() -> Text:
            now = time.monotonic()
            text = Text.assemble(str(spinner.render(now)), f" {step.title.ljust(TITLE_WIDTH + 1)}")
            text.append(f"{now - start:.1f} s".rjust(7), "cyan").append(f"  {step.detail}", "dim")
            # Room at the end for the ^C that a terminal echoes: a wrapped line could not be erased.
            text.truncate(self.console.width - len("^C^C "), overflow="ellipsis")
            return text

        return Live(
            get_renderable=line, console=self.console, refresh_per_second=REFRESHES_PER_SECOND, transient=True
        )


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    # A file or a CI log has no width of its own.
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=PLAIN_WIDTH)

"""How what failed is grouped and told."""

import io

from rich.console import Console

from tools.operate.groups import MOST, SHOWN, Groups
from tools.operate.progress import Progress


def said_of(groups: Groups, *, width: int = 80, is_terminal: bool = False) -> list[str]:
    """The lines that are printed."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=is_terminal, color_system=None, soft_wrap=True
    )
    groups.show("event", Progress(console))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_any_number_of_reasons_is_few_lines() -> None:
    """The largest come first, what is beyond a thousand is counted together, and nothing is lost."""
    groups = Groups()
    for number in range(MOST + 500):
        groups.add("orders", f"reason '{number}'", at="")
    groups.add("orders", "reason '7'", at="")
    said = said_of(groups)

    assert (said[0], said[1], len(said)) == (
        "500 events: other reasons",
        "2 events of orders: reason '7'",
        SHOWN + 1,
    )
    assert said[-1] == f"{MOST + 501 - 502 - (SHOWN - 2)} events for {MOST + 1 - SHOWN} other reasons"


def test_on_a_terminal_a_text_is_wrapped_and_in_a_pipe_it_is_whole() -> None:
    """A person reads it, and ``grep`` finds it."""
    groups = Groups()
    groups.add("orders", "no", at="", sample=["word " * 40])

    assert max(map(len, said_of(groups, width=60, is_terminal=True))) <= 60
    assert said_of(groups)[1] == "    " + ("word " * 40).strip()

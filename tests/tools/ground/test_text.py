import pytest
from rich.console import Console

from tools.ground.table import table
from tools.ground.text import count, one_line, size_of


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages"), (1500, "1,500 messages")]
)
def test_a_noun_agrees_with_its_number(number: int, said: str) -> None:
    """One is singular, everything else is plural."""
    assert count(number, "message") == said


def test_a_size_has_the_unit_that_fits() -> None:
    """Little in KiB, much in MiB."""
    assert [size_of(100), size_of(2_500 * 1024 * 1024)] == ["0.1 KiB", "2,500.0 MiB"]


def test_a_line_cannot_control_the_terminal() -> None:
    """Line ends and escapes of a source become spaces."""
    assert one_line("a\nb\x1b[2Jc\u2028d") == "a b [2Jc d"


def test_numbers_are_right_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    """A column of numbers is read by its digits, a column of words by their beginnings."""
    Console(width=40).print(table(("name", "events"), [("a", 1500), ("orders", 2)]))

    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "name    events",
        "a        1,500",
        "orders       2",
    ]

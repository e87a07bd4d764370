"""That the report says what a person needs, and shouts what is wrong."""

import io
import re

from rich.console import Console

from local_aws.demo import landed
from local_aws.demo.lake import Comparison, DeadLetter, LakeObject
from local_aws.demo.screen import Step


def printed(width: int = 120) -> Console:
    """A console that keeps what is printed, as wide as a log."""
    return Console(file=io.StringIO(), width=width, highlight=False, soft_wrap=True)


def text_of(console: Console) -> str:
    """What was printed."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_objects_are_shown_with_key_size_and_records_and_a_sum() -> None:
    """Every number that one would add up is there."""
    console = printed()
    landed.show_objects(console, "lake", [LakeObject("k1", 1500, (b"a",) * 7), LakeObject("k2", 20, (b"b",))])
    rows = [line.split() for line in text_of(console).splitlines() if line]

    assert rows[2:] == [["k1", "1,500", "7"], ["k2", "20", "1"], ["2", "objects", "1,520", "8"]]


def test_many_objects_are_cut_and_the_rest_counted() -> None:
    """The screen is not flooded, and the sum still counts all."""
    console = printed()
    landed.show_objects(console, "lake", [LakeObject(f"k{n}", 1, (b"a",)) for n in range(40)])

    assert "and 28 more" in text_of(console)
    assert "40 objects" in text_of(console)


def test_lines_are_shown_as_stored_and_cut() -> None:
    """Markup in the data is data."""
    console = printed()
    landed.show_lines(console, [b'{"data":"[bold]x[/bold]"}', b"y" * 500])

    assert '{"data":"[bold]x[/bold]"}' in text_of(console)
    assert "y" * 500 not in text_of(console).replace("\n", "").replace(" ", "")


def test_dead_letters_are_shown_with_their_reason_and_counted() -> None:
    """The first five say why and how they begin; the verdict counts all."""
    console = printed()
    letters = [DeadLetter(f"reason {n}", 2_000_000, truncated=True, data="[b]x") for n in range(7)]
    landed.show_dead_letters(console, letters)
    verdict = landed.verdict(Comparison(expected=1, dead_letters=letters), objects=2)

    assert re.search(r"(?s)reason 0 +2,000,000 +\[b\]x.*reason 4.*and 2 more", text_of(console))
    assert verdict.endswith("1 of 1 record in the lake, in 2 objects; 7 dead letters beside them")


def test_steps_are_shown_with_their_sum() -> None:
    """Where the time went, and all of it."""
    console = printed()
    landed.show_steps(console, [Step("Deploy", seconds=40.0), Step("Fetch", seconds=1.5)])

    assert text_of(console).split()[-2:] == ["all", "41.5"]


def test_the_verdict_counts_what_is_there_of_what_was_expected() -> None:
    """Missing ones lower the count, duplicates are said."""
    verdict = landed.verdict(Comparison(expected=1500, missing=[b"x"], duplicates=2), objects=1)

    assert verdict.startswith("1,499 of 1,500 records in the lake, in 1 object; 2 of them more than once")


def test_faults_name_the_records() -> None:
    """A missing record and a foreign line are shown themselves."""
    said = "\n".join(landed.faults(Comparison(expected=2, missing=[b'{"id": 7}'], unknown=[b"rubbish"])))

    assert '{"id": 7}' in said
    assert "rubbish" in said


def test_a_complete_lake_has_no_faults() -> None:
    """Nothing is said where nothing is wrong."""
    assert landed.faults(Comparison(expected=1, duplicates=3)) == []

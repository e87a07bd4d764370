"""Groups what failed by its source and reason, so that a hundred thousand failures are a few lines.

``make dead``, ``make redrive`` and ``make replay`` print the same form.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tools.ground.text import count
from tools.operate.progress import Progress

NAMES_AND_NUMBERS = re.compile(r"'[^']*'|\d[\d,.]*\d|\d")
MOST, SHOWN = 1_000, 20
OTHERS = ("", "other reasons", "")


@dataclass
class Group:
    """Failures that differ only in numbers.

    Attributes:
        source: Name of their source, or a short description.
        reason: The reason of one of them.
        sample: More of the same one, each a line.
        number: How many there are.
        first: Time of the oldest, ISO 8601; empty if none is known.
        last: Time of the newest.
    """

    source: str
    reason: str
    sample: Sequence[str]
    number: int = 0
    first: str = ""
    last: str = ""

    def add(self, number: int, first: str, last: str) -> None:
        """Count some more."""
        self.number += number
        self.first = min(filter(None, (self.first, first)), default="")
        self.last = max(self.last, last)

    def heading(self, thing: str) -> str:
        """``3 events of orders: SourceRejected, 2026-11-30 10:02 to 2026-12-01 03:00 UTC``."""
        times = dict.fromkeys(_minute(each) for each in (self.first, self.last) if each)
        when = f", {' to '.join(times)} UTC" if times else ""
        of = f" of {self.source}" if self.source else ""
        return f"{count(self.number, thing)}{of}: {self.reason}{when}"


@dataclass
class Groups:
    """Groups, at most a thousand; what has yet another reason is counted together."""

    found: dict[tuple[str, str, str], Group] = field(default_factory=dict)

    def add(self, source: str, reason: str, *, at: str, text: str = "", sample: Iterable[str] = ()) -> None:
        """Count one failure.

        Args:
            source: Name of its source, or a short description.
            reason: Its name, or a sentence.
            at: When it was, ISO 8601; empty if that is not known.
            text: More by which it belongs to a group; not shown.
            sample: What is shown of it if it is the first of its group.
        """
        key = (source, without_numbers(reason), without_numbers(text))
        self._group(key, source, reason, sample).add(1, at, at)

    def merge(self, others: "Groups") -> None:
        """Count what others have counted."""
        for key, each in others.found.items():
            self._group(key, each.source, each.reason, each.sample).add(each.number, each.first, each.last)

    def _group(self, key: tuple[str, str, str], source: str, reason: str, sample: Iterable[str]) -> Group:
        if key not in self.found and len(self.found) >= MOST:
            key, source, reason, sample = OTHERS, "", OTHERS[1], ()
        if key not in self.found:
            self.found[key] = Group(source, reason, [each for each in sample if each])
        return self.found[key]

    def show(self, thing: str, progress: Progress) -> None:
        """Print the twenty largest groups, the newest of equal ones first, and how many more there are."""
        ordered = sorted(self.found.values(), key=lambda each: (each.number, each.last), reverse=True)
        for each in ordered[:SHOWN]:
            progress.say(each.heading(thing))
            for line in each.sample:
                progress.indented(line)
        if rest := ordered[SHOWN:]:
            number = count(sum(each.number for each in rest), thing)
            progress.say(f"{number} for {count(len(rest), 'other reason')}")


def without_numbers(reason: str) -> str:
    """The reason in a form that many share; names in quotes stay as they are."""
    return NAMES_AND_NUMBERS.sub(lambda found: found[0] if found[0].startswith("'") else "…", reason)


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")

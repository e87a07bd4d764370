"""What was read of a source so far, or of one of its windows: to know its end, and a page that repeats."""

import math


class Walk:
    """Counts pages and records from the first page on, and remembers what each page held.

    Args:
        is_resumed: True if it begins in the middle, so that neither all records nor a full page are known.

    Attributes:
        pages: Pages that were read.
        records: Records on them.
        longest: The most records on a page.
        empty_pages: Pages without records since the last page with some.
        total: The smallest total that a page gave: a list that grows meanwhile gives larger ones.
    """

    def __init__(self, *, is_resumed: bool = False) -> None:
        self.is_resumed = is_resumed
        self.pages = 0
        self.records = 0
        self.longest = math.inf if is_resumed else 0.0
        self.empty_pages = 0
        self.total: int | None = None
        # Digests of 8 bytes: the pages themselves would not fit into memory.
        self._contents: set[int] = set()
        self._last_content = 0
        self._is_repeating = False

    @property
    def has_all(self) -> bool:
        """True if a total says that every record was read."""
        return not self.is_resumed and self.total is not None and self.records >= self.total

    @property
    def has_surely_all(self) -> bool:
        """The same, and the total is not the number of records on one page, as some APIs mean it."""
        return self.has_all and self.total is not None and self.total > self.longest

    @property
    def is_short(self) -> bool:
        """True if a total says that there are more records than were read."""
        return not self.is_resumed and self.total is not None and self.records < self.total

    @property
    def missing(self) -> str:
        """Describes a total that was not reached; empty if it was, or is not known."""
        return f"the total is {self.total} and {self.records} records came" if self.is_short else ""

    def is_repeat(self, digest: int) -> bool:
        """True if the page holds what a page before it held.

        One page alone may do so by chance, if its records have no id. The same page twice in a row, or two
        known pages in a row, are no chance.
        """
        return digest in self._contents and (digest == self._last_content or self._is_repeating)

    def add(self, records: int, digest: int, total: int | None) -> None:
        """Notes a page that is no repeat, and the total that it gives."""
        self.pages += 1
        if total is not None:
            self.total = total if self.total is None else min(total, self.total)
        self.records += records
        self.longest = max(self.longest, records)
        self.empty_pages = 0 if records else self.empty_pages + 1
        if records and digest:
            self._is_repeating = digest in self._contents
            self._last_content = digest
            self._contents.add(digest)

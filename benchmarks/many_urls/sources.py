"""Many URLs to ingest: each answers a few records of its own, made from its number by the compiled server."""

import json
from pathlib import Path

from benchmarks.sources import source

RECORDS_A_URL = 10
FAILS_EVERY, FAILING = 100, 7
"""Of so many URLs one fails while the server is told so; its number has this remainder."""
_FIRST_NUMBER = 100_000_000
"""The numbers of the records have nine digits, so that each takes the place of another."""
_TEMPLATE = "url.json"


def prepare(folder: Path) -> None:
    """Put what the server makes its answers from into the folder that it serves."""
    path = folder / source(folder, records=RECORDS_A_URL)
    records = json.loads(path.read_bytes())
    for number, record in enumerate(records):
        record["id"] = _FIRST_NUMBER + number
    (folder / _TEMPLATE).write_text(json.dumps(records, ensure_ascii=False, separators=(",", ":")))


def url_list(folder: Path, origin: str, urls: int) -> str:
    """The name of a file in ``folder`` that lists so many URLs of a server, one a line."""
    name = f"urls-{urls}.txt"
    (folder / name).write_text("".join(f"{origin}/-/url/{number}\n" for number in range(urls)))
    return name


def url_number(url: str) -> int:
    """The number of a URL of a list."""
    return int(url.rpartition("/")[2])


def is_failing(number: int) -> bool:
    """Whether a URL is one of those that fail."""
    return number % FAILS_EVERY == FAILING


class Expected:
    """The records that the URLs answer, as the bytes of their JSON.

    Args:
        folder: The one that was prepared.
    """

    def __init__(self, folder: Path) -> None:
        records = json.loads((folder / _TEMPLATE).read_bytes())
        texts = [json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() for each in records]
        self._parts = [
            tuple(text.split(str(_FIRST_NUMBER + number).encode(), 1)) for number, text in enumerate(texts)
        ]

    def number_of(self, data: bytes) -> int | None:
        """Which record it is, from 0; None if no URL answers it."""
        before, after = self._parts[0]
        digits = data[len(before) : len(before) + len(str(_FIRST_NUMBER))]
        if not digits.isdigit():
            return None
        number = int(digits) - _FIRST_NUMBER
        before, after = self._parts[number % RECORDS_A_URL]
        return number if number >= 0 and data == before + digits + after else None

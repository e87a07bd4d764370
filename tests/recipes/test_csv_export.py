"""A daily CSV file: semicolons, Windows-1252, gzip, Basic, and a server that writes it anew."""

import base64
import csv
import gzip
import io
import random
import time
from dataclasses import dataclass, field

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer, head
from tests.recipes.recipe import (
    Case,
    RecipeContract,
    Refusal,
    Source,
)
from url_fetcher.errors import SourceUnavailable

PATH = "/daily/articles.csv.gz"
SECRET = {"username": "lager", "password": "größe:7"}
AUTHORIZATION = "Basic " + base64.b64encode("lager:größe:7".encode()).decode()
WAIT_SECONDS = 1
Row = dict[str, str]


def article(number: int, price: str = "19,90 €") -> Row:
    """A row; its text has what a bad reader breaks on."""
    noise = random.Random(number).randbytes(40).hex()
    return {
        "nr": f"{number:06}",
        "name": f'Größe "{number}"; 5"\nœ',
        "preis": price,
        "ean": noise,
        "leer": "",
    }


def file_of(rows: list[Row]) -> bytes:
    """The file as the system writes it: CRLF, quotes where they are needed."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode("windows-1252"))


@dataclass
class Export:
    """The web server beside the file.

    Attributes:
        rows: What the file has.
        cuts: How many bytes of the file each of the next answers has before the connection breaks.
        next_day: What the file has from the middle of the next answer on; None: no change.
        writes: Whether the file is being written until ``WAIT_SECONDS`` have passed.
    """

    rows: list[Row] = field(default_factory=lambda: [article(n) for n in range(500)])
    cuts: list[int] = field(default_factory=list)
    next_day: list[Row] | None = None
    writes: bool = False
    refused: list[float] = field(default_factory=list)

    def __call__(self, connection: Connection, request: Request) -> None:
        """One request."""
        if request.headers.get("authorization") != AUTHORIZATION:
            answer(b"", status=401, headers={"WWW-Authenticate": "Basic"})(connection, request)
            return
        if self.writes and self._is_written():
            answer(b"", status=503, headers={"Retry-After": str(WAIT_SECONDS)})(connection, request)
            return
        content = file_of(self.rows)
        known = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
        half = self.cuts[0] if self.cuts else len(content) // 2
        connection.send(head(headers=known) + content[:half])
        self.rows, self.next_day = self.next_day or self.rows, None
        if self.cuts:
            self.cuts.pop(0)
            connection.sock.close()
        else:
            connection.send(content[half:])

    def _is_written(self) -> bool:
        self.refused.append(time.monotonic())
        return self.refused[-1] - self.refused[0] < WAIT_SECONDS


class TestCsvExport(RecipeContract):
    case = Case(
        "csv-export",
        Export,
        paths=[PATH],
        records="rows",
        secret=SECRET,
        limit={"writes": True},
        waited={"refused": 2},
        refusal=Refusal("401", secret=SECRET | {"password": "x"}),
    )

    def test_a_cut_before_the_first_row_is_repeated(self, api: Export, source: Source) -> None:
        """The file was replaced between; rows of the old one are not mixed into it."""
        api.cuts = [12]
        api.next_day = new = [article(n) for n in range(100, 600)]

        assert self.ingested(source).values == new

    def test_a_cut_in_the_middle_loses_nothing(self, api: Export, source: Source) -> None:
        """There is no resume: the next run reads the whole file, and rows keep their ids."""
        api.rows = [article(n) for n in range(8_000)]
        api.cuts = [len(file_of(api.rows)) * 9 // 10] * 5
        with pytest.raises(SourceUnavailable) as caught:
            self.ingested(source)
        api.cuts = []

        rest = self.ingested(source)

        before = {line["id"] for line in caught.value.stream.lines}  # type: ignore[attr-defined]
        assert "resume" not in caught.value.details
        assert sorted(rest.values, key=lambda row: str(row["nr"])) == api.rows
        assert 0 < len(before) < len(rest.lines)
        assert before < {line["id"] for line in rest.lines}

    def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(
        self, api: Export, source: Source
    ) -> None:
        """The next run brings the new one, in which a row that did not change has its old id."""
        old = api.rows
        api.next_day = new = [article(0, "21,00 €"), *old[1:], article(500)]

        first, second = self.ingested(source), self.ingested(source)

        changes = {line["id"] for line in second.lines} - {line["id"] for line in first.lines}
        assert (first.values, second.values) == (old, new)
        assert [line["data"] for line in second.lines if line["id"] in changes] == [new[0], new[-1]]

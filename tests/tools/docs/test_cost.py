"""The tables of docs/cost.md: what they say adds up, and follows from the settings and the prices."""

import re
from decimal import Decimal

import pytest

from ingestion_pipeline.resources.bill import COMPRESSION, METRICS_PER_SOURCE, Usage
from ingestion_pipeline.settings.file import read
from tests.checkout import ROOT
from tools.docs.cost import (
    SOURCES,
    Steady,
    bill,
    cost_summary,
    cost_table,
    lines,
    packing_table,
    price,
)
from url_fetcher.summary import Summary

DOCUMENT = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")


def columns(document: str) -> list[list[Decimal]]:
    """The amounts of the bill by number of sources, the sum at the end of each."""
    (table,) = re.findall(r"<!-- cost -->\n(.*?)<!-- /cost -->", document, re.DOTALL)
    rows = [line.strip("| ").split(" | ")[1:] for line in table.splitlines()[2:]]
    return [[Decimal(row[index].replace(",", "")) for row in rows] for index in range(len(SOURCES))]


@pytest.mark.parametrize("column", range(len(SOURCES)), ids=[f"{number} sources" for number in SOURCES])
def test_the_bill_adds_up(column: int) -> None:
    """The printed lines of each column have the printed sum, to the cent."""
    *amounts, total = columns(DOCUMENT)[column]

    assert (len(amounts), sum(amounts)) == (len(lines()), total)


def test_what_is_printed_is_what_is_computed() -> None:
    """The document has the table of today's settings and prices."""
    assert cost_table() in DOCUMENT
    assert packing_table() in DOCUMENT


@pytest.mark.parametrize("sources", SOURCES)
def test_metrics_cost_five_a_source_at_most(sources: int) -> None:
    """No dimension multiplies them: 1.50 USD a source is the most."""
    assert bill(sources, "prod")["CloudWatch: metrics"] == Decimal("1.50") * sources


def test_the_function_sends_as_many_metrics_as_are_billed() -> None:
    """A run in which everything happened sends four."""
    sent = Summary(accepted=1, dead_lettered=1, requests_retried=1, warnings=1).metrics(failed=True)

    assert len(sent) == METRICS_PER_SOURCE


def test_shards_are_billed_by_the_hour() -> None:
    """Two shards of prod cost 21.90 USD a month, and 29.20 USD more to keep records beyond a day."""
    prod = bill(1, "prod")

    assert (prod["Kinesis: shards"], prod["Kinesis: retention beyond 24 hours"]) == (
        Decimal("21.90"),
        Decimal("29.20"),
    )


def test_a_day_of_retention_is_free() -> None:
    """Dev keeps records for 24 hours and pays for its one shard only."""
    dev = bill(1, "dev")

    assert (dev["Kinesis: shards"], dev["Kinesis: retention beyond 24 hours"]) == (
        Decimal("10.95"),
        Decimal("0.00"),
    )


def test_what_the_documents_say_of_retention_is_the_price() -> None:
    """The decision for seven days names the price of the table."""
    guarantees = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    month = price("retention") * 730

    assert f"{month:.2f} USD a month\nper shard" in guarantees


def test_the_short_bill_of_the_readme_is_that_of_the_whole_table() -> None:
    """Its last row is the sum of every line, its first that of the three lines of Kinesis."""
    rows = [line.strip("|").split("|")[1:] for line in cost_summary().splitlines()[2:]]
    first, *_, last = [[Decimal(cell.strip()) for cell in row] for row in rows]
    bills = [bill(sources, "prod") for sources in SOURCES]

    assert last == [sum(each.values()) for each in bills]
    assert first == [
        each["Kinesis: shards"] + each["Kinesis: retention beyond 24 hours"] + each["Kinesis: puts"]
        for each in bills
    ]


def test_a_steady_flow_costs_its_shards_puts_and_gibibytes() -> None:
    """1 MiB a second: one shard, 112 million packs of 24 KiB, 2,566 GiB through Firehose."""
    assert Steady(Decimal(1), "lines").usd == Decimal("86.95")


@pytest.mark.parametrize(("mib", "of_lines", "of_members"), [(1, 1, 1), (5, 5, 1), (10, 10, 2), (11, 11, 3)])
def test_gzip_members_take_a_fifth_of_the_shards(mib: int, of_lines: int, of_members: int) -> None:
    """Each shard takes 1 MiB a second of whatever is sent, and a part of one is a whole one."""
    shards = [Steady(Decimal(mib), packing).shards for packing in ("lines", "gzip")]

    assert (COMPRESSION, shards) == (5, [of_lines, of_members])


@pytest.mark.parametrize("sources", SOURCES)
def test_polling_an_idle_queue_costs_the_same_for_any_number_of_sources(sources: int) -> None:
    """657,000 requests a month, as the document says."""
    polls = Usage(read(ROOT / "pipeline.toml", "prod"), sources).polls

    assert f"{polls:,} requests a month, {polls * price('queue_requests') / 1_000_000:.2f} USD" in " ".join(
        DOCUMENT.split()
    )

"""That the report says what was measured, and what was missed."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from benchmarks.accounting import Account
from benchmarks.goals import goals
from benchmarks.many_urls.peers import URL_LOOP
from benchmarks.many_urls.queue import QUEUED
from benchmarks.many_urls.scenario import ManyUrls
from benchmarks.measure import Figure
from benchmarks.one_shard import ShardFigure
from benchmarks.ours import GZIPPED, PACKED
from benchmarks.packings import PackingFigure
from benchmarks.peers import BOTO3
from benchmarks.picture import picture
from benchmarks.report import document
from benchmarks.results import Results


def _figure(variant: str, rate: float = 500_000, cpu_us: float = 1) -> Figure:
    return Figure(variant, 1_000, 1_000 / rate, cpu_us / 1_000, 60, {})


def _shard(variant: str, rate: int) -> ShardFigure:
    return ShardFigure(variant, rate, 0, 0, 50, 5, 1_000_000, 1)


def _packing(variant: str) -> PackingFigure:
    small, random = _figure(variant), _figure(variant, 100_000, 5)
    return PackingFigure(variant, small, random, 2_000, 60, {10: 50, 100: 60})


@pytest.fixture
def results() -> Results:
    """Such that every goal is met."""
    figures = [_figure(PACKED), _figure(GZIPPED), _figure(BOTO3, 20_000, 30)]
    shards = [_shard(GZIPPED, 16_000), _shard(PACKED, 3_000)]
    account = Account(10, 0, 1, 1, 0, {"partial": 3}, 1)
    return Results(
        "a machine",
        tables={"0 ms": figures, "20 ms": figures},
        one_shard=[*shards, _shard(BOTO3, 900)],
        one_shard_random=shards,
        packings=[_packing(PACKED), _packing(GZIPPED)],
        import_seconds=0.2,
        boto3_import_seconds=0.4,
        paths=[_figure(PACKED)],
        zip_bytes=1_000_000,
        accounts={"lines": account, "gzip": replace(account, lost=1)},
        many_urls=ManyUrls({20: [_figure(QUEUED, 900, 1_000), _figure(URL_LOOP, 100, 3_000)]}),
    )


def missed(results: Results) -> list[str]:
    """What the goals that are not met are of."""
    return [goal.what for goal in goals(results) if not goal.met]


def test_figures_within_all_goals_miss_none(results: Results) -> None:
    """No goal is missed by mistake."""
    assert missed(results) == []


def test_one_record_that_a_shard_never_got_misses_the_goal(results: Results) -> None:
    """Fast is not enough."""
    results.one_shard_random[1] = replace(results.one_shard_random[1], lost=1)

    assert missed(results) == ["records of ours lost there"]


def test_gzip_that_costs_more_than_lines_misses_the_goal(results: Results) -> None:
    """Though it is within the goal for both."""
    results.packings[1].small = _figure(GZIPPED, cpu_us=1.1)

    assert missed(results) == ["the same, gzip beside lines"]


def test_urls_that_take_more_than_half_of_a_loops_cpu_miss_the_goal(results: Results) -> None:
    """Though they are fetched faster."""
    results.many_urls.figures[20][0] = _figure(QUEUED, 900, 1_600)

    assert missed(results) == ["many URLs, 20 ms, CPU a URL, beside the plain loop's"]


def test_each_account_has_its_verdict(results: Results) -> None:
    """A packing that lost a record is not covered by one that did not."""
    paragraphs = [each for each in document(results).split("\n\n") if "under faults" not in each]
    verdicts = {each.split(":")[0]: "does not hold" in each for each in paragraphs if "The promise" in each}

    assert verdicts == {"lines": False, "gzip": True}


def test_the_picture_has_a_bar_for_each_tool_at_each_round_trip(results: Results) -> None:
    """Ours with gzip among them."""
    root = ET.fromstring(picture(results))  # noqa: S314 - made here
    texts = [element.text for element in root.iter() if element.text]

    assert ([texts.count(each) for each in (PACKED, GZIPPED, BOTO3)], texts.count("500,000")) == (
        [1, 1, 1],
        4,
    )

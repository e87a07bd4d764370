"""The partitions, against the table in AWS's own SDK."""

import json
from pathlib import Path

import botocore
import pytest

from ingestion_pipeline.settings.partitions import PARTITIONS, partition_of

TABLE = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text(encoding="utf-8"))
REGIONS = {
    region: partition["id"]
    for partition in TABLE["partitions"]
    for region in partition["regions"]
    if not region.endswith("-global")
}


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_is_in_its_partition(region: str) -> None:
    """Every Region that the SDK knows."""
    assert partition_of(region) == REGIONS[region]


def test_every_partition_is_known() -> None:
    """None is missing, and none has been given up."""
    assert {*PARTITIONS.values(), "aws"} == {partition["id"] for partition in TABLE["partitions"]}


def test_a_new_region_is_in_the_partition_of_most() -> None:
    """A Region that no table knows yet can be used."""
    assert partition_of("mx-central-9") == "aws"

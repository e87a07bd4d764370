"""What AWS lacks in a Region is left out, refused or told, from one table."""

import re
from typing import Any

import pytest

from ingestion_pipeline.settings.expressions import Unknown
from ingestion_pipeline.settings.regions import FUNCTION_URLS, MAPPING_TAGS, RECURSION, Feature
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.queue import QueueSettings
from tests.ingestion_pipeline.conftest import SynthesizeStack


def settings(region: str, *, consumed: bool = True, url: bool = False) -> Settings:
    """A pipeline in a Region."""
    return Settings(
        pipeline=PipelineSettings(region=region),
        queue=QueueSettings(enabled=consumed),
        function=FunctionSettings(url_enabled=url),
    )


@pytest.mark.parametrize(
    ("region", "lacks"),
    [
        ("eu-west-1", []),
        ("us-gov-west-1", [RECURSION, MAPPING_TAGS]),
        ("cn-north-1", [MAPPING_TAGS, FUNCTION_URLS]),
        ("mx-central-1", [RECURSION]),
        ("ap-southeast-6", [RECURSION, FUNCTION_URLS]),
        ("me-central-1", [FUNCTION_URLS]),
        ("us-isob-east-1", [RECURSION, MAPPING_TAGS, FUNCTION_URLS]),
    ],
)
def test_the_table_knows_what_a_region_lacks(region: str, lacks: list[Feature]) -> None:
    """As the page of each row said at its date; what AWS has today no test can tell."""
    rows = (RECURSION, MAPPING_TAGS, FUNCTION_URLS)

    assert [row for row in rows if not row.is_in(region)] == lacks


@pytest.mark.parametrize("row", [RECURSION, MAPPING_TAGS, FUNCTION_URLS], ids=lambda row: row.name)
def test_each_row_has_its_date_and_its_page(row: Feature) -> None:
    """Whoever doubts a row can look it up."""
    assert re.fullmatch(r"20\d\d-\d\d", row.as_of)
    assert row.source.startswith("https://")


def test_terraform_decides_where_only_it_knows_the_region() -> None:
    """The module's Region is a variable."""
    row = Feature("things", ("a-", "b-1"), "2026-01", "https://a.test")

    assert row.is_in("${var.region}") == Unknown(
        '!anytrue([for start in ["a-", "b-1"] : startswith(var.region, start)])'
    )


@pytest.mark.parametrize(("region", "made"), [("us-gov-west-1", 0), ("cn-north-1", 1), ("eu-west-1", 1)])
def test_no_recursion_is_configured_where_aws_knows_none(
    synthesize_stack: SynthesizeStack, region: str, made: int
) -> None:
    """A deploy to GovCloud would fail at it, after everything else exists.

    https://github.com/aws/aws-lambda-roadmap/issues/18
    """
    stack = synthesize_stack(settings(region))

    assert len(stack.resources("aws_lambda_function_recursion_config")) == made


@pytest.mark.parametrize(
    ("region", "provider"),
    [("us-gov-west-1", "aws.untagged"), ("cn-north-1", "aws.untagged"), ("eu-west-1", None)],
)
def test_the_mapping_has_no_tags_where_aws_takes_none(
    synthesize_stack: SynthesizeStack, region: str, provider: str | None
) -> None:
    """A provider's default tags reach every resource, so that this one has another provider.

    https://github.com/hashicorp/terraform-provider-aws/issues/40755
    """
    stack = synthesize_stack(settings(region))
    tagged: list[dict[str, Any]] = stack.json["provider"]["aws"]

    assert stack.only("aws_lambda_event_source_mapping").get("provider") == provider
    assert [(each["region"], "default_tags" in each) for each in tagged] == [
        (region, True),
        (region, False),
    ][: 2 if provider else 1]


def test_a_url_is_refused_where_functions_have_none() -> None:
    """The error names the setting, the Region and the way out.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
    """
    with pytest.raises(SettingsError) as refused:
        settings("me-central-1", url=True)

    assert "function.url_enabled = True: is not possible in me-central-1" in str(refused.value)
    assert "take another Region" in str(refused.value)


@pytest.mark.parametrize(
    ("region", "consumed", "told"),
    [
        ("eu-west-1", True, []),
        ("me-central-1", True, []),
        ("mx-central-1", True, ["queue"]),
        ("mx-central-1", False, []),
        ("us-gov-west-1", True, ["pipeline.tags", "queue"]),
        ("${TfToken[TOKEN.1]}", True, ["pipeline.region"]),
    ],
)
def test_what_is_less_than_elsewhere_is_told(region: str, consumed: bool, told: list[str]) -> None:
    """A warning begins with the setting."""
    warnings = settings(region, consumed=consumed).warnings()

    assert [each.partition(":")[0] for each in warnings] == told
    assert all(region in each for each in warnings if "TfToken" not in region)

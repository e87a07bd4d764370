"""What AWS does not have in every Region: one table, with the page and the date of each row.

A Region of its own partition, such as GovCloud's, gets much later what the commercial ones have. Where a row
is out of date, correct it here: everything else follows.
"""

from dataclasses import dataclass

from ingestion_pipeline.settings.expressions import Condition, negated, starts_with

ISOLATED = ("us-iso", "eu-iso", "eusc-")


@dataclass(frozen=True)
class Feature:
    """Something of AWS's.

    Attributes:
        name: In words.
        missing: Beginnings of the names of the Regions that lack it.
        as_of: When that was so, as year and month.
        source: Page that says so.
    """

    name: str
    missing: tuple[str, ...]
    as_of: str
    source: str

    def is_in(self, region: str) -> Condition:
        """True if a Region has it; where only Terraform knows the Region, Terraform decides."""
        return negated(starts_with(region, self.missing))


RECURSION = Feature(
    "configuration of recursive loop detection",
    ("us-gov-", "mx-central-1", "ap-southeast-6", *ISOLATED),
    "2025-09",
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html",
)
"""GovCloud: https://github.com/aws/aws-lambda-roadmap/issues/18."""

MAPPING_TAGS = Feature(
    "tags of event source mappings",
    ("us-gov-", "cn-", *ISOLATED),
    "2025-06",
    "https://github.com/hashicorp/terraform-provider-aws/issues/40755",
)
"""Creating fails in some, others report a change for ever. China: https://github.com/aws/aws-cdk/issues/31532,
GovCloud: https://github.com/aws/aws-cdk/issues/31965."""

FUNCTION_URLS = Feature(
    "function URLs",
    (
        *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
        *("ca-west-1", "eu-central-2", "eu-south-2", "il-central-1", "me-central-1", "cn-", *ISOLATED),
    ),
    "2026-06",
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html",
)
"""China: https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html."""

"""The pipeline's name, Region, accounts and tags."""

from dataclasses import dataclass, field

from ingestion_pipeline.settings.patterns import ACCOUNT_ID
from ingestion_pipeline.settings.rules import Checked, Problem, Rule, is_token, text, texts

TAGS = "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"
REGIONS = "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html"
TAG_SIGNS = "_.:/=+-@"
ENVIRONMENT_TAG = "Environment"
AMBIGUOUS_TAG = "differs only by case from another tag"
MAX_TAGS = 49
"""A resource has up to 50; one of them is `Environment`."""


@dataclass(frozen=True, kw_only=True)
class PipelineSettings(Checked):
    """The pipeline's name, Region, accounts and tags."""

    table = "pipeline"
    name: str = text(
        "data-ingestion",
        "First part of every name, `<name>-<environment>-<thing>`.",
        r"[a-z][a-z0-9-]{1,38}[a-z0-9]",
        "lower-case letters, digits and hyphens, 3 to 40 characters, starting with a letter",
    )
    region: str = text(
        "us-east-1",
        "AWS Region of all resources.",
        r"[a-z]{2,4}(-[a-z]+)+-\d",
        "a Region's name such as eu-west-1",
        REGIONS,
    )
    allowed_account_ids: tuple[str, ...] = texts(
        "Accounts that may be deployed to; credentials of any other are refused. Empty: any account.",
        ACCOUNT_ID,
        "a list of account ids, each of 12 digits",
    )
    tags: dict[str, str] = field(
        default_factory=lambda: {"Purpose": "DataIngestion"},
        metadata={
            "rule": Rule(
                "Tags of every resource that can have tags, in addition to `Environment`.", dict, source=TAGS
            )
        },
    )

    def conflicts(self) -> list[Problem]:
        """Tags that AWS would refuse."""
        form = (
            "a tag has a key of 1 to 128 and a value of up to 256 characters, letters, digits, spaces and "
            f"{TAG_SIGNS}, and no key starts with aws:"
        )
        problems = [
            Problem(f"{self.table}.tags.{key}", value, f"{form} ({TAGS})")
            for key, value in self.tags.items()
            if not 1 <= len(key) <= 128
            or len(value) > 256
            or key.lower().startswith("aws:")
            or not all(_is_tag_text(text) or is_token(text) for text in (key, value))
        ]
        if len(self.tags) > MAX_TAGS:
            few = f"is the number of tags; up to {MAX_TAGS} are allowed in addition to `Environment` ({TAGS})"
            problems.append(Problem(f"{self.table}.tags", len(self.tags), few))
        return problems + self._ambiguous_tags()

    def _ambiguous_tags(self) -> list[Problem]:
        """Keys that differ only by case: IAM knows one of them, so that creating a role would fail.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
        """
        known = {ENVIRONMENT_TAG.casefold(): ENVIRONMENT_TAG}
        problems = []
        for key, value in self.tags.items():
            other = known.setdefault(key.casefold(), key)
            if other != key:
                problems.append(
                    Problem(f"{self.table}.tags.{key}", value, f"{AMBIGUOUS_TAG}, such as {other}")
                )
        return problems


def _is_tag_text(text: str) -> bool:
    return all(character.isalnum() or character in f" {TAG_SIGNS}" for character in text)

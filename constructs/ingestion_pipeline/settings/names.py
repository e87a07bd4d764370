"""The name of everything that is deployed: ``<name>-<environment>-<thing>``, within each service's limit."""

import hashlib
from dataclasses import dataclass

from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.partitions import partition_of

BUCKET_CHARACTERS = 63
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
ACCOUNT_CHARACTERS = 12

HASH_CHARACTERS = 8


def cut(name: str, characters: int) -> str:
    """``name``, or if it is longer its beginning and a hash of the whole, ``characters`` long.

    Two long names with the same beginning stay distinct.
    """
    if len(name) <= characters:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:HASH_CHARACTERS]
    return f"{name[: characters - HASH_CHARACTERS - 1].rstrip('-')}-{digest}"


@dataclass(frozen=True)
class Name:
    """The name of one resource, declared next to its construct.

    Attributes:
        key: The name's own name in the module.
        ending: Part after the pipeline's name and environment.
        max_characters: The service's limit.
        with_region: True to append the Region, because role names are global.
    """

    key: str
    ending: str
    max_characters: int
    with_region: bool = False


FUNCTION = Name("function", "fetch", 64)
"""The function that fetches, here because commands invoke it without loading its construct:
https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html."""

DELIVERY = {
    Form.LINES: Name("delivery_stream", "delivery", 64),
    Form.MEMBERS: Name("delivery_stream_gzip", "delivery-gzip", 64),
}
"""The delivery streams, here as ``FUNCTION`` is:
https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html."""

SCHEDULES = Name("schedule_group", "schedules", 64)
"""The group of the schedules, here as ``FUNCTION`` is:
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html."""

LAKE = Name("lake", "lake", BUCKET_CHARACTERS)
"""The beginning of a bucket's name; account and Region follow."""


@dataclass(frozen=True)
class Names:
    """The names of one pipeline.

    Attributes:
        name: The pipeline's.
        environment: Name of the environment, such as ``dev``.
        region: AWS Region; IAM roles and buckets are named in one space for all Regions.
    """

    name: str
    environment: str
    region: str

    @property
    def stack(self) -> str:
        """The Terraform stack, and the folder it is synthesized into."""
        return f"{self.name}-{self.environment}"

    @property
    def partition(self) -> str:
        """The second part of every ARN."""
        return partition_of(self.region)

    def of(self, name: Name) -> str:
        """The name of one thing, within its service's limit."""
        region = f"-{self.region}" if name.with_region else ""
        return cut(f"{self.stack}-{name.ending}{region}", name.max_characters)

    def bucket(self, account_id: str) -> str:
        """The lake's bucket, unique world-wide by account and Region.

        Args:
            account_id: Twelve digits, or what stands for them until Terraform knows them.
        """
        tail = ACCOUNT_CHARACTERS + len(self.region) + 2
        return f"{cut(f'{self.stack}-{LAKE.ending}', BUCKET_CHARACTERS - tail)}-{account_id}-{self.region}"

    @property
    def state_key(self) -> str:
        """The key of the stack's state in the state bucket."""
        return f"{self.name}/{self.environment}/terraform.tfstate"


def environment_label(environment: str) -> str:
    """The value of the tag ``Environment``: ``prod`` is ``Production``."""
    return {"prod": "Production", "dev": "Development"}.get(environment, environment.capitalize())

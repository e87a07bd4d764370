"""The name of everything that is deployed: ``<name>-<environment>-<thing>``, within each service's limit."""

import hashlib
from dataclasses import dataclass

# Most characters: https://docs.aws.amazon.com/streams/latest/APIReference/API_CreateStream.html,
# firehose/latest/APIReference/API_CreateDeliveryStream.html, lambda/latest/api/API_CreateFunction.html,
# IAM/latest/UserGuide/reference_iam-quotas.html, AmazonS3/latest/userguide/bucketnamingrules.html.
STREAM_CHARACTERS = 128
DELIVERY_STREAM_CHARACTERS = 64
FUNCTION_CHARACTERS = 64
ROLE_CHARACTERS = 64
QUEUE_CHARACTERS = 80
BUCKET_CHARACTERS = 63
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
class Names:
    """The names of one pipeline.

    Attributes:
        name: The pipeline's.
        environment: Where it runs, such as ``dev``.
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
    def stream(self) -> str:
        """The data stream."""
        return cut(f"{self.stack}-stream", STREAM_CHARACTERS)

    @property
    def delivery_stream(self) -> str:
        """The Firehose delivery stream."""
        return cut(f"{self.stack}-delivery", DELIVERY_STREAM_CHARACTERS)

    @property
    def function(self) -> str:
        """The function that fetches."""
        return cut(f"{self.stack}-fetch", FUNCTION_CHARACTERS)

    @property
    def dead_letter_queue(self) -> str:
        """The queue of events that failed to the last."""
        return cut(f"{self.stack}-dead-letters", QUEUE_CHARACTERS)

    def role(self, service: str) -> str:
        """The role of one service, such as ``fetch`` or ``delivery``."""
        return cut(f"{self.stack}-{service}-{self.region}", ROLE_CHARACTERS)

    def bucket(self, account_id: str) -> str:
        """The lake's bucket, unique world-wide by account and Region.

        Args:
            account_id: Twelve digits, or what stands for them until Terraform knows them.
        """
        tail = ACCOUNT_CHARACTERS + len(self.region) + 2
        return f"{cut(f'{self.stack}-lake', BUCKET_CHARACTERS - tail)}-{account_id}-{self.region}"

    @property
    def state_key(self) -> str:
        """Where in the state bucket the stack's state lies."""
        return f"{self.name}/{self.environment}/terraform.tfstate"


def environment_label(environment: str) -> str:
    """The value of the tag ``Environment``: ``prod`` is ``Production``."""
    return {"prod": "Production", "dev": "Development"}.get(environment, environment.capitalize())

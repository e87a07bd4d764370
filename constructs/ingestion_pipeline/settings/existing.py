"""The parts of a pipeline by name and ARN: given for one that exists, read from one that was made.

A pipeline's own attributes are of the same types, so that one pipeline may use a part of another.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ingestion_pipeline.settings.expressions import Condition, not_empty
from ingestion_pipeline.settings.rules import Problem, SettingsError
from ingestion_pipeline.settings.tables import AWS_KINESIS_KEY, LakeSettings, Settings, StreamSettings

REFERENCE = "${"
"""Part of every value that only Terraform will know."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Something with an ARN.

    Attributes:
        arn: Of the service that ``service`` names, or a reference of Terraform's.

    Raises:
        SettingsError: When it is not an ARN of that service.
    """

    service = ""
    arn: str

    def __post_init__(self) -> None:
        """Check the ARN."""
        if REFERENCE in self.arn or re.match(rf"arn:[a-z-]+:{self.service}:.", self.arn):
            return
        advice = f"must be an ARN such as arn:aws:{self.service}:…, or a reference of Terraform's"
        raise SettingsError([Problem(f"{type(self).__name__}.arn", self.arn, advice)])


@dataclass(frozen=True, kw_only=True)
class StreamReference(Reference):
    """A Kinesis data stream.

    Attributes:
        name: Its name.
        kms_key: ``alias/aws/kinesis``, or the ARN of the key that it is encrypted with.
        other_kms_keys: ARNs of the next key before a change, and of the former one after it.
    """

    service = "kinesis"
    name: str
    kms_key: str = AWS_KINESIS_KEY
    other_kms_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the ARN, and the keys as the settings would."""
        super().__post_init__()
        if not any(REFERENCE in key for key in self.other_kms_keys):
            StreamSettings(other_kms_keys=self.other_kms_keys)
        if REFERENCE not in self.kms_key:
            StreamSettings(kms_key=self.kms_key)

    @property
    def has_own_key(self) -> Condition:
        """Whether it is encrypted with a key of the user's, given by its ARN, rather than with AWS's own."""
        return not self.kms_key.startswith("alias/")

    @property
    def has_other_keys(self) -> Condition:
        """Whether its records may be encrypted with further keys, before or after a change of the key."""
        return not_empty(self.other_kms_keys)


@dataclass(frozen=True, kw_only=True)
class BucketReference(Reference):
    """An S3 bucket.

    Attributes:
        name: Its name.
        kms_key: ARN of the key that it encrypts with by default; empty: one of S3's own.
    """

    service = "s3"
    name: str
    kms_key: str = ""

    @property
    def has_own_key(self) -> Condition:
        """Whether it encrypts with a key of the user's by default."""
        return bool(self.kms_key)


@dataclass(frozen=True, kw_only=True)
class RoleReference(Reference):
    """An IAM role, which has to trust the service that is to assume it.

    Attributes:
        name: Its name, which gets the pipeline's permissions as an inline policy; empty: whoever owns
            the role attaches them, from the pipeline's attribute ``function_policy`` or ``delivery_policy``.
    """

    service = "iam"
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class LogGroupReference(Reference):
    """A log group of CloudWatch Logs.

    Attributes:
        name: Its name. The ARN is without ``:*``.
    """

    service = "logs"
    name: str


@dataclass(frozen=True, kw_only=True)
class QueueReference(Reference):
    """An SQS queue.

    Attributes:
        url: Where it is polled; only an output needs it.
        kms_key: ARN of the key of yours that it is encrypted with; empty: one of SQS's own.
    """

    service = "sqs"
    url: str = ""
    kms_key: str = ""

    @property
    def has_own_key(self) -> Condition:
        """Whether it is encrypted with a key of the user's."""
        return bool(self.kms_key)

    @property
    def send_action(self) -> str:
        """The IAM action that sends to it."""
        return "sqs:SendMessage"


R = TypeVar("R", bound=Reference)


def part(
    meaning: str, variable: str = "", attributes: str = "arn name", kms_key: str = ""
) -> Mapping[str, str]:
    """How the module lets its users name a part that exists.

    Args:
        meaning: For the module's documentation.
        variable: The module's variable; default: ``existing_`` and the field's name.
        attributes: What its user gives, with a ``?`` behind what may be left out.
        kms_key: Default of the attribute ``kms_key``, if its user may give one.
    """
    return {"meaning": meaning, "variable": variable, "attributes": attributes, "kms_key": kms_key}


@dataclass(frozen=True, kw_only=True)
class Existing:
    """The parts that exist already; a part that is None is made.

    Example:
        ``IngestionPipeline(self, "orders", settings=…, existing=Existing(bucket=other.bucket))``

    Attributes:
        bucket: The lake.
        stream: Whose records are delivered.
        dead_letter_queue: Of events whose invocation failed after all retries.
        function_role: Trusts lambda.amazonaws.com.
        delivery_role: Trusts firehose.amazonaws.com.
        function_log_group: Of the function; its owner decides how long it is kept.
        delivery_log_group: Of the delivery's errors.
    """

    stream: StreamReference | None = field(
        default=None,
        metadata=part(
            "Kinesis stream to use instead of making one; `kms_key` is the ARN of the key of yours that it "
            "is encrypted with, if it is one.",
            attributes="arn name kms_key?",
            kms_key=AWS_KINESIS_KEY,
        ),
    )
    bucket: BucketReference | None = field(
        default=None,
        metadata=part(
            "Bucket to use instead of making one; nothing about it is changed. `kms_key` is the ARN of the "
            "key of yours that it encrypts with by default, if it is one.",
            attributes="arn name kms_key?",
        ),
    )
    function_role: RoleReference | None = field(
        default=None,
        metadata=part(
            "Role of the function to use instead of making one; give it the output `function_policy_json`.",
            attributes="arn",
        ),
    )
    delivery_role: RoleReference | None = field(
        default=None,
        metadata=part(
            "Role of Firehose to use instead of making one; give it the output `delivery_policy_json`.",
            attributes="arn",
        ),
    )
    function_log_group: LogGroupReference | None = field(
        default=None, metadata=part("Log group of the function to use instead of making one.")
    )
    delivery_log_group: LogGroupReference | None = field(
        default=None,
        metadata=part("Log group of Firehose to use instead of making one; a log stream is made in it."),
    )
    dead_letter_queue: QueueReference | None = field(
        default=None,
        metadata=part(
            "SQS queue or SNS topic for events that failed after all retries, to use instead of making a "
            "queue; `url` is only for the output, `kms_key` is the ARN of the key of yours that it is "
            "encrypted with, if it is one.",
            variable="existing_failure_destination",
            attributes="arn url? kms_key?",
        ),
    )

    def use(self, name: str, make: Callable[[], R]) -> R:
        """The existing part of that name, or the one that ``make`` makes."""
        existing: R | None = getattr(self, name)
        return existing or make()

    def has(self, name: str) -> Condition:
        """Whether the part of that name exists."""
        return getattr(self, name) is not None

    def check(self, settings: Settings) -> None:
        """Refuse settings of a part that is not made.

        Raises:
            SettingsError: With each of them.
        """
        advice = "is for a part that is made; leave it out, or the existing one"
        problems = [
            Problem(given.table, given, advice)
            for given, default, existing in (
                (settings.stream, StreamSettings(), self.stream),
                (settings.lake, LakeSettings(), self.bucket),
            )
            if given != default and existing is not None
        ]
        if problems:
            raise SettingsError(problems)

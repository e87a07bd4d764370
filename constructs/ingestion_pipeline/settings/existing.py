"""The parts of a pipeline by name and ARN: given for one that exists, read from one that was made.

A pipeline's own attributes are of the same types, so that one pipeline may use a part of another.
"""

import re
from dataclasses import dataclass

from ingestion_pipeline.settings.rules import Problem, SettingsError
from ingestion_pipeline.settings.tables import AWS_KINESIS_KEY, LakeSettings, StreamSettings

REFERENCE = "${"
"""Part of every value that only Terraform will know."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Something with an ARN.

    Attributes:
        arn: Of the service that ``service`` names, or a reference of Terraform's.

    Raises:
        SettingsError: When the ARN is none of that service.
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
    """

    service = "kinesis"
    name: str
    kms_key: str = AWS_KINESIS_KEY

    def __post_init__(self) -> None:
        """Check the ARN, and the key as the settings would."""
        super().__post_init__()
        if REFERENCE not in self.kms_key:
            StreamSettings(kms_key=self.kms_key)


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
    """

    service = "sqs"
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Existing:
    """The parts that are there already; what is None is made.

    Attributes:
        stream: Whose records are delivered.
        bucket: The lake.
        function_role: Trusts lambda.amazonaws.com.
        delivery_role: Trusts firehose.amazonaws.com.
        function_log_group: Of the function; its owner decides how long it is kept.
        delivery_log_group: Of the delivery's errors.
        dead_letter_queue: Of events whose invocation failed to the last.
    """

    stream: StreamReference | None = None
    bucket: BucketReference | None = None
    function_role: RoleReference | None = None
    delivery_role: RoleReference | None = None
    function_log_group: LogGroupReference | None = None
    delivery_log_group: LogGroupReference | None = None
    dead_letter_queue: QueueReference | None = None

    def check(self, stream: StreamSettings | None, lake: LakeSettings | None) -> None:
        """Settings of a part that is not made are a mistake.

        Raises:
            SettingsError: With each of them.
        """
        advice = "is for a part that is made; leave it out, or the existing one"
        problems = [
            Problem(given.table, given, advice)
            for given, existing in ((stream, self.stream), (lake, self.bucket))
            if given is not None and existing is not None
        ]
        if problems:
            raise SettingsError(problems)

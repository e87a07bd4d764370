"""The parts of a pipeline by name and ARN: given for one that exists, read from one that was made.

A pipeline's own attributes are of the same types, so that one pipeline may use a part of another.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ingestion_pipeline.settings.expressions import Condition, Unknown, derived, given, not_empty, part_of
from ingestion_pipeline.settings.forms import GZIP
from ingestion_pipeline.settings.patterns import KEY_ARN
from ingestion_pipeline.settings.rules import Problem, SettingsError, is_token
from ingestion_pipeline.settings.tables.stream import AWS_KINESIS_KEY, StreamSettings

PLACE = r"arn:[^:]*:[^:]*:(?P<region>[^:]*):(?P<account>[^:]*):.*"
"""Pattern of any ARN."""

LOCAL = "take one in the Region and account of the function, or leave it out, and one is made"
ONE_OF_BOTH = "give the name and the ARN of one and the same"


STREAM_PACKINGS = ("lines", GZIP)

REFERENCE = "${"
"""Part of every value that only Terraform will know."""


IN_A_REGION = r"[a-z0-9-]+:[0-9]{12}"
"""Region and account in an ARN."""


KEY_ADVICE = "must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or left out"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Something with an ARN.

    Attributes:
        arn: An ARN that matches ``form``, or a reference of Terraform's.
        in_terraform: True for the part in the module's synthesis, which is made or exists.

    Raises:
        SettingsError: When the ARN has another form or another name, or when ``kms_key`` is not a key.
    """

    form = ""
    """Pattern of the whole ARN, with the group ``name`` for its name."""
    example = ""
    """An example of the ARN."""
    keys = KEY_ARN
    """Pattern of ``kms_key``."""
    same_place = False
    """True if AWS requires the Region and the account of the function."""
    in_module: ClassVar[tuple[str, ...]] = ("arn", "name")
    """The attributes that the module's user gives; those with a default may be left out."""
    arn: str
    in_terraform: bool = False

    def __post_init__(self) -> None:
        """Check the ARN, the name and the key as far as they are known."""
        problems = [*self._arn_problems(), *self._key_problems()]
        if problems:
            raise SettingsError(problems)

    def _arn_problems(self) -> Iterator[Problem]:
        if REFERENCE in self.arn:
            return
        owner, name = type(self).__name__, getattr(self, "name", "")
        found = re.fullmatch(self.form, self.arn)
        if not found:
            advice = f"must be an ARN such as {self.example}, or a reference of Terraform's"
            yield Problem(f"{owner}.arn", self.arn, advice)
        elif name and REFERENCE not in name and found["name"] != name:
            advice = f"is not what the ARN {self.arn} names, {found['name']!r}: {ONE_OF_BOTH}"
            yield Problem(f"{owner}.name", name, advice)

    def _key_problems(self) -> Iterator[Problem]:
        key = getattr(self, "kms_key", "")
        if key and REFERENCE not in key and not re.fullmatch(self.keys, key):
            yield Problem(f"{type(self).__name__}.kms_key", key, KEY_ADVICE)

    def place_problems(self, region: str, account_ids: Sequence[str]) -> Iterator[Problem]:
        """The problems of a Region or an account that is not the pipeline's, where AWS requires the same.

        Args:
            region: The pipeline's; empty if it is not known.
            account_ids: The accounts that the pipeline may be deployed to; empty if it may be any.
        """
        where = None if REFERENCE in self.arn else re.fullmatch(PLACE, self.arn)
        if not where or not self.same_place:
            return
        owner = f"{type(self).__name__}.arn"
        if region and not is_token(region) and where["region"] != region:
            yield Problem(owner, self.arn, f"is in {where['region']}, and the pipeline in {region}: {LOCAL}")
        if account_ids and where["account"] not in account_ids:
            allowed = ", ".join(account_ids)
            yield Problem(owner, self.arn, f"is in none of the accounts of the pipeline, {allowed}: {LOCAL}")


@dataclass(frozen=True, kw_only=True)
class StreamReference(Reference):
    """A Kinesis data stream.

    Attributes:
        name: Its name.
        kms_key: ``alias/aws/kinesis``, or the ARN of the key that it is encrypted with.
        other_kms_keys: ARNs of the next key before a change, and of the former one after it.
        packing: Form of its records, ``lines`` or ``gzip``, which never changes; ``none`` also makes lines.
    """

    form = rf"arn:[a-z-]+:kinesis:{IN_A_REGION}:stream/(?P<name>[A-Za-z0-9_.-]{{1,128}})"
    example = "arn:aws:kinesis:<region>:<account>:stream/<name>"
    keys = rf"{AWS_KINESIS_KEY}|{KEY_ARN}"
    same_place = True
    in_module = ("arn", "name", "kms_key", "packing")
    name: str
    kms_key: str = AWS_KINESIS_KEY
    other_kms_keys: tuple[str, ...] = ()
    packing: str = "lines"

    def __post_init__(self) -> None:
        """Check the ARN, the further keys as the settings would, and the packing."""
        super().__post_init__()
        if self.packing not in STREAM_PACKINGS:
            advice = f"must be one of {', '.join(STREAM_PACKINGS)}"
            raise SettingsError([Problem("StreamReference.packing", self.packing, advice)])
        if not any(REFERENCE in key for key in self.other_kms_keys):
            StreamSettings(other_kms_keys=self.other_kms_keys)

    @derived(bool, f'local.stream_kms_key != "{AWS_KINESIS_KEY}"')
    def has_own_key(self) -> Condition:
        """True if a key of the user's encrypts it, which is given by its ARN. AWS's own key has an alias."""
        return not self.kms_key.startswith("alias/")

    @property
    def has_other_keys(self) -> Condition:
        """True if further keys may encrypt its records, before or after a change of the key."""
        return not_empty(self.other_kms_keys)


@dataclass(frozen=True, kw_only=True)
class BucketReference(Reference):
    """An S3 bucket.

    Attributes:
        name: Its name.
        kms_key: ARN of the key that it encrypts with by default; empty: one of S3's own.
    """

    form = r"arn:[a-z-]+:s3:::(?P<name>[A-Za-z0-9._-]{3,255})"
    example = "arn:aws:s3:::<name>"
    in_module = ("arn", "name", "kms_key")
    name: str
    kms_key: str = ""

    @derived(bool, "local.bucket_kms_key != null")
    def has_own_key(self) -> Condition:
        """True if a key of the user's encrypts its objects by default."""
        return bool(self.kms_key)


@dataclass(frozen=True, kw_only=True)
class RoleReference(Reference):
    """An IAM role, which has to trust the service that is to assume it.

    Attributes:
        name: Its name, which gets the pipeline's permissions as an inline policy; empty: whoever owns
            the role attaches them, from the pipeline's attribute ``function_policy`` or ``delivery_policy``.
    """

    form = r"arn:[a-z-]+:iam::[0-9]{12}:role/(?:[!-~]+/)?(?P<name>[A-Za-z0-9_+=,.@-]{1,64})"
    example = "arn:aws:iam::<account>:role/<name>"
    in_module = ("arn",)
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class LogGroupReference(Reference):
    """A log group of CloudWatch Logs.

    Attributes:
        name: Its name. The ARN is without ``:*``.
    """

    form = rf"arn:[a-z-]+:logs:{IN_A_REGION}:log-group:(?P<name>[A-Za-z0-9_/.#-]{{1,512}})"
    example = "arn:aws:logs:<region>:<account>:log-group:<name> (without :*)"
    same_place = True
    name: str


@dataclass(frozen=True, kw_only=True)
class QueueReference(Reference):
    """A standard SQS queue; Lambda sends to no FIFO queue.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

    Attributes:
        url: URL for sending; required if a source has a schedule or the queue is enabled.
        kms_key: ARN of the key of yours that it is encrypted with; empty: one of SQS's own.
        other_kms_keys: ARNs of the next key before a change, and of the former one after it.
    """

    form = rf"arn:[a-z-]+:sqs:{IN_A_REGION}:(?P<name>[A-Za-z0-9_-]{{1,80}})"
    example = "arn:aws:sqs:<region>:<account>:<name> (a standard queue)"
    keys = f"({KEY_ARN})?"
    in_module = ("arn", "url", "kms_key")
    url: str = ""
    kms_key: str = ""
    other_kms_keys: tuple[str, ...] = ()

    @derived(bool, 'try(coalesce(local.failure_destination_kms_key), "") != ""')
    def has_own_key(self) -> Condition:
        """True if a key of the user's encrypts it."""
        return given(self.kms_key)

    @property
    def has_other_keys(self) -> Condition:
        """True if further keys may encrypt its messages, before or after a change of the key."""
        return not_empty(self.other_kms_keys)

    @derived(str, "local.failure_action")
    def send_action(self) -> str:
        """The IAM action that sends to it; the module's user may give a topic instead."""
        return "sqs:SendMessage"

    @derived(str, 'try(coalesce(local.failure_destination.url), "")')
    def url_or_empty(self) -> str:
        """The URL; empty if none is given."""
        return self.url

    @property
    def name(self) -> str:
        """The name, from the ARN."""
        return part_of(self.arn, ":", 5)

    def takes_messages_of(self, region: str, account_ids: Sequence[str]) -> Condition:
        """True if SQS can move the messages of another queue to it: only within one account and Region.

        https://docs.aws.amazon.com/sdk-for-cpp/v1/developer-guide/examples-sqs-dead-letter-queues.html

        Args:
            region: Region of the other queue.
            account_ids: The accounts that the other queue may be in; empty if it may be any.
        """
        if self.in_terraform:
            return Unknown("local.failure_destination_takes_messages")
        where = None if REFERENCE in self.arn else re.fullmatch(PLACE, self.arn)
        if not where:
            return True
        is_any = not account_ids or any(REFERENCE in each for each in account_ids)
        return where["region"] == region and (is_any or where["account"] in account_ids)

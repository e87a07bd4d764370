"""The parts of a pipeline by name and ARN: given for one that exists, read from one that was made.

A pipeline's own attributes are of the same types, so that one pipeline may use a part of another.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from ingestion_pipeline.settings.expressions import Condition, Unknown, derived, given, not_empty
from ingestion_pipeline.settings.forms import GZIP, Form
from ingestion_pipeline.settings.patterns import KEY_ARN
from ingestion_pipeline.settings.rules import Problem, SettingsError, default_of, is_token
from ingestion_pipeline.settings.settings import Settings, all_settings
from ingestion_pipeline.settings.tables.stream import AWS_KINESIS_KEY, StreamSettings

PLACE = r"arn:[^:]*:[^:]*:(?P<region>[^:]*):(?P<account>[^:]*):.*"
"""Pattern of any ARN."""

LOCAL = "take one in the Region and account of the function, or leave it out, and one is made"
ONE_OF_BOTH = "give the name and the ARN of one and the same"

ONE_STREAM = (
    "is for streams that are made: one that exists keeps its packing; for another packing give another "
    "stream, once everything on the first is delivered"
)

STREAM_PACKINGS = ("lines", GZIP)
OTHER_PACKING = (
    "is not what the existing stream holds, which keeps its packing for ever: give another stream, with the "
    "`packing` that it holds"
)

REFERENCE = "${"
"""Part of every value that only Terraform will know."""


IN_A_REGION = r"[a-z0-9-]+:[0-9]{12}"
"""Region and account in an ARN."""

DEAD_LETTERS_ELSEWHERE = (
    "must be a queue in the Region and the account of the pipeline, because a source has a schedule or "
    f"queue.enabled is set, and SQS moves dead letters nowhere else: {LOCAL}"
)
DEAD_LETTERS_WITHOUT_URL = (
    "must be the queue's URL, because a source has a schedule or queue.enabled is set, and the function "
    "sends there what it cannot ingest"
)

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
    """

    form = rf"arn:[a-z-]+:sqs:{IN_A_REGION}:(?P<name>[A-Za-z0-9_-]{{1,80}})"
    example = "arn:aws:sqs:<region>:<account>:<name> (a standard queue)"
    keys = f"({KEY_ARN})?"
    in_module = ("arn", "url", "kms_key")
    url: str = ""
    kms_key: str = ""

    @derived(bool, 'try(coalesce(local.failure_destination_kms_key), "") != ""')
    def has_own_key(self) -> Condition:
        """True if a key of the user's encrypts it."""
        return given(self.kms_key)

    @derived(str, "local.failure_action")
    def send_action(self) -> str:
        """The IAM action that sends to it; the module's user may give a topic instead."""
        return "sqs:SendMessage"

    @derived(str, 'try(coalesce(local.failure_destination.url), "")')
    def url_or_empty(self) -> str:
        """The URL; empty if none is given."""
        return self.url

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


R = TypeVar("R", bound=Reference)


ONLY_MADE = "is for a part that is made; leave it out, or the existing one"


def part(kind: type[Reference], meaning: str, *settings: str) -> Any:
    """A part that may exist.

    Args:
        kind: What a program in Python gives for it.
        meaning: Documents the module's variable for it.
        settings: Tables and settings that are only for one that is made, such as ``lake``.
    """
    return field(default=None, metadata={"kind": kind, "meaning": meaning, "settings": settings})


def settings_of(column: Field[Any]) -> Iterator[tuple[str, str, object]]:
    """Table, name and default of each setting that is only for a part that is made.

    Args:
        column: A field of `Existing`.
    """
    for table, setting in all_settings():
        if {table, f"{table}.{setting.name}"} & set(column.metadata["settings"]):
            yield table, setting.name, default_of(setting)


@dataclass(frozen=True, kw_only=True)
class Existing:
    """The parts that exist already; a part that is None is made.

    Example:
        ``IngestionPipeline(self, "orders", settings=…, existing=Existing(bucket=other.bucket))``

    Attributes:
        stream: Stream of the records.
        bucket: The lake.
        function_role: Trusts lambda.amazonaws.com.
        delivery_role: Trusts firehose.amazonaws.com.
        function_log_group: Log group of the function; its owner decides how long it is kept.
        delivery_log_group: Log group of the delivery's errors.
        dead_letter_queue: Gets the events whose invocation failed after all retries.
    """

    stream: StreamReference | None = part(
        StreamReference,
        "Kinesis stream to use instead of making one; `kms_key` is the ARN of the key of yours that it "
        "is encrypted with, if it is one, and `packing` what it holds for ever, `lines` or `gzip`.",
        "stream",
    )
    bucket: BucketReference | None = part(
        BucketReference,
        "Bucket to use instead of making one; nothing about it is changed. `kms_key` is the ARN of the "
        "key of yours that it encrypts with by default, if it is one.",
        "lake",
    )
    function_role: RoleReference | None = part(
        RoleReference,
        "Role of the function to use instead of making one; give it the output `function_policy_json`.",
    )
    delivery_role: RoleReference | None = part(
        RoleReference,
        "Role of Firehose to use instead of making one; give it the output `delivery_policy_json`.",
    )
    function_log_group: LogGroupReference | None = part(
        LogGroupReference,
        "Log group of the function to use instead of making one.",
        "function.log_retention_days",
    )
    delivery_log_group: LogGroupReference | None = part(
        LogGroupReference,
        "Log group of Firehose to use instead of making one; a log stream is made in it.",
        "delivery.log_retention_days",
    )
    dead_letter_queue: QueueReference | None = part(
        QueueReference,
        "SQS queue or SNS topic for events that failed after all retries, to use instead of making a "
        "queue; `url` is only for the output, `kms_key` is the ARN of the key of yours that it is "
        "encrypted with, if it is one.",
        "dead_letters.queue_retention_days",
        "dead_letters.kms_key",
    )

    def use(self, name: str, make: Callable[[], R], form: Form = Form.LINES) -> R:  # noqa: ARG002 - for the module
        """The existing part of that name, or the one that ``make`` makes.

        Args:
            name: Name of an attribute.
            make: Makes the part.
            form: Form of the records, if each form has a part of its own.
        """
        existing: R | None = getattr(self, name)
        return existing or make()

    def has(self, name: str) -> Condition:
        """True if the part of that name exists."""
        return getattr(self, name) is not None

    def check(self, settings: Settings) -> None:
        """Refuse settings of a part that is not made, and a part that is not where the function is.

        Raises:
            SettingsError: With each of them.
        """
        problems = list(self._packing_problems(settings))
        pipeline = settings.pipeline
        for column in fields(self):
            if reference := getattr(self, column.name):
                problems += [
                    Problem(f"{table}.{name}", value, ONLY_MADE)
                    for table, name, default in settings_of(column)
                    if (value := getattr(getattr(settings, table), name)) != default
                ]
                problems += reference.place_problems(pipeline.region, pipeline.allowed_account_ids)
        problems += self._unusable_dead_letters(settings)
        if problems:
            raise SettingsError(problems)

    def _packing_problems(self, settings: Settings) -> Iterator[Problem]:
        """A stream that exists holds lines or gzip members, never both."""
        if self.stream is None:
            return
        if settings.delivery.keep_former:
            yield Problem("delivery.keep_former", True, ONE_STREAM)
        if settings.forms.is_gzip != (self.stream.packing == GZIP):
            advice = f"{OTHER_PACKING} (packing = {self.stream.packing!r})"
            yield Problem("fetch.packing", settings.fetch.packing, advice)

    def _unusable_dead_letters(self, settings: Settings) -> Iterator[Problem]:
        """Problems of a queue that must take the dead letters of a consumed work queue."""
        queue, pipeline = self.dead_letter_queue, settings.pipeline
        if queue is None or settings.queue_is_consumed is not True:
            return
        if not queue.takes_messages_of(pipeline.region, pipeline.allowed_account_ids):
            yield Problem("QueueReference.arn", queue.arn, DEAD_LETTERS_ELSEWHERE)
        if not queue.url:
            yield Problem("QueueReference.url", queue.url, DEAD_LETTERS_WITHOUT_URL)

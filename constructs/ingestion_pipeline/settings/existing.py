"""The parts of a pipeline that exist already, and what they ask of the settings."""

from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from ingestion_pipeline.settings.expressions import Condition
from ingestion_pipeline.settings.forms import GZIP, Form
from ingestion_pipeline.settings.references import (
    LOCAL,
    BucketReference,
    LogGroupReference,
    QueueReference,
    Reference,
    RoleReference,
    StreamReference,
)
from ingestion_pipeline.settings.rules import Problem, SettingsError, default_of
from ingestion_pipeline.settings.settings import Settings, all_settings
from ingestion_pipeline.settings.sources.sources import MAX_PERMITTED_CHARACTERS

ONE_STREAM = (
    "is for streams that are made: one that exists keeps its packing; for another packing give another "
    "stream, once everything on the first is delivered"
)

OTHER_PACKING = (
    "is not what the existing stream holds, which keeps its packing for ever: give another stream, with the "
    "`packing` that it holds"
)

TOO_MUCH_FOR_A_ROLE = (
    "name secrets, keys and other ARNs of {characters:,} characters, and the inline policy of a role that "
    "exists has room for {most:,}: leave function_role out, and a role with managed policies is made, let "
    "sources share them, or make several pipelines "
    "(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)"
)

DEAD_LETTERS_ELSEWHERE = (
    "must be a queue in the Region and the account of the pipeline, because a source has a schedule or "
    f"queue.enabled is set, and SQS moves dead letters nowhere else: {LOCAL}"
)

DEAD_LETTERS_WITHOUT_URL = (
    "must be the queue's URL, because a source has a schedule or queue.enabled is set, and the function "
    "sends there what it cannot ingest"
)
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
        "dead_letters.other_kms_keys",
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

    def name_of(self, part: str, made: str) -> str:
        """The name of a part with one, without a reference to what is made.

        Args:
            part: Name of an attribute.
            made: Name of the part if it is made.
        """
        existing = getattr(self, part)
        return existing.name if existing else made

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
        problems += self._too_much_for_a_role(settings)
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

    def _too_much_for_a_role(self, settings: Settings) -> Iterator[Problem]:
        """A role that exists has all permissions in one inline policy, those for secrets and keys too."""
        characters = settings.configured_sources.inline_characters
        if self.function_role and characters > MAX_PERMITTED_CHARACTERS:
            advice = TOO_MUCH_FOR_A_ROLE.format(characters=characters, most=MAX_PERMITTED_CHARACTERS)
            yield Problem("sources", f"{len(settings.sources)} tables", advice)

    def _unusable_dead_letters(self, settings: Settings) -> Iterator[Problem]:
        """Problems of a queue that must take the dead letters of a consumed work queue."""
        queue, pipeline = self.dead_letter_queue, settings.pipeline
        if queue is None or settings.queue_is_consumed is not True:
            return
        if not queue.takes_messages_of(pipeline.region, pipeline.allowed_account_ids):
            yield Problem("QueueReference.arn", queue.arn, DEAD_LETTERS_ELSEWHERE)
        if not queue.url:
            yield Problem("QueueReference.url", queue.url, DEAD_LETTERS_WITHOUT_URL)

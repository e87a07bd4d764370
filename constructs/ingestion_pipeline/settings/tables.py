"""Every setting with its meaning, default and limit: the one place where defaults stand.

Values are frozen and check themselves; each limit names the page that it comes from.
"""

from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

from ingestion_pipeline.settings.expressions import Condition, all_of, any_of, is_zero, negated
from ingestion_pipeline.settings.forms import GZIP, Forms
from ingestion_pipeline.settings.names import Names
from ingestion_pipeline.settings.rules import Checked, Problem, Rule, SettingsError, is_token, setting
from ingestion_pipeline.settings.source_types import Source
from ingestion_pipeline.settings.sources import (
    OWN_FOLDERS,
    ConfiguredSources,
    source_problems,
)

KINESIS_QUOTAS = "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html"
FIREHOSE_BUFFER = "https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html"
FIREHOSE_PREFIX = "https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html"
LAMBDA_QUOTAS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
LAMBDA_VPC = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
LAMBDA_ASYNC = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"
LAMBDA_SQS_SCALING = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"
LAMBDA_SQS_BATCHES = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"
SQS_KEYS = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"
)
SQS_QUOTAS = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"
)
LOG_RETENTION = (
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
)
BUCKET_NAMES = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
OBJECT_KEYS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"
TAGS = "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"
REGIONS = "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html"

# fmt: off
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)
# fmt: on

RESERVED_BUCKET_NAMES = (
    r"(?!xn--|sthree-|amzn-s3-demo-|(\d+\.){3}\d+$)(?!.*(\.\.|-s3alias$|--(ol|x|table)-s3$|\.mrap$))"
)
BUCKET_NAME = RESERVED_BUCKET_NAMES + r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
BUCKET_FORM = (
    "lower-case letters, digits, single dots and hyphens, 3 to 63 characters, nothing that S3 reserves"
)
DATA_FOLDER = "year="
"""How the key of every data object begins after the prefix; Firehose may write there and to errors."""
STREAM_ENCRYPTION = "https://docs.aws.amazon.com/streams/latest/dev/server-side-encryption.html"
AWS_KINESIS_KEY = "alias/aws/kinesis"
KEY_ARN = r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"
# Without a hyphen, or `a-b` in `c` and `a` in `b-c` would be deployed under the same names.
ACCOUNT_ID = r"\d{12}"
ENVIRONMENT = r"[a-z][a-z0-9]{0,19}"
ENVIRONMENT_FORM = "1 to 20 lower-case letters and digits, starting with a letter: it is a part of every name"
ALLOWED_HOSTS_CHARACTERS = 512
"""Beside the sources, within the 4,096 bytes that all variables of a function may take."""
HOST_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
THROTTLED = (
    "is more than function.reserved_concurrency, {reserved}, so that AWS would throttle the queue: lower it, "
    f"but not below 2, or reserve more ({LAMBDA_SQS_SCALING})"
)
EXPIRES_EARLY = (
    "is more than dead_letters.queue_retention_days, {days}, and SQS counts the age of a dead letter from "
    "when the event was sent: lower it, or keep dead letters as long"
)
TAG_SIGNS = "_.:/=+-@"
ENVIRONMENT_TAG = "Environment"
AMBIGUOUS_TAG = "differs only by case from another tag"
MAX_TAGS = 49
"""A resource has up to 50; one of them is `Environment`."""
ALREADY_GZIP = "is not what objects are with fetch.packing = gzip, which Firehose writes as they come"
LITERAL_PREFIX = r"[A-Za-z0-9_][A-Za-z0-9_.=/-]{0,198}/"


# A setting with a `variable` is one that the function reads, from the environment variable of that name.
# `make docs` then declares it to the function, in lambda/url_fetcher/variables.py.


def whole(
    default: Any, minimum: int, maximum: int, meaning: str, source: str = "", variable: str = ""
) -> Any:
    """A setting that is a whole number between two limits, both allowed."""
    rule = Rule(meaning, int, minimum=minimum, maximum=maximum, source=source, variable=variable)
    return setting(default, rule)


def text(
    default: Any, meaning: str, pattern: str = "", form: str = "", source: str = "", variable: str = ""
) -> Any:
    """A setting that is a string of a given form."""
    return setting(default, Rule(meaning, str, pattern=pattern, form=form, source=source, variable=variable))


def one_of(
    default: object, choices: tuple[object, ...], meaning: str, source: str = "", variable: str = ""
) -> Any:
    """A setting that is one of a few values."""
    return setting(
        default, Rule(meaning, type(choices[0]), choices=choices, source=source, variable=variable)
    )


def switch(default: bool, meaning: str, variable: str = "") -> Any:
    """A setting that is true or false."""
    return setting(default, Rule(meaning, bool, variable=variable))


def retention_days(meaning: str) -> Any:
    """A setting that is one of the periods CloudWatch Logs offers, 14 days by default."""
    return one_of(14, LOG_RETENTION_DAYS, meaning, LOG_RETENTION)


@dataclass(frozen=True, kw_only=True)
class PipelineSettings(Checked):
    """Whose pipeline it is and where it runs."""

    table = "pipeline"
    name: str = text(
        "data-ingestion",
        "First part of every name, `<name>-<environment>-<thing>`.",
        r"[a-z][a-z0-9-]{1,38}[a-z0-9]",
        "lower-case letters, digits and hyphens, 3 to 40 characters, starting with a letter",
    )
    region: str = text(
        "us-east-1",
        "AWS Region of everything.",
        r"[a-z]{2,4}(-[a-z]+)+-\d",
        "a Region's name such as eu-west-1",
        REGIONS,
    )
    allowed_account_ids: tuple[str, ...] = setting(
        (),
        Rule(
            "Accounts that may be deployed to, so that credentials of a wrong one are refused; empty: any.",
            tuple,
            pattern=ACCOUNT_ID,
            form="a list of account ids, each of 12 digits",
        ),
    )
    tags: dict[str, str] = field(
        default_factory=lambda: {"Purpose": "DataIngestion"},
        metadata={
            "rule": Rule("Tags on everything that can carry them, beside `Environment`.", dict, source=TAGS)
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
            few = f"is the number of tags; up to {MAX_TAGS} are allowed beside `Environment` ({TAGS})"
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


@dataclass(frozen=True, kw_only=True)
class StreamSettings(Checked):
    """The Kinesis data stream."""

    table = "stream"
    shard_count: int = whole(
        2, 1, 20_000, "Shards; each takes 1 MB or 1,000 Kinesis records a second.", KINESIS_QUOTAS
    )
    retention_hours: int = whole(24, 24, 8_760, "Hours that the stream keeps a record.", KINESIS_QUOTAS)
    kms_key: str = text(
        AWS_KINESIS_KEY,
        "KMS key that encrypts the stream: AWS's own, or the ARN of yours, which both roles may then use.",
        f"{AWS_KINESIS_KEY}|{KEY_ARN}",
        f"{AWS_KINESIS_KEY} or the ARN of a key",
        STREAM_ENCRYPTION,
    )
    other_kms_keys: tuple[str, ...] = setting(
        (),
        Rule(
            "Further keys that both roles may use: the next key before `kms_key` changes, and the former one "
            "until the records that it encrypted have left the stream.",
            tuple,
            pattern=KEY_ARN,
            form="a list of ARNs of keys",
            source=STREAM_ENCRYPTION,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class DeliverySettings(Checked):
    """The Firehose delivery stream from the data stream to the lake."""

    table = "delivery"
    buffer_mib: int = whole(
        5, 1, 128, "MiB that are collected, before compression, until an object is written.", FIREHOSE_BUFFER
    )
    buffer_seconds: int = whole(
        300, 0, 900, "Seconds that are waited at most until an object is written.", FIREHOSE_BUFFER
    )
    compression: str = one_of(
        "GZIP",
        ("GZIP", "UNCOMPRESSED", "ZIP", "Snappy", "HADOOP_SNAPPY"),
        "Compression of the objects.",
        "https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html",
    )
    data_prefix: str = text(
        "data/",
        "Folder before `year=/month=/day=/hour=/`; with one of its own, a query engine or crawler that reads "
        "the data reads no errors or dead letters.",
        f"({LITERAL_PREFIX})?",
        "empty, or a literal path that ends in /",
        FIREHOSE_PREFIX,
    )
    error_prefix: str = text(
        "errors/",
        "Folder of what could not be delivered, sorted by kind of error and time.",
        LITERAL_PREFIX,
        "a literal path that ends in /",
        FIREHOSE_PREFIX,
    )
    log_retention_days: int = retention_days("Days that the delivery's error log is kept.")
    keep_former: bool = switch(
        False,
        "Whether the stream and the delivery stream of the other packing exist too, while `fetch.packing` "
        "changes and until what is on them is delivered.",
    )


@dataclass(frozen=True, kw_only=True)
class LakeSettings(Checked):
    """The S3 bucket where the records come to rest."""

    table = "lake"
    bucket_name: str = text(
        "",
        "The bucket's name; empty: `<name>-<environment>-lake-<account>-<region>`, unique world-wide.",
        rf"({BUCKET_NAME})?",
        BUCKET_FORM,
        BUCKET_NAMES,
    )
    expire_days: int = whole(
        0,
        0,
        36_500,
        "Days until a record's object is deleted; 0: never. S3 keeps the deleted version for another "
        "`noncurrent_version_days`. Errors and dead letters stay.",
    )
    noncurrent_version_days: int = whole(
        90, 0, 36_500, "Days until a replaced or deleted object is gone for good; 0: never."
    )
    unfinished_upload_days: int = whole(
        7, 0, 36_500, "Days until an upload that was never finished is removed; 0: never."
    )
    delete_with_stack: bool = switch(
        False,
        "Whether `destroy` deletes the data, if `deletableEnvironments` in cdktf.json lists it too.",
    )


@dataclass(frozen=True, kw_only=True)
class FunctionSettings(Checked):
    """The Lambda function that fetches."""

    table = "function"
    memory_mib: int = whole(512, 128, 10_240, "MiB of memory; processing power grows with it.", LAMBDA_QUOTAS)
    timeout_seconds: int = whole(60, 1, 900, "Seconds that one invocation may take.", LAMBDA_QUOTAS)
    runtime: str = one_of(
        "python3.13",
        ("python3.13", "python3.12", "python3.11", "host"),
        "Lambda runtime; `host` takes the Python that synthesizes, for a local AWS on this machine.",
        "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    )
    architecture: str = one_of(
        "arm64",
        ("arm64", "x86_64", "host"),
        "Processor; `host` takes this machine's, for a local AWS.",
        "https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html",
    )
    reserved_concurrency: int | None = whole(
        None,
        0,
        100_000,
        "Most invocations at the same time; unset: as many as the account has left. A new account has a "
        "quota of 10 in all and can reserve none of them: have the quota raised first.",
        LAMBDA_QUOTAS,
    )
    retry_attempts: int = whole(
        2,
        0,
        2,
        "Times that a failed event is tried again before the dead letter queue gets it.",
        LAMBDA_ASYNC,
    )
    event_age_seconds: int = whole(
        21_600, 60, 21_600, "Seconds that an event may wait for its last attempt.", LAMBDA_ASYNC
    )
    url_enabled: bool = switch(
        False,
        "Whether the function has a URL, which answers requests signed by a role that may invoke it.",
    )
    tracing: bool = switch(True, "Whether invocations are traced with X-Ray.")
    log_level: str = one_of(
        "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"), "Lowest level that is logged.", variable="LOG_LEVEL"
    )
    log_retention_days: int = retention_days("Days that the function's log is kept.")

    def conflicts(self) -> list[Problem]:
        """`host` for one of runtime and architecture only."""
        if (self.runtime == "host") != (self.architecture == "host"):
            advice = f"must be host together with function.runtime, which is {self.runtime!r}"
            return [Problem(f"{self.table}.architecture", self.architecture, advice)]
        return []


@dataclass(frozen=True, kw_only=True)
class QueueSettings(Checked):
    """The work queue: events that the function ingests one after the other, each retried alone."""

    table = "queue"
    enabled: bool = switch(
        False,
        "Whether the work queue is consumed even if no source has a schedule; with one it is in any case. "
        "Lambda polls a queue that is consumed without a pause, which is billed.",
    )
    max_concurrency: int = whole(
        10,
        2,
        1_000,
        "Most invocations at the same time for the queue; each fetches its share of a source's `rate`.",
        LAMBDA_SQS_SCALING,
        "MAX_CONCURRENCY",
    )
    batch_size: int = whole(
        1, 1, 10, "Most events that one invocation gets, within its time.", LAMBDA_SQS_BATCHES
    )
    retention_days: int = whole(
        4,
        1,
        14,
        "Days that the queue keeps an event; at most `dead_letters.queue_retention_days`.",
        SQS_QUOTAS,
    )
    kms_key: str = text(
        "",
        "KMS key of yours that encrypts the queue, by its ARN; the function may use it. Empty: SQS's own.",
        f"({KEY_ARN})?",
        "empty, or the ARN of a key",
        SQS_KEYS,
    )


@dataclass(frozen=True, kw_only=True)
class VpcSettings(Checked):
    """The network that the function runs in: a VPC of yours, or by default Lambda's own."""

    table = "vpc"
    subnet_ids: tuple[str, ...] = setting(
        (),
        Rule(
            "Private subnets that the function runs in, for a fixed egress address or sources in a private "
            "network; empty: Lambda's own network.",
            tuple,
            pattern=r"subnet-([0-9a-f]{8}|[0-9a-f]{17})",
            form="a list of ids such as subnet-0123456789abcdef0",
            source=LAMBDA_VPC,
        ),
    )
    security_group_ids: tuple[str, ...] = setting(
        (),
        Rule(
            "Security groups of the function; needed with subnets, and only then.",
            tuple,
            pattern=r"sg-([0-9a-f]{8}|[0-9a-f]{17})",
            form="a list of ids such as sg-0123456789abcdef0",
            source=LAMBDA_VPC,
        ),
    )

    def conflicts(self) -> list[Problem]:
        """One without the other."""
        if bool(self.subnet_ids) == bool(self.security_group_ids):
            return []
        advice = f"vpc.subnet_ids and vpc.security_group_ids go together: give both or neither ({LAMBDA_VPC})"
        return [Problem(f"{self.table}.security_group_ids", self.security_group_ids, advice)]


@dataclass(frozen=True, kw_only=True)
class FetchSettings(Checked):
    """What the function may fetch, and how it packs what it fetched."""

    table = "fetch"
    allowed_hosts: tuple[str, ...] = setting(
        (),
        Rule(
            "Hosts that may be fetched, `*.example.com` for all below one; empty: every public host.",
            tuple,
            pattern=rf"(\*\.)?{HOST_LABEL}(\.{HOST_LABEL})*",
            form="a list of host names, each with or without a leading *.",
            variable="ALLOWED_HOSTS",
        ),
    )
    allow_http: bool = switch(False, "Whether http:// may be fetched beside https://.", "ALLOW_HTTP")
    allow_private_networks: bool = switch(
        False,
        "Whether loopback and private addresses may be fetched; metadata addresses never are.",
        "ALLOW_PRIVATE_NETWORKS",
    )
    packing: str = one_of(
        "lines",
        ("lines", GZIP, "none"),
        "What one Kinesis record holds: many lines, many lines compressed to a gzip member, or one line.",
        variable="PACKING",
    )
    pack_kib: int = whole(
        24,
        1,
        1_000,
        "KiB that a packed Kinesis record aims at, after compression. Puts are billed by units of 25 KB; if "
        "those are 25,000 bytes, 25 KiB are two units and 24 KiB still one.",
        KINESIS_QUOTAS,
        "PACK_KIB",
    )
    partition_key_field: str = setting(
        "",
        Rule(
            "Field of the record that picks the shard; empty: a random one.",
            str,
            # msgspec finds a field by its name only if that is written in JSON without an escape.
            pattern=r"[^\x00-\x1f\x22\x5c\x7f]{0,256}",
            form="up to 256 characters, none of them a quote, a backslash or a control character",
            variable="PARTITION_KEY_FIELD",
        ),
    )

    def conflicts(self) -> list[Problem]:
        """Hosts that would not fit into the function's variables."""
        characters = len(",".join(self.allowed_hosts))
        if characters > ALLOWED_HOSTS_CHARACTERS:
            advice = (
                f"take {characters} characters of {ALLOWED_HOSTS_CHARACTERS}: allow domains by *.example.com"
            )
            return [Problem(f"{self.table}.allowed_hosts", f"{len(self.allowed_hosts)} hosts", advice)]
        return []


@dataclass(frozen=True, kw_only=True)
class DeadLetterSettings(Checked):
    """Where failures are stored: records in the lake's bucket, events in a queue."""

    table = "dead_letters"
    prefix: str = text(
        "dead-letters/",
        "Folder in the lake's bucket of undeliverable records, each with its reason.",
        LITERAL_PREFIX,
        "a literal path that ends in /",
        variable="DEAD_LETTER_PREFIX",
    )
    queue_retention_days: int = whole(
        14, 1, 14, "Days that the queue keeps an event that failed after all retries.", SQS_QUOTAS
    )
    kms_key: str = text(
        "",
        "KMS key of yours that encrypts the queue, by its ARN; the function may use it. Empty: SQS's own.",
        f"({KEY_ARN})?",
        "empty, or the ARN of a key",
        SQS_KEYS,
    )


@dataclass(frozen=True, kw_only=True)
class StateSettings(Checked):
    """Where Terraform keeps its state."""

    table = "state"
    bucket: str = text(
        "",
        "Bucket of the state, made by `make bootstrap`; needed to plan and deploy.",
        rf"({BUCKET_NAME})?",
        BUCKET_FORM,
        BUCKET_NAMES,
    )
    key: str = text(
        "",
        "Key of the state; empty: `<name>/<environment>/terraform.tfstate`.",
        r"([A-Za-z0-9!_.*'()-]+(/+[A-Za-z0-9!_.*'()-]+)*)?",
        "letters, digits and !_.*'()-, with slashes between them",
        OBJECT_KEYS,
    )
    region: str = text(
        "",
        "Region of the bucket; empty: the pipeline's.",
        r"([a-z]{2,4}(-[a-z]+)+-\d)?",
        "a Region's name",
        REGIONS,
    )


def _table_of(column: Field[Any]) -> type[Checked] | None:
    """The class of a field that holds a table of settings."""
    factory: object = column.default_factory
    return factory if isinstance(factory, type) and issubclass(factory, Checked) else None


def environment_problems(path: str, environment: str) -> list[Problem]:
    """What is wrong with the name of an environment, if anything."""
    rule = Rule("Name of an environment.", str, pattern=ENVIRONMENT, form=ENVIRONMENT_FORM)
    problem = rule.problem(path, environment)
    return [problem] if problem else []


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that makes one pipeline in one environment.

    Attributes:
        environment: Name of the environment, such as ``dev``.
        sources: What to fetch, each a `Source` with the keys of pipeline.toml; the first is the default. A
            value may be an attribute of a resource, such as a secret's ARN.
    """

    environment: str = "dev"
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    lake: LakeSettings = field(default_factory=LakeSettings)
    function: FunctionSettings = field(default_factory=FunctionSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    vpc: VpcSettings = field(default_factory=VpcSettings)
    fetch: FetchSettings = field(default_factory=FetchSettings)
    dead_letters: DeadLetterSettings = field(default_factory=DeadLetterSettings)
    state: StateSettings = field(default_factory=StateSettings)
    sources: Sequence[Source] = ()

    @property
    def names(self) -> Names:
        """The names of everything that is deployed."""
        return Names(self.pipeline.name, self.environment, self.pipeline.region)

    @property
    def forms(self) -> Forms:
        """The forms of records that are deployed."""
        return Forms(self.fetch.packing, self.delivery.keep_former)

    @property
    def configured_sources(self) -> ConfiguredSources:
        """The sources as the function gets them."""
        return ConfiguredSources(self.sources)

    @property
    def queue_is_consumed(self) -> Condition:
        """Whether Lambda polls the work queue: for a schedule or at wish, unless the function may not run."""
        wanted = any_of(self.queue.enabled, self.configured_sources.have_schedules)
        return all_of(wanted, self.function_may_run)

    @property
    def function_may_run(self) -> Condition:
        """Whether the function may run at all; a reserved concurrency of 0 stops it."""
        return negated(is_zero(self.function.reserved_concurrency))

    def __post_init__(self) -> None:
        """Check the tables together, and the sources as those of pipeline.toml.

        Raises:
            SettingsError: With every problem.
        """
        problems = [
            *environment_problems("environment", self.environment),
            *self._overlapping_prefixes(),
            *self._compressed_twice(),
            *self._early_expiry(),
            *source_problems(self.sources),
        ]
        problems = problems or self._throttled_queue()
        if problems:
            raise SettingsError(problems)

    def _compressed_twice(self) -> list[Problem]:
        """A compression that gzip members leave nothing to do for."""
        if self.fetch.packing != GZIP or self.delivery.compression == "GZIP":
            return []
        advice = f"{ALREADY_GZIP}: leave it at GZIP, or pack lines"
        return [Problem("delivery.compression", self.delivery.compression, advice)]

    def _overlapping_prefixes(self) -> list[Problem]:
        """Folders of the bucket that overlap: access to one would be access to the other."""
        folders = {
            "delivery.error_prefix": self.delivery.error_prefix,
            "dead_letters.prefix": self.dead_letters.prefix,
        }
        data = f"{self.delivery.data_prefix}{DATA_FOLDER}"
        mixed = [(path, folder, data, "the data") for path, folder in folders.items()]
        mixed.append(
            ("dead_letters.prefix", self.dead_letters.prefix, self.delivery.error_prefix, "the errors")
        )
        folders["delivery.data_prefix"] = data
        mixed += [
            (path, folder, other, whose)
            for other, whose in OWN_FOLDERS.items()
            for path, folder in folders.items()
        ]
        return [
            Problem(path, folder, f"must not lie in the folder of {whose}, {other!r}, nor hold it")
            for path, folder, other, whose in mixed
            if folder.startswith(other) or other.startswith(folder)
        ]

    def _early_expiry(self) -> list[Problem]:
        """Dead letters that expire before they could be kept: SQS counts from when an event was first sent.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
        """
        days, dead_days = self.queue.retention_days, self.dead_letters.queue_retention_days
        if is_token(days) or is_token(dead_days) or days <= dead_days:
            return []
        return [Problem("queue.retention_days", days, EXPIRES_EARLY.format(days=dead_days))]

    def _throttled_queue(self) -> list[Problem]:
        """A queue that gets more invocations going than the function may have: AWS throttles the rest."""
        most, reserved = self.queue.max_concurrency, self.function.reserved_concurrency
        is_open = reserved is None or is_token(reserved) or is_token(most) or most <= reserved
        if is_open or self.queue_is_consumed is not True:
            return []
        return [Problem("queue.max_concurrency", most, THROTTLED.format(reserved=reserved))]


TABLES: dict[str, type[Checked]] = {
    column.name: table for column in fields(Settings) if (table := _table_of(column)) is not None
}
"""Every table of pipeline.toml, by its name."""

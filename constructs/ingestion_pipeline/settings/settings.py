"""All tables of settings together, and the checks that look at more than one of them.

A default stands in its table, in `tables/`, and nowhere else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

from ingestion_pipeline.settings.expressions import Condition, all_of, any_of, is_zero, negated
from ingestion_pipeline.settings.forms import GZIP, Forms
from ingestion_pipeline.settings.names import Names, environment_label
from ingestion_pipeline.settings.pages import LAMBDA_SQS_SCALING
from ingestion_pipeline.settings.patterns import ENVIRONMENT, ENVIRONMENT_FORM
from ingestion_pipeline.settings.reach import unreachable
from ingestion_pipeline.settings.regions import FUNCTION_URLS, MAPPING_TAGS, RECURSION
from ingestion_pipeline.settings.rules import Checked, Problem, Rule, SettingsError, is_token
from ingestion_pipeline.settings.sources.sources import OWN_FOLDERS, ConfiguredSources, source_problems
from ingestion_pipeline.settings.sources.types import Source
from ingestion_pipeline.settings.tables.alarms import AlarmSettings
from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings
from ingestion_pipeline.settings.tables.delivery import DeliverySettings
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.lake import LakeSettings
from ingestion_pipeline.settings.tables.pipeline import ENVIRONMENT_TAG, PipelineSettings
from ingestion_pipeline.settings.tables.queue import QueueSettings
from ingestion_pipeline.settings.tables.state import StateSettings
from ingestion_pipeline.settings.tables.stream import StreamSettings
from ingestion_pipeline.settings.tables.vpc import VpcSettings

THROTTLED = (
    "is more than function.reserved_concurrency, {reserved}, so that AWS would throttle the queue: lower it, "
    f"but not below 2, or reserve more ({LAMBDA_SQS_SCALING})"
)
EXPIRES_EARLY = (
    "is not less than dead_letters.queue_retention_days, {days}, and SQS counts the age of a dead letter "
    "from when the event was sent, so that one could expire at once: lower it, or keep dead letters longer"
)
NO_URL_THERE = (
    "is not possible in {region}, which has no function URLs ({as_of}, {source}): send events to the queue "
    "or invoke the function, or take another Region"
)
LOOPS_ARE_STOPPED = (
    "{region} has no {name} ({as_of}, {source}): Lambda may stop a long list of URLs after about 16 rounds, "
    "and the rest goes to the dead letters; send shorter lists, or take another Region"
)
NO_MAPPING_TAGS = (
    "{region} has no {name} ({as_of}, {source}): the work queue's gets none, and a provider that is not "
    "make synth's must have no default_tags"
)
REGION_IS_ASSUMED = (
    "only Terraform knows the Region, which is taken for one of the partition aws with function URLs"
)
ALREADY_GZIP = "is not what objects are with fetch.packing = gzip, which Firehose writes as they come"


def _table_of(column: Field[Any]) -> type[Checked] | None:
    """The class of a field that holds a table of settings."""
    factory: object = column.default_factory
    return factory if isinstance(factory, type) and issubclass(factory, Checked) else None


def environment_problems(path: str, environment: str) -> list[Problem]:
    """The problem of an environment's name, if it has one."""
    rule = Rule("Name of an environment.", str, pattern=ENVIRONMENT, form=ENVIRONMENT_FORM)
    problem = rule.problem(path, environment)
    return [problem] if problem else []


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that makes one pipeline in one environment.

    Attributes:
        environment: Name of the environment, such as ``dev``.
        sources: Sources to fetch, each a `Source` with the keys of pipeline.toml; the first is the default. A
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
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
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
    def tags(self) -> Mapping[str, str]:
        """The tags of every resource that can have tags: the environment's and the pipeline's."""
        return {ENVIRONMENT_TAG: environment_label(self.environment), **self.pipeline.tags}

    @property
    def configured_sources(self) -> ConfiguredSources:
        """The sources as the function gets them."""
        return ConfiguredSources(self.sources)

    @property
    def queue_is_consumed(self) -> Condition:
        """True if Lambda polls the work queue: a source has a schedule or the setting asks for it."""
        wanted = any_of(self.queue.enabled, self.configured_sources.have_schedules)
        return all_of(wanted, self.function_may_run)

    @property
    def watches_sources(self) -> Condition:
        """True if the function is asked every hour which sources have stopped, because somebody is told."""
        return all_of(self.alarms.enabled, self.configured_sources.have_schedules)

    @property
    def function_may_run(self) -> Condition:
        """True unless a reserved concurrency of 0 stops the function."""
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
            *self._missing_url(),
            *source_problems(self.sources),
        ]
        problems = problems or [*self._throttled_queue(), *unreachable(self.sources, self.fetch)]
        if problems:
            raise SettingsError(problems)

    def warnings(self) -> list[str]:
        """What is missing in the Region and makes the pipeline less than elsewhere, each with the setting."""
        region = self.pipeline.region
        if is_token(region):
            return [f"pipeline.region: {REGION_IS_ASSUMED}"]
        lacking = [(MAPPING_TAGS, "pipeline.tags", NO_MAPPING_TAGS)]
        if self.queue_is_consumed:
            lacking.append((RECURSION, "queue", LOOPS_ARE_STOPPED))
        return [
            f"{path}: {advice.format(region=region, **vars(feature))}"
            for feature, path, advice in lacking
            if not feature.is_in(region)
        ]

    def _missing_url(self) -> list[Problem]:
        """A URL of the function in a Region without."""
        region = self.pipeline.region
        if self.function.url_enabled is not True or is_token(region) or FUNCTION_URLS.is_in(region):
            return []
        advice = NO_URL_THERE.format(region=region, **vars(FUNCTION_URLS))
        return [Problem("function.url_enabled", True, advice)]

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
        data = self.delivery.data_folder
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
        if is_token(days) or is_token(dead_days) or days < dead_days:
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


def all_settings() -> Iterator[tuple[str, Field[Any]]]:
    """The table's name and the field of each setting, in the order of pipeline.toml."""
    for name, table in TABLES.items():
        yield from ((name, column) for column in fields(table))  # type: ignore[arg-type]

"""The whole chain as one construct."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from cdktf import Annotations, ITerraformDependable, TerraformResource, TerraformStack
from constructs import Construct, IConstruct

from ingestion_pipeline.bindings import DataAwsCallerIdentity
from ingestion_pipeline.code import bundle
from ingestion_pipeline.code.location import bundle_cache, function_root
from ingestion_pipeline.code.target import Target
from ingestion_pipeline.grants import Grants
from ingestion_pipeline.resources import alarms, dead_letter_queue, stream, work_queue
from ingestion_pipeline.resources.alarms_table import Watched
from ingestion_pipeline.resources.dashboard import Dashboard
from ingestion_pipeline.resources.delivery import Delivery
from ingestion_pipeline.resources.fetch_function import FetchFunction, Neighbours
from ingestion_pipeline.resources.lake import DataLake
from ingestion_pipeline.resources.queue import PrivateQueue
from ingestion_pipeline.resources.schedules import Schedules
from ingestion_pipeline.resources.stream import RecordStream
from ingestion_pipeline.resources.work_queue import QueueTrigger, WorkQueue
from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.names import DELIVERY, FUNCTION, SCHEDULES
from ingestion_pipeline.settings.references import BucketReference, QueueReference, StreamReference
from ingestion_pipeline.settings.regions import MAPPING_TAGS
from ingestion_pipeline.settings.settings import Settings

CALLER = "ingestion-pipeline-caller"
"""The data source that tells the account, one in a stack."""

TAGGED_BY_PROVIDER = "ingestion-pipeline:tagged-by-provider"
"""In the context of a stack whose provider's default tags are the pipeline's."""


def tag(scope: IConstruct, tags: Mapping[str, str] | str) -> None:
    """Gives each resource below ``scope`` that can have tags these, beside its provider's default tags.

    Args:
        scope: A pipeline, or a stack of one.
        tags: Or a reference to them.
    """
    for each in scope.node.find_all():
        # One with a provider's settings of its own has no tags on purpose.
        if hasattr(each, "tags_input") and getattr(each, "override_provider_input", None) is None:
            cast("TerraformResource", each).add_override("tags", tags)


class IngestionPipeline(Grants):
    """URL → function → stream → delivery → lake, in one account and Region.

    Creates: `DataLake`, `RecordStream`, `Delivery`, `PrivateQueue`, `WorkQueue`, `FetchFunction` and
    `QueueTrigger`, as far as they do not exist, and `Schedules` if a source has one. The function comes after
    Firehose, which delivers only what is put on the stream after it has started.

    Example:
        >>> pipeline = IngestionPipeline(
        ...     self, "orders", settings=Settings(environment="prod", sources=({"url": "https://…"},))
        ... )
        >>> pipeline.grant_read(analyst)

    Args:
        scope: A stack with an AWS provider, or a construct within one.
        id_: Name within the parent; becomes part of every Terraform address.
        settings: Everything that makes one pipeline, sources included; ``settings.pipeline.region`` is the
            provider's Region, and so is a single one of ``allowed_account_ids`` its account.
        existing: Parts to use instead of making them.

    Attributes:
        bucket: Holds the records.
        stream: Stream of the records; others may read it too.
        function: The function; a schedule or an API may invoke it.
        function_role: Role of the function; the policy of a key or a secret may have to name its ARN.
        function_policy: Permissions for the function's role, as JSON, for an existing role without a name.
        delivery_stream: Firehose delivery stream from the stream to the bucket.
        delivery_stream_name: Its name.
        delivery_stream_arn: Its ARN, for alarms and policies.
        delivery_role: Role of Firehose; the policy of a key may have to name its ARN.
        delivery_policy: Permissions for Firehose's role, as JSON, for an existing role without a name.
        function_url: URL for signed requests; empty without ``function.url_enabled``.
        dead_letter_queue: Holds the events that failed after all retries.
        work_queue: Holds the events that wait to be ingested, if it is consumed.
        queue_trigger: Polls the work queue.
        alarm_arns: ARNs of the alarms by name, as an expression of Terraform's.
        alarm_topic_arn: ARN of the topic of the alarms; empty without ``alarms.emails``.

    Raises:
        SettingsError: When a setting is out of its range, from the settings themselves, or is for a part
            that exists.
        BundleError: When the function's zip cannot be made.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        existing: Existing | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self._existing = existing or Existing()
        self._existing.check(settings)
        alarms.check(settings)
        for warning in settings.warnings():
            Annotations.of(self).add_warning(warning)
        account_id = self._account_id()
        protection = self._create_lake(account_id)
        self._create_streams()
        self._create_delivery(account_id, protection)
        self._create_dead_letter_queue(account_id)
        dead_letters = self.dead_letter_queue
        work = WorkQueue(self, "work", account_id=account_id, dead_letters=dead_letters, settings=settings)
        self.work_queue = work.reference
        self._create_function()
        trigger = self.queue_trigger = QueueTrigger(
            self,
            "trigger",
            queue_arn=self.work_queue.arn,
            function_name=self.function.function_name,
            settings=settings,
        )
        if settings.configured_sources.have_schedules:
            Schedules(
                self,
                "schedules",
                account_id=account_id,
                settings=settings,
                bucket=self.bucket,
                work_queue=self.work_queue,
                dead_letters=self.dead_letter_queue,
                depends_on=[self.delivery_stream, trigger.mapping],
            )
        self._create_alarms(account_id)
        if not self.node.try_get_context(TAGGED_BY_PROVIDER):
            tag(self, settings.tags)
            if not MAPPING_TAGS.is_in(settings.pipeline.region):
                trigger.mapping.add_override("tags", None)

    def _account_id(self) -> str:
        """The account that the pipeline is deployed to."""
        allowed = self._settings.pipeline.allowed_account_ids
        if len(allowed) == 1:
            return allowed[0]
        # Not below the pipeline: what depends on the whole of it, or is depended on, would postpone the
        # answer to the apply, and with it every name that has the account in it.
        stack = TerraformStack.of(self)
        found = stack.node.try_find_child(CALLER)
        caller = cast("DataAwsCallerIdentity", found) if found else DataAwsCallerIdentity(stack, CALLER)
        return caller.account_id

    def _create_lake(self, account_id: str) -> list[ITerraformDependable]:
        """Create the bucket, unless one exists; returns what has to be there before the first object."""
        protection: list[ITerraformDependable] = []

        def make() -> BucketReference:
            lake = DataLake(self, "lake", account_id=account_id, settings=self._settings)
            protection.append(lake.policy)
            return lake.reference

        self.bucket = self._existing.use("bucket", make)
        return protection

    def _create_streams(self) -> None:
        """Create a stream for each form of records, unless one exists."""
        forms = self._settings.forms

        def make(form: Form) -> StreamReference:
            return RecordStream(self, f"stream{form.value}", settings=self._settings, form=form).reference

        self._streams = {
            form: self._existing.use("stream", partial(make, form), form)
            for form in Form
            if forms.exists(form)
        }
        self.stream = replace(
            self._streams[Form.MEMBERS if forms.is_gzip is True else Form.LINES],
            name=forms.written({form: each.name for form, each in self._streams.items()}),
            arn=forms.written({form: each.arn for form, each in self._streams.items()}),
        )

    def _create_delivery(self, account_id: str, protection: Sequence[ITerraformDependable]) -> None:
        delivery = Delivery(
            self,
            "delivery",
            account_id=account_id,
            settings=self._settings,
            streams=self._streams,
            bucket=self.bucket,
            existing=self._existing,
            depends_on=protection,
        )
        forms, made = self._settings.forms, delivery.delivery_streams
        self.delivery_stream_name = forms.written({form: each.name for form, each in made.items()})
        self.delivery_stream_arn = forms.written({form: each.arn for form, each in made.items()})
        self._delivery_streams = list(made.values())
        self.delivery_stream = made[Form.MEMBERS if forms.is_gzip is True else Form.LINES]
        self.delivery_role = delivery.role.role
        self.delivery_policy = delivery.role.permissions

    def _create_dead_letter_queue(self, account_id: str) -> None:
        settings = self._settings

        def make() -> QueueReference:
            return PrivateQueue(
                self,
                "dead-letters",
                names=settings.names,
                name=dead_letter_queue.NAME,
                account_id=account_id,
                retention_days=settings.dead_letters.queue_retention_days,
                kms_key=settings.dead_letters.kms_key,
                other_kms_keys=settings.dead_letters.other_kms_keys,
            ).reference

        self.dead_letter_queue = self._existing.use("dead_letter_queue", make)

    def _create_function(self) -> None:
        function = self._settings.function
        target = Target.of(function.runtime, function.architecture)
        fetch = FetchFunction(
            self,
            "fetch",
            code=bundle.build(function_root(), target, bundle_cache()),
            parts=Neighbours(
                stream=self.stream,
                streams=self._streams,
                bucket=self.bucket,
                dead_letters=self.dead_letter_queue,
                work_queue=self.work_queue,
            ),
            settings=self._settings,
            existing=self._existing,
            depends_on=self._delivery_streams,
        )
        self.function = fetch.function
        self.function_role = fetch.role.role
        self.function_policy = fetch.role.permissions
        self.function_url = fetch.url

    def _create_alarms(self, account_id: str) -> None:
        """Create the alarms if somebody is told, and the dashboard if it is wanted."""
        settings, names = self._settings, self._settings.names
        self.alarm_arns, self.alarm_topic_arn = "${{}}", ""
        if not settings.alarms.enabled and not settings.alarms.dashboard:
            return
        are_here = self.dead_letter_queue.takes_messages_of(names.region, [account_id])
        if not are_here:
            Annotations.of(self).add_warning(f"alarms: {alarms.DEAD_LETTERS_ELSEWHERE}")
        # Plain names: alarms are made before others go, and so would be whatever they refer to.
        dead_letters = names.of(dead_letter_queue.NAME)
        watched = Watched(
            settings=settings,
            function=names.of(FUNCTION),
            work_queue=names.of(work_queue.NAME),
            dead_letters=self._existing.name_of("dead_letter_queue", dead_letters),
            # Terraform has to know at plan which alarms there are, and may know an ARN only at apply.
            dead_letters_are_here=are_here is not False,
            schedules=names.of(SCHEDULES),
            streams={
                form: self._existing.name_of("stream", names.of(stream.NAMES[form])) for form in self._streams
            },
            deliveries={form: names.of(DELIVERY[form]) for form in self._streams},
        )
        if settings.alarms.enabled:
            made = alarms.Alarms(self, "alarms", account_id=account_id, watched=watched)
            self.alarm_arns, self.alarm_topic_arn = made.arns, made.topic_arn
        if settings.alarms.dashboard:
            Dashboard(self, "dashboard", watched=watched)

"""The whole chain as one construct."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from cdktf import ITerraformDependable, TerraformStack
from constructs import Construct

from ingestion_pipeline.bindings import (
    DataAwsCallerIdentity,
    IamRole,
    IamRolePolicy,
    KinesisFirehoseDeliveryStream,
    LambdaFunction,
)
from ingestion_pipeline.code import bundle
from ingestion_pipeline.code.location import bundle_cache, function_root
from ingestion_pipeline.code.target import Target
from ingestion_pipeline.resources import dead_letter_queue, stream, work_queue
from ingestion_pipeline.resources.delivery import Delivery
from ingestion_pipeline.resources.documents import policy_document
from ingestion_pipeline.resources.fetch_function import FetchFunction
from ingestion_pipeline.resources.lake import DataLake
from ingestion_pipeline.resources.policies import (
    Statement,
    decrypt_objects,
    invoke_url,
    put_records,
    read_objects,
    send_events,
    write_with_key,
)
from ingestion_pipeline.resources.schedules import Schedules
from ingestion_pipeline.resources.work_queue import QueueTrigger
from ingestion_pipeline.settings.existing import (
    REFERENCE,
    BucketReference,
    Existing,
    QueueReference,
    RoleReference,
    StreamReference,
)
from ingestion_pipeline.settings.forms import GZIP, Form
from ingestion_pipeline.settings.rules import Problem, SettingsError
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.delivery import DATA_FOLDER

NOT_FOR_OTHERS = (
    "nobody else may put records on a stream of gzip members, for one line among them makes an object "
    "unreadable; let them put theirs on the stream of another pipeline, or pack lines"
)
CALLER = "ingestion-pipeline-caller"
"""The data source that tells the account, one in a stack."""

NO_URL = "must be true, or the function has no URL that a role could invoke"


class IngestionPipeline(Construct):
    """URL → function → stream → delivery → lake, in one account and Region.

    Creates: `DataLake`, `RecordStream`, `Delivery`, `DeadLetterQueue`, `WorkQueue`, `FetchFunction` and
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
        stream: Which others may read too.
        function: Which a schedule or an API may invoke.
        function_role: Whose ARN the policy of a key or a secret may have to name.
        function_policy: What the function's role may do, as JSON, for an existing role without a name.
        delivery_stream: From the stream to the bucket.
        delivery_stream_name: Its name.
        delivery_stream_arn: Its ARN, for alarms and policies.
        delivery_role: Whose ARN the policy of a key may have to name.
        delivery_policy: What the delivery's role may do, as JSON, for an existing role without a name.
        function_url: For requests signed by a role that may invoke it; empty without
            ``function.url_enabled``.
        dead_letter_queue: Holds the events that failed after all retries.
        work_queue: Holds the events that wait to be ingested, if it is consumed.

    Raises:
        SettingsError: When a setting is out of its range, from the settings themselves, or is for a part
            that exists.
        BundleError: When the function's zip cannot be made.
    """

    bucket: BucketReference
    stream: StreamReference
    function: LambdaFunction
    function_url: str
    function_role: RoleReference
    function_policy: str
    delivery_stream: KinesisFirehoseDeliveryStream
    delivery_stream_name: str
    delivery_stream_arn: str
    delivery_role: RoleReference
    delivery_policy: str
    dead_letter_queue: QueueReference
    work_queue: QueueReference

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
        self._names = settings.names
        self._data_prefix = f"{settings.delivery.data_prefix}{DATA_FOLDER}"
        account_id = self._account_id()
        protection = self._create_lake(account_id)
        self._create_streams()
        self._create_delivery(account_id, protection)
        self._create_dead_letter_queue(account_id)
        self._create_work_queue(account_id)
        self._create_function()
        trigger = self._create_trigger()
        if settings.configured_sources.have_schedules:
            self._create_schedules(account_id, trigger)

    def grant_put_records(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role put records of its own on the stream.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``put-records-`` and the role's id or name.

        Raises:
            SettingsError: When the stream holds gzip members, among which lines make an object unreadable.
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        if self._settings.forms.is_gzip is True:
            raise SettingsError([Problem("fetch.packing", GZIP, NOT_FOR_OTHERS)])
        permissions = [*put_records(self.stream.arn), *write_with_key(self.stream)]
        return self._grant("put-records", role, id_, permissions)

    def grant_read(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role list the bucket and read the records in it.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``read-`` and the role's id or name.

        Raises:
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        permissions = [*read_objects(self.bucket.arn, self._data_prefix), *decrypt_objects(self.bucket)]
        return self._grant("read", role, id_, permissions)

    def grant_send(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role send events to the work queue.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``send-`` and the role's id or name.

        Raises:
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        return self._grant("send", role, id_, send_events(self.work_queue))

    def grant_invoke_url(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role invoke the function by its URL, and in no other way.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``invoke-url-`` and the role's id or name.

        Raises:
            SettingsError: When the function has no URL.
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        if not self._settings.function.url_enabled:
            raise SettingsError([Problem("function.url_enabled", False, NO_URL)])
        return self._grant("invoke-url", role, id_, invoke_url(self.function.arn))

    def _grant(
        self, what: str, role: IamRole | str, id_: str, permissions: Sequence[Statement]
    ) -> IamRolePolicy:
        known, role_id = (role, role) if isinstance(role, str) else (role.node.id, role.id)
        if not id_ and REFERENCE in known:
            raise ValueError(f"role = {known!r}: is only known to Terraform; give an id_ to go with it")
        name, policy = f"{self._names.stack}-{what}", policy_document(permissions)
        return IamRolePolicy(self, id_ or f"{what}-{known}", name=name, role=role_id, policy=policy)

    def _account_id(self) -> str:
        """Of the account that it is deployed to, as soon as anything knows it."""
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
            settings, name = self._settings, self._names.bucket(account_id)
            lake = DataLake(
                self,
                "lake",
                name=name,
                environment=settings.environment,
                data_prefix=self._data_prefix,
                settings=settings.lake,
            )
            protection.append(lake.policy)
            return lake.reference

        self.bucket = self._existing.use("bucket", make)
        return protection

    def _create_streams(self) -> None:
        """Create a stream for each form of records, unless one exists."""
        forms = self._settings.forms

        def make(form: Form) -> StreamReference:
            return stream.RecordStream(
                self,
                f"stream{form.value}",
                name=self._names.of(stream.NAMES[form]),
                settings=self._settings.stream,
                form=form,
                exists=forms.exists(form),
            ).reference

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
            names=self._names,
            account_id=account_id,
            forms=self._settings.forms,
            streams=self._streams,
            bucket=self.bucket,
            settings=self._settings.delivery,
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
        def make() -> QueueReference:
            return dead_letter_queue.DeadLetterQueue(
                self,
                "dead-letters",
                name=self._names.of(dead_letter_queue.NAME),
                partition=self._names.partition,
                region=self._names.region,
                account_id=account_id,
                settings=self._settings.dead_letters,
            ).reference

        self.dead_letter_queue = self._existing.use("dead_letter_queue", make)

    def _create_work_queue(self, account_id: str) -> None:
        self.work_queue = work_queue.WorkQueue(
            self,
            "work",
            name=self._names.of(work_queue.NAME),
            partition=self._names.partition,
            region=self._names.region,
            account_id=account_id,
            dead_letters=self.dead_letter_queue,
            settings=self._settings.queue,
            function=self._settings.function,
        ).reference

    def _create_function(self) -> None:
        function = self._settings.function
        target = Target.of(function.runtime, function.architecture)
        fetch = FetchFunction(
            self,
            "fetch",
            names=self._names,
            code=bundle.build(function_root(), target, bundle_cache()),
            stream=self.stream,
            streams=self._streams,
            bucket=self.bucket,
            queue=self.dead_letter_queue,
            work_queue=self.work_queue,
            settings=self._settings,
            existing=self._existing,
            depends_on=self._delivery_streams,
        )
        self.function = fetch.function
        self.function_role = fetch.role.role
        self.function_policy = fetch.role.permissions
        self.function_url = fetch.url

    def _create_trigger(self) -> QueueTrigger:
        return QueueTrigger(
            self,
            "trigger",
            queue_arn=self.work_queue.arn,
            function_name=self.function.function_name,
            settings=self._settings.queue,
            is_enabled=self._settings.queue_is_consumed,
        )

    def _create_schedules(self, account_id: str, trigger: QueueTrigger) -> None:
        sources = self._settings.configured_sources
        Schedules(
            self,
            "schedules",
            names=self._names,
            account_id=account_id,
            schedules=sources.schedules,
            work_queue=self.work_queue,
            dead_letters=self.dead_letter_queue,
            may_run=self._settings.function_may_run,
            when=sources.have_schedules,
            depends_on=[self.delivery_stream, trigger.mapping],
        )

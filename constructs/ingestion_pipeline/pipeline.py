"""The whole chain as one construct."""

from collections.abc import Sequence

from cdktf import ITerraformDependable
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
from ingestion_pipeline.resources.dead_letter_queue import DeadLetterQueue
from ingestion_pipeline.resources.delivery import Delivery
from ingestion_pipeline.resources.fetch_function import FetchFunction
from ingestion_pipeline.resources.lake import DataLake
from ingestion_pipeline.resources.policies import (
    Statement,
    decrypt_objects,
    put_records,
    read_objects,
    write_with_key,
)
from ingestion_pipeline.resources.role import policy_document
from ingestion_pipeline.resources.stream import RecordStream
from ingestion_pipeline.settings.existing import (
    REFERENCE,
    BucketReference,
    Existing,
    QueueReference,
    RoleReference,
    StreamReference,
)
from ingestion_pipeline.settings.names import Names
from ingestion_pipeline.settings.sources import Source
from ingestion_pipeline.settings.tables import (
    DATA_FOLDER,
    DeadLetterSettings,
    DeliverySettings,
    FetchSettings,
    FunctionSettings,
    LakeSettings,
    NamingSettings,
    Settings,
    StreamSettings,
)


class IngestionPipeline(Construct):
    """URL → function → stream → delivery → lake, in one account and Region.

    Creates: `DataLake`, `RecordStream`, `Delivery`, `DeadLetterQueue`, `FetchFunction`, as far as they do
    not exist. The function comes last, because Firehose delivers only what is put on the stream after it
    has started.

    Args:
        scope: A stack with an AWS provider, or a construct within one.
        id_: Name within the parent; becomes part of every Terraform address.
        name: First part of every name, 3 to 40 characters.
        environment: Second part of every name, such as ``prod``.
        region: AWS Region of the stack's provider.
        stream: Shards, retention and key of the stream.
        delivery: Buffers, compression and prefixes of the delivery.
        lake: Lifecycle of the bucket.
        function: Memory, time and runtime of the function.
        fetch: What may be fetched and how it is packed.
        dead_letters: Where ends what could not be ingested.
        sources: What to fetch; the first is the default.
        existing: Parts to use instead of making them.

    Attributes:
        bucket: Holds the records.
        stream: Which others may read too.
        function: Which a schedule or an API may invoke.
        function_role: Whose ARN the policy of a key or a secret may have to name.
        function_policy: What the function's role may do, as JSON, for an existing role without a name.
        delivery_stream: From the stream to the bucket.
        delivery_role: Whose ARN the policy of a key may have to name.
        delivery_policy: What the delivery's role may do, as JSON, for an existing role without a name.
        dead_letter_queue: Holds the events that failed to the last.

    Raises:
        SettingsError: When a setting is out of its range, from the settings themselves, or is for a part
            that exists.
        BundleError: When the function's zip cannot be made.
    """

    bucket: BucketReference
    stream: StreamReference
    function: LambdaFunction
    function_role: RoleReference
    function_policy: str
    delivery_stream: KinesisFirehoseDeliveryStream
    delivery_role: RoleReference
    delivery_policy: str
    dead_letter_queue: QueueReference

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        environment: str,
        region: str,
        stream: StreamSettings | None = None,
        delivery: DeliverySettings | None = None,
        lake: LakeSettings | None = None,
        function: FunctionSettings | None = None,
        fetch: FetchSettings | None = None,
        dead_letters: DeadLetterSettings | None = None,
        sources: Sequence[Source] = (),
        existing: Existing | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self._existing = existing or Existing()
        self._existing.check(stream, lake)
        self._settings = Settings(
            environment=environment,
            pipeline=NamingSettings(name=name, region=region),
            stream=stream or StreamSettings(),
            delivery=delivery or DeliverySettings(),
            lake=lake or LakeSettings(),
            function=function or FunctionSettings(),
            fetch=fetch or FetchSettings(),
            dead_letters=dead_letters or DeadLetterSettings(),
        )
        self._names = Names(name, environment, region)
        account_id = DataAwsCallerIdentity(self, "caller").account_id
        target = bundle.Target.of(self._settings.function.runtime, self._settings.function.architecture)
        code = bundle.build(function_root(), target, bundle_cache())
        protection = self._lay_lake(account_id)
        self._lay_stream()
        self._deliver(account_id, protection)
        self._lay_dead_letters(account_id)
        self._fetch(code, sources)

    def grant_put_records(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role put records of its own on the stream.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``put-records-`` and the role's id or name.

        Raises:
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        permissions = [*put_records(self.stream.arn), *write_with_key(self.stream.kms_key)]
        return self._grant("put-records", role, id_, permissions)

    def grant_read(self, role: IamRole | str, id_: str = "") -> IamRolePolicy:
        """The inline policy that lets a role list the bucket and read the records in it.

        Args:
            role: An IAM role, or the name of one.
            id_: Part of the policy's address; default: ``read-`` and the role's id or name.

        Raises:
            ValueError: When the role's name is a reference and there is no ``id_``.
        """
        prefix = f"{self._settings.delivery.data_prefix}{DATA_FOLDER}"
        permissions = [*read_objects(self.bucket.arn, prefix), *decrypt_objects(self.bucket.kms_key)]
        return self._grant("read", role, id_, permissions)

    def _grant(
        self, what: str, role: IamRole | str, id_: str, permissions: Sequence[Statement]
    ) -> IamRolePolicy:
        known, role_id = (role, role) if isinstance(role, str) else (role.node.id, role.id)
        if not id_ and REFERENCE in known:
            raise ValueError(f"role = {known!r}: is only known to Terraform; give an id_ to go with it")
        label = id_ or f"{what}-{known}"
        return IamRolePolicy(
            self,
            label,
            name=f"{self._names.stack}-{what}",
            role=role_id,
            policy=policy_document(self, f"{label}-permissions", permissions).json,
        )

    def _lay_lake(self, account_id: str) -> list[ITerraformDependable]:
        """What has to be there before the first object."""
        if self._existing.bucket:
            self.bucket = self._existing.bucket
            return []
        settings = self._settings
        name = self._names.bucket(account_id)
        lake = DataLake(self, "lake", name=name, environment=settings.environment, settings=settings.lake)
        self.bucket = BucketReference(name=lake.bucket.bucket, arn=lake.bucket.arn)
        return [lake.policy]

    def _lay_stream(self) -> None:
        if self._existing.stream:
            self.stream = self._existing.stream
            return
        settings = self._settings.stream
        stream = RecordStream(self, "stream", name=self._names.stream, settings=settings).stream
        self.stream = StreamReference(name=stream.name, arn=stream.arn, kms_key=settings.kms_key)

    def _deliver(self, account_id: str, protection: Sequence[ITerraformDependable]) -> None:
        delivery = Delivery(
            self,
            "delivery",
            name=self._names.delivery_stream,
            role_name=self._names.role("delivery"),
            account_id=account_id,
            stream=self.stream,
            bucket=self.bucket,
            settings=self._settings.delivery,
            role=self._existing.delivery_role,
            log_group=self._existing.delivery_log_group,
            depends_on=protection,
        )
        self.delivery_stream = delivery.delivery_stream
        self.delivery_role = delivery.role.role
        self.delivery_policy = delivery.role.permissions

    def _lay_dead_letters(self, account_id: str) -> None:
        if self._existing.dead_letter_queue:
            self.dead_letter_queue = self._existing.dead_letter_queue
            return
        queue = DeadLetterQueue(
            self,
            "dead-letters",
            name=self._names.dead_letter_queue,
            region=self._names.region,
            account_id=account_id,
            retention_days=self._settings.dead_letters.queue_retention_days,
        ).queue
        self.dead_letter_queue = QueueReference(arn=queue.arn, url=queue.url)

    def _fetch(self, code: bundle.Bundle, sources: Sequence[Source]) -> None:
        fetch = FetchFunction(
            self,
            "fetch",
            name=self._names.function,
            role_name=self._names.role("fetch"),
            code=code,
            stream=self.stream,
            bucket=self.bucket,
            dead_letter_prefix=self._settings.dead_letters.prefix,
            queue_arn=self.dead_letter_queue.arn,
            settings=self._settings.function,
            fetch=self._settings.fetch,
            sources=sources,
            role=self._existing.function_role,
            log_group=self._existing.function_log_group,
            depends_on=[self.delivery_stream],
        )
        self.function = fetch.function
        self.function_role = fetch.role.role
        self.function_policy = fetch.role.permissions

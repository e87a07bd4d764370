"""The whole chain as one construct."""

from collections.abc import Sequence
from pathlib import Path

from constructs import Construct

from ingestion_pipeline import bundle
from ingestion_pipeline.bindings import DataAwsCallerIdentity
from ingestion_pipeline.dead_letters import DeadLetterQueue
from ingestion_pipeline.delivery import Delivery
from ingestion_pipeline.fetch_function import FetchFunction
from ingestion_pipeline.lake import DataLake
from ingestion_pipeline.names import Names
from ingestion_pipeline.settings import (
    DeadLetterSettings,
    DeliverySettings,
    FetchSettings,
    FunctionSettings,
    LakeSettings,
    NamingSettings,
    Settings,
    StreamSettings,
)
from ingestion_pipeline.sources import Source
from ingestion_pipeline.stream import RecordStream

LAMBDA_ROOT = Path(__file__).resolve().parents[2] / "lambda"
CACHE = LAMBDA_ROOT.parent / "build" / "bundles"


class IngestionPipeline(Construct):
    """URL → function → stream → delivery → lake, in one account and Region.

    Creates: `DataLake`, `RecordStream`, `Delivery`, `DeadLetterQueue`, `FetchFunction`. The function
    comes last, because Firehose delivers only what is put on the stream after it has started.

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

    Attributes:
        lake: Whose ``bucket`` holds the records.
        stream: Whose ``stream`` other readers may read.
        delivery: From the one to the other.
        dead_letters: Whose ``queue`` holds the events that failed to the last.
        fetch: Whose ``function`` a schedule or an API may invoke.

    Raises:
        SettingsError: When a setting is out of its range, from the settings themselves.
        BundleError: When the function's zip cannot be made.
    """

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
    ) -> None:
        super().__init__(scope, id_)
        settings = Settings(
            environment=environment,
            pipeline=NamingSettings(name=name, region=region),
            stream=stream or StreamSettings(),
            delivery=delivery or DeliverySettings(),
            lake=lake or LakeSettings(),
            function=function or FunctionSettings(),
            fetch=fetch or FetchSettings(),
            dead_letters=dead_letters or DeadLetterSettings(),
        )
        names = Names(name, environment, region)
        account_id = DataAwsCallerIdentity(self, "caller").account_id
        code = bundle.build(
            LAMBDA_ROOT, bundle.Target.of(settings.function.runtime, settings.function.architecture), CACHE
        )
        self.lake = DataLake(
            self,
            "lake",
            name=names.bucket(account_id),
            environment=environment,
            settings=settings.lake,
        )
        self.stream = RecordStream(self, "stream", name=names.stream, settings=settings.stream)
        self.delivery = Delivery(
            self,
            "delivery",
            name=names.delivery_stream,
            role_name=names.role("delivery"),
            account_id=account_id,
            stream_arn=self.stream.stream.arn,
            stream_key=settings.stream.kms_key,
            bucket_arn=self.lake.bucket.arn,
            settings=settings.delivery,
            depends_on=[self.lake.policy],
        )
        self.dead_letters = DeadLetterQueue(
            self,
            "dead-letters",
            name=names.dead_letter_queue,
            region=region,
            account_id=account_id,
            retention_days=settings.dead_letters.queue_retention_days,
        )
        self.fetch = FetchFunction(
            self,
            "fetch",
            name=names.function,
            role_name=names.role("fetch"),
            code=code,
            stream_name=self.stream.stream.name,
            stream_arn=self.stream.stream.arn,
            stream_key=settings.stream.kms_key,
            bucket_name=self.lake.bucket.bucket,
            bucket_arn=self.lake.bucket.arn,
            dead_letter_prefix=settings.dead_letters.prefix,
            queue_arn=self.dead_letters.queue.arn,
            settings=settings.function,
            fetch=settings.fetch,
            sources=sources,
            depends_on=[self.delivery.delivery_stream],
        )

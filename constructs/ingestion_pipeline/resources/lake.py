"""The data lake: the bucket where records come to rest."""

from cdktf import Annotations
from constructs import Construct

from ingestion_pipeline.resources.bucket import PrivateBucket
from ingestion_pipeline.resources.capability import Capability, Output
from ingestion_pipeline.settings.names import LAKE
from ingestion_pipeline.settings.references import BucketReference
from ingestion_pipeline.settings.settings import Settings

DELETABLE_ENVIRONMENTS = "deletableEnvironments"
"""The second key for deleting data: a list in cdktf.json's context."""

CAPABILITY = Capability(
    file="lake",
    names=(LAKE,),
    outputs=(
        Output("bucket_name", "0.1.0", "Bucket that holds the records.", "bucket.name"),
        Output("bucket_arn", "0.1.0", "ARN of the bucket, for readers' policies.", "bucket.arn"),
    ),
)


class DataLake(PrivateBucket):
    """The bucket of the records, kept when the stack is destroyed unless two settings agree.

    Creates: a `PrivateBucket` with lifecycle rules.
    Protects: the data is deletable only if ``delete_with_stack`` is set and cdktf.json's context
    lists the environment under ``deletableEnvironments``; with one of the two it stays, with a warning.

    Args:
        account_id: Account of the bucket; part of its name unless the settings give one.
        settings: Settings of the pipeline; only the objects of records expire.

    Attributes:
        reference: Its ARN and name go to whoever writes and reads.
    """

    def __init__(self, scope: Construct, id_: str, *, account_id: str, settings: Settings) -> None:
        lake, environment = settings.lake, settings.environment
        listed = environment in (scope.node.try_get_context(DELETABLE_ENVIRONMENTS) or [])
        super().__init__(
            scope,
            id_,
            name=lake.bucket_name or settings.names.bucket(account_id),
            deletable=lake.delete_with_stack and listed,
            expire_days=lake.expire_days,
            expire_prefix=settings.delivery.data_folder,
            noncurrent_version_days=lake.noncurrent_version_days,
        )
        self.reference = BucketReference(name=self.bucket.bucket, arn=self.bucket.arn)
        if lake.delete_with_stack and not listed:
            Annotations.of(self).add_warning(
                f"lake.delete_with_stack is set, but cdktf.json's {DELETABLE_ENVIRONMENTS} does not list "
                f"{environment!r}: the data is kept on destroy"
            )

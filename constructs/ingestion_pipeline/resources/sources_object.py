"""The configured sources, where the function reads them: an object in the bucket that never changes.

They do not fit into a function's environment, which takes 4 KB:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
"""

from cdktf import Fn, TerraformLocal, TerraformResourceLifecycle
from constructs import Construct

from ingestion_pipeline.bindings import S3Object
from ingestion_pipeline.resources.bucket import BUCKET
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.settings.references import BucketReference
from ingestion_pipeline.settings.sources.sources import ConfiguredSources, object_key

CAPABILITY = Capability(
    file="source_list",
    inside=("fetch/sources",),
    remarks={
        "aws_s3_object.override_provider": (
            "An object takes ten tags, the pipeline's may be more: no tags but its bucket's."
        ),
        "aws_s3_object.lifecycle": (
            "The former object is deleted only after the function has the new one's name."
        ),
    },
    # The state may name an earlier object, whose key has another hash.
    reads={"aws_s3_object": Read("{bucket}/{key}", (BUCKET,), ("s3:GetObject", "s3:GetObjectTagging"))},
)


class SourcesObject(Construct):
    """An object with all sources, named by its content.

    Creates: the object. Other sources make another object: the function and its sources change together.

    Args:
        bucket: Bucket of the object.
        sources: Content of the object.

    Attributes:
        uri: Address for the function, ``s3://<bucket>/<key>``.
    """

    def __init__(
        self, scope: Construct, id_: str, *, bucket: BucketReference, sources: ConfiguredSources
    ) -> None:
        super().__init__(scope, id_)
        content, key = sources.json, sources.key
        if not sources.are_known:
            # A value of its own, for CDKTF cannot write references within the text as a function's argument.
            content = TerraformLocal(self, "content", content).as_string
            key = object_key(Fn.sha256(content))
        stored = S3Object(
            self,
            "object",
            bucket=bucket.name,
            key=key,
            content=content,
            content_type="application/json",
            override_provider={"default_tags": {"tags": {}}},
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        self.uri = f"s3://{bucket.name}/{stored.key}"

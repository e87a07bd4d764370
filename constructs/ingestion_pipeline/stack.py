"""The stacks that are deployed: provider, remote state, one pipeline, outputs."""

from collections.abc import Mapping
from typing import Any

from cdktf import S3Backend, TerraformOutput, TerraformStack
from constructs import Construct

from ingestion_pipeline.bindings import AwsProvider, AwsProviderDefaultTags
from ingestion_pipeline.outputs import all_outputs
from ingestion_pipeline.pipeline import TAGGED_BY_PROVIDER, IngestionPipeline
from ingestion_pipeline.resources.bucket import PrivateBucket
from ingestion_pipeline.settings.regions import MAPPING_TAGS
from ingestion_pipeline.settings.settings import Settings

# These releases read back that S3 blocks SSE-C on a new bucket and plan to undo it, every time:
# https://github.com/hashicorp/terraform-provider-aws/issues/47320, corrected by pull request 47359 in 6.40.0.
# Terraform's constraints know no "or", so that each release has to be named.
DRIFTING_RELEASES = (
    *("6.22.0", "6.22.1", "6.23.0", "6.24.0", "6.25.0", "6.26.0", "6.27.0", "6.28.0", "6.29.0", "6.30.0"),
    *("6.31.0", "6.32.0", "6.32.1", "6.33.0", "6.34.0", "6.35.0", "6.35.1", "6.36.0", "6.37.0", "6.38.0"),
    "6.39.0",
)
# Applying fails half-way in these, with "Unexpected Identity Change" before 6.3.0 and "Missing Resource
# Identity After Update" in 6.14.0: https://github.com/hashicorp/terraform-provider-aws/pull/43221 and
# https://github.com/hashicorp/terraform-provider-aws/issues/44366.
BROKEN_RELEASES = ("6.0.0", "6.1.0", "6.2.0", "6.14.0")
EXCLUDED = (*BROKEN_RELEASES, *DRIFTING_RELEASES)
AWS_PROVIDER = {
    "source": "hashicorp/aws",
    "version": ", ".join([">= 5.100.0", *(f"!= {release}" for release in EXCLUDED), "< 7.0.0"]),
}


class AwsStack(TerraformStack):
    """A stack with an AWS provider, default tags and state in S3.

    Args:
        scope: The app.
        id_: Name of the stack and of the folder it is synthesized into.
        settings: Settings of one environment.
        state_key: Key of the stack's state in the state bucket.
        region: Where the resources are created; default: the pipeline's Region.
        tags: Tags of every resource that can have tags; default: the environment and the pipeline's tags.

    Attributes:
        provider_place: Region and accounts of the provider, for another one.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        state_key: str,
        region: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.node.set_context(TAGGED_BY_PROVIDER, True)
        self.provider_place: dict[str, Any] = {
            "region": region or settings.pipeline.region,
            "allowed_account_ids": list(settings.pipeline.allowed_account_ids) or None,
        }
        AwsProvider(
            self,
            "aws",
            **self.provider_place,
            default_tags=[AwsProviderDefaultTags(tags=dict(settings.tags if tags is None else tags))],
        )
        S3Backend(
            self,
            bucket=settings.state.bucket,
            key=state_key,
            region=settings.state.region or settings.pipeline.region,
            encrypt=True,
        )
        # cdktf 0.21 does not know the argument: https://github.com/hashicorp/terraform-cdk/issues/3933
        self.add_override("terraform.backend.s3.use_lockfile", True)
        if not settings.state.bucket:
            # `terraform init -backend-config=bucket=…` may still give it.
            self.add_override("terraform.backend.s3.bucket", None)
        self.add_override("terraform.required_providers.aws", AWS_PROVIDER)


class IngestionStack(AwsStack):
    """One pipeline in one environment, with its outputs.

    Args:
        scope: The app.
        id_: Name of the stack and of the folder it is synthesized into.
        settings: Settings of one environment.

    Attributes:
        pipeline: The whole chain.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        state_key = settings.state.key or settings.names.state_key
        super().__init__(scope, id_, settings=settings, state_key=state_key)
        self.pipeline = IngestionPipeline(self, "pipeline", settings=settings)
        if not MAPPING_TAGS.is_in(settings.pipeline.region):
            # A provider's default tags cannot be left out of one resource.
            self.pipeline.queue_trigger.mapping.provider = AwsProvider(
                self, "aws-untagged", alias="untagged", **self.provider_place
            )
        for output in all_outputs():
            value = output.value(self.pipeline)
            TerraformOutput(self, output.name, value=value, description=output.meaning)


class StateStack(AwsStack):
    """The bucket of Terraform's state, whose own state lies in it.

    Args:
        scope: The app.
        id_: Name of the stack and of the folder it is synthesized into.
        settings: Settings of one environment; ``state.bucket`` must be set.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        # Without the tag `Environment`: several environments may share the bucket, and each bootstrap
        # would change the tag to its own.
        super().__init__(
            scope,
            id_,
            settings=settings,
            state_key="bootstrap/terraform.tfstate",
            region=settings.state.region,
            tags=settings.pipeline.tags,
        )
        state = PrivateBucket(self, "state", name=settings.state.bucket)
        TerraformOutput(
            self, "bucket_name", value=state.bucket.bucket, description="Bucket of Terraform's state."
        )

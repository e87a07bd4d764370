"""The stacks that are deployed: provider, remote state, one pipeline, outputs."""

from cdktf import S3Backend, TerraformOutput, TerraformStack
from constructs import Construct

from ingestion_pipeline.bindings import AwsProvider, AwsProviderDefaultTags
from ingestion_pipeline.outputs import OUTPUTS
from ingestion_pipeline.pipeline import IngestionPipeline
from ingestion_pipeline.resources.bucket import StateBucket
from ingestion_pipeline.settings.names import environment_label
from ingestion_pipeline.settings.tables import ENVIRONMENT_TAG, Settings

AWS_PROVIDER = {"source": "hashicorp/aws", "version": ">= 5.100.0, < 7.0.0"}


class AwsStack(TerraformStack):
    """A stack with an AWS provider, default tags and state in S3.

    Args:
        scope: The app.
        id_: Name of the stack and of the folder it is synthesized into.
        settings: Of one environment.
        state_key: Where in the state bucket this stack's state lies.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, state_key: str) -> None:
        super().__init__(scope, id_)
        tags = {ENVIRONMENT_TAG: environment_label(settings.environment), **settings.pipeline.tags}
        AwsProvider(
            self,
            "aws",
            region=settings.pipeline.region,
            allowed_account_ids=list(settings.pipeline.allowed_account_ids) or None,
            default_tags=[AwsProviderDefaultTags(tags=tags)],
        )
        state_region = settings.state.region or settings.pipeline.region
        S3Backend(self, bucket=settings.state.bucket, key=state_key, region=state_region, encrypt=True)
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
        settings: Of one environment.

    Attributes:
        pipeline: The whole chain.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        state_key = settings.state.key or settings.names.state_key
        super().__init__(scope, id_, settings=settings, state_key=state_key)
        self.pipeline = IngestionPipeline(self, "pipeline", settings=settings)
        for output in OUTPUTS:
            value = output.value(self.pipeline)
            TerraformOutput(self, output.name, value=value, description=output.meaning)


class StateStack(AwsStack):
    """The bucket of Terraform's state, whose own state lies in it.

    Args:
        scope: The app.
        id_: Name of the stack and of the folder it is synthesized into.
        settings: Of one environment; ``state.bucket`` must be set.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_, settings=settings, state_key="bootstrap/terraform.tfstate")
        state = StateBucket(self, "state", name=settings.state.bucket)
        TerraformOutput(
            self, "bucket_name", value=state.bucket.bucket, description="Bucket of Terraform's state."
        )

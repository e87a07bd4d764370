"""A team's own CDKTF app in which the ingestion pipeline is one construct among others.

Two pipelines share one bucket; a producer of the team's own puts records on the first one's
stream, an analyst reads what lands. ``ENV`` chooses the environment: ``dev``, ``prod`` or ``local``.
"""

import os

# isort: off
# Before anything of the AWS provider, which then loads only what is used: 1 s instead of 10.
import ingestion_pipeline.bindings  # noqa: F401

# isort: on
from cdktf import App, S3Backend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from ingestion_pipeline import (
    DeadLetterSettings,
    DeliverySettings,
    Existing,
    FetchSettings,
    FunctionSettings,
    IngestionPipeline,
    LakeSettings,
    PipelineSettings,
    Settings,
    StreamSettings,
)

REGION = "us-east-1"
TRUST_EC2 = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": "ec2.amazonaws.com"}}]}'
)


class DataPlatform(TerraformStack):
    """Orders and clicks in one lake.

    Args:
        scope: The app.
        id_: Name of the stack.
        environment: ``local`` for an AWS on this machine, any other for the real one.
    """

    def __init__(self, scope: Construct, id_: str, *, environment: str) -> None:
        super().__init__(scope, id_)
        AwsProvider(self, "aws", region=REGION)
        # CDKTF's bindings demand one version of the provider; any of these will do.
        provider = {"source": "hashicorp/aws", "version": ">= 5.100.0, < 7.0.0"}
        self.add_override("terraform.required_providers.aws", provider)
        key = f"data-platform/{environment}.tfstate"
        S3Backend(self, bucket=os.environ["STATE_BUCKET"], key=key, region=REGION, encrypt=True)
        # The lock that keeps two deploys apart; cdktf 0.21 does not know the argument:
        # https://github.com/hashicorp/terraform-cdk/issues/3933
        self.add_override("terraform.backend.s3.use_lockfile", True)
        local = environment == "local"
        # A local AWS runs functions on this machine's Python and processor, and fetches from this machine.
        function = FunctionSettings(runtime="host", architecture="host") if local else FunctionSettings()
        fetch = FetchSettings(allow_http=local, allow_private_networks=local)
        lake = LakeSettings(noncurrent_version_days=0, unfinished_upload_days=0, delete_with_stack=True)
        orders = IngestionPipeline(
            self,
            "orders",
            settings=Settings(
                environment=environment,
                pipeline=PipelineSettings(name="orders", region=REGION),
                stream=StreamSettings(shard_count=1),
                delivery=DeliverySettings(buffer_seconds=60),
                lake=lake if local else LakeSettings(),
                function=function,
                fetch=fetch,
            ),
        )
        IngestionPipeline(
            self,
            "clicks",
            settings=Settings(
                environment=environment,
                pipeline=PipelineSettings(name="clicks", region=REGION),
                stream=StreamSettings(shard_count=1),
                delivery=DeliverySettings(
                    data_prefix="clicks/", error_prefix="clicks-errors/", buffer_seconds=60
                ),
                function=function,
                fetch=fetch,
                dead_letters=DeadLetterSettings(prefix="clicks-dead-letters/"),
            ),
            existing=Existing(bucket=orders.bucket),
        )
        producer = IamRole(self, "producer", name=f"producer-{environment}", assume_role_policy=TRUST_EC2)
        analyst = IamRole(self, "analyst", name=f"analyst-{environment}", assume_role_policy=TRUST_EC2)
        orders.grant_put_records(producer)
        orders.grant_read(analyst)
        # What other stacks read from the state.
        TerraformOutput(self, "bucket_name", value=orders.bucket.name)
        TerraformOutput(self, "bucket_arn", value=orders.bucket.arn)
        TerraformOutput(self, "stream_arn", value=orders.stream.arn)


def main() -> None:
    """Write the stack of the environment in ``ENV`` to cdktf.out."""
    environment = os.environ.get("ENV") or "dev"
    # The second of the two keys without which no data can be deleted.
    app = App(context={"deletableEnvironments": ["local"]})
    DataPlatform(app, f"data-platform-{environment}", environment=environment)
    app.synth()


if __name__ == "__main__":
    main()

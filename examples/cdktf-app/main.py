"""A team's own CDKTF app in which the ingestion pipeline is one construct among others.

Two pipelines share one bucket. The first one has a source with a token, and a producer of the team's
own puts records on its stream; an analyst reads what lands. ``ENV`` chooses the environment: ``dev``,
``prod`` or ``local``.
"""

import os

# Above all of the AWS provider, which then loads only what is used: 1 s instead of 10. Sorters leave it.
import ingestion_pipeline.bindings  # noqa: F401
from cdktf import App, S3Backend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.secretsmanager_secret import SecretsmanagerSecret
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
    Source,
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
        lake = LakeSettings(noncurrent_version_days=0, delete_with_stack=True)
        # Its value is set elsewhere; the function may read this secret and no other.
        token = SecretsmanagerSecret(self, "token", name=f"orders-token-{environment}")
        paid: Source = {
            "name": "paid",
            "url": "https://api.example.com/v2/orders",
            "query": {"status": "paid"},
            "record_path": "data",
            "pagination": {"kind": "cursor", "path": "meta.next_cursor"},
            "auth": {"kind": "bearer", "secret_arn": token.arn},
            "limits": {"max_records": 1_000_000},
        }
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
                sources=[paid],
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

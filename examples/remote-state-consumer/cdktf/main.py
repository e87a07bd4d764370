"""A stack that knows a deployed pipeline only by the outputs in its state."""

import os

from cdktf import App, DataTerraformRemoteStateS3, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
)
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct

REGION = "us-east-1"


class Consumer(TerraformStack):
    """A parameter with the bucket's name, and a policy for readers."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        AwsProvider(self, "aws", region=REGION)
        # CDKTF's bindings demand one version of the provider; any of these will do.
        provider = {"source": "hashicorp/aws", "version": ">= 5.100.0, < 7.0.0"}
        self.add_override("terraform.required_providers.aws", provider)
        ingestion = DataTerraformRemoteStateS3(
            self,
            "ingestion",
            bucket=os.environ["STATE_BUCKET"],
            key=os.environ["STATE_KEY"],
            region=REGION,
        )
        SsmParameter(
            self,
            "lake",
            name="/cdktf-consumer/lake",
            description="Bucket of the records.",
            type="String",
            value=ingestion.get_string("bucket_name"),
        )
        objects = f"{ingestion.get_string('bucket_arn')}/data/year=*"
        statement = DataAwsIamPolicyDocumentStatement(
            sid="ReadRecords", actions=["s3:GetObject"], resources=[objects]
        )
        IamPolicy(
            self,
            "read",
            name="cdktf-consumer-reads-records",
            description="Read the records.",
            policy=DataAwsIamPolicyDocument(self, "read-document", statement=[statement]).json,
        )


def main() -> None:
    """Write the stack to cdktf.out."""
    app = App()
    Consumer(app, "consumer")
    app.synth()


if __name__ == "__main__":
    main()

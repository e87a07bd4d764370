"""The only door to the provider's bindings, which makes them load only what is used.

The bindings' index imports all of their some 1,500 resource modules, once in Python and once in
jsii's Node process: 14 s and 1.2 GB for a stack of ten resources. Here the Python package exists
without its ``__init__`` having run, and Node gets a hook that turns each import of the index into
a getter: about 1 s and 0.2 GB for the same JSON. An index laid out differently is loaded as before.

``INGESTION_PLAIN_IMPORTS=1`` leaves all of that out, to compare.

Upstream: https://github.com/hashicorp/terraform-cdk/issues/3753.
"""
# ruff: noqa: E402 - the bindings may be imported only after the package has been put in place

import importlib.util
import io
import json
import os
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "cdktf_cdktf_provider_aws"
NODE_INDEX = r"[\\/]provider-aws[\\/]lib[\\/]index\.js$"

NODE_HOOK = f"""
const Module = require('module');
const compile = Module.prototype._compile;
Module.prototype._compile = function (source, filename, ...rest) {{
  if (/{NODE_INDEX}/.test(filename)) {{
    source = source.replace(/^exports\\.(\\w+) = ((?:__importStar\\()?require\\("\\.\\/[^"]+"\\)\\)?);$/gm,
      'Object.defineProperty(exports, "$1", {{ enumerable: true, get: () => $2 }});');
  }}
  return compile.call(this, source, filename, ...rest);
}};
"""


def bare_python_package() -> None:
    """Put the bindings' package into place without running its ``__init__``: submodules import as ever."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {PACKAGE!r}; `make synth` installs it, `pipenv sync` too")
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)


def hook_node() -> None:
    """Have jsii's Node process load the hook: jsii runs the code of packages, so it travels as a tiny one."""
    import jsii

    name, version = "lazy-provider-index", "1.0.0"
    about = {
        "name": name,
        "version": version,
        "license": "Apache-2.0",
        "description": name,
        "homepage": name,
        "repository": {"type": "git", "url": name},
        "author": {"name": name, "roles": ["author"]},
    }
    assembly = {**about, "schema": "jsii/0.10.0", "jsiiVersion": "5.0.0", "fingerprint": "*", "types": {}}
    files = {
        "package.json": json.dumps({**about, "main": "index.js"}),
        ".jsii": json.dumps(assembly),
        "index.js": NODE_HOOK,
    }
    with tempfile.TemporaryDirectory() as folder:
        # A plain tar: without gzip's time stamp it is the same entry of jsii's cache each time.
        tarball = Path(folder, f"{name}.tar")
        with tarfile.open(tarball, "w") as archive:
            for path, text in files.items():
                entry = tarfile.TarInfo(f"package/{path}")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        jsii.kernel.load(name, version, str(tarball))


if PACKAGE not in sys.modules and not os.environ.get("INGESTION_PLAIN_IMPORTS"):
    bare_python_package()
    hook_node()

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_stream import CloudwatchLogStream
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.kinesis_firehose_delivery_stream import (
    KinesisFirehoseDeliveryStream,
    KinesisFirehoseDeliveryStreamExtendedS3Configuration,
    KinesisFirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptions,
    KinesisFirehoseDeliveryStreamKinesisSourceConfiguration,
)
from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
    LambdaFunctionTracingConfig,
)
from cdktf_cdktf_provider_aws.lambda_function_event_invoke_config import (
    LambdaFunctionEventInvokeConfig,
    LambdaFunctionEventInvokeConfigDestinationConfig,
    LambdaFunctionEventInvokeConfigDestinationConfigOnFailure,
)
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

__all__ = [
    "AwsProvider",
    "AwsProviderDefaultTags",
    "CloudwatchLogGroup",
    "CloudwatchLogStream",
    "DataAwsCallerIdentity",
    "DataAwsIamPolicyDocument",
    "DataAwsIamPolicyDocumentStatement",
    "DataAwsIamPolicyDocumentStatementCondition",
    "DataAwsIamPolicyDocumentStatementPrincipals",
    "DataAwsPartition",
    "IamRole",
    "IamRolePolicy",
    "KinesisFirehoseDeliveryStream",
    "KinesisFirehoseDeliveryStreamExtendedS3Configuration",
    "KinesisFirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptions",
    "KinesisFirehoseDeliveryStreamKinesisSourceConfiguration",
    "KinesisStream",
    "LambdaFunction",
    "LambdaFunctionEnvironment",
    "LambdaFunctionEventInvokeConfig",
    "LambdaFunctionEventInvokeConfigDestinationConfig",
    "LambdaFunctionEventInvokeConfigDestinationConfigOnFailure",
    "LambdaFunctionLoggingConfig",
    "LambdaFunctionTracingConfig",
    "S3Bucket",
    "S3BucketLifecycleConfiguration",
    "S3BucketLifecycleConfigurationRule",
    "S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload",
    "S3BucketLifecycleConfigurationRuleFilter",
    "S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration",
    "S3BucketOwnershipControls",
    "S3BucketOwnershipControlsRule",
    "S3BucketPolicy",
    "S3BucketPublicAccessBlock",
    "S3BucketServerSideEncryptionConfigurationA",
    "S3BucketServerSideEncryptionConfigurationRuleA",
    "S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA",
    "S3BucketVersioningA",
    "S3BucketVersioningVersioningConfiguration",
    "SqsQueue",
]

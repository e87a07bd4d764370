"""Which calls a plan makes for each kind of resource: the provider's read of it.

Held by tests/e2e/test_lifecycle.py against the calls that Terraform makes.
Actions: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.
"""

from dataclasses import dataclass

BUCKET, ROLE, FUNCTION = (
    "s3:::{name}",
    "iam::{account}:role/{name}",
    "lambda:{region}:{account}:function:{name}",
)
LOG_GROUP = "logs:{region}:{account}:log-group:{name}"


@dataclass(frozen=True)
class Read:
    """The calls that read one kind of resource.

    Attributes:
        name: Of what is read, from the resource's arguments in Terraform.
        arns: What is read, without ``arn:<partition>:``.
        actions: On those.
        anywhere: Actions that know no resource.
    """

    name: str
    arns: tuple[str, ...]
    actions: tuple[str, ...]
    anywhere: tuple[str, ...] = ()


READS = {
    "aws_cloudwatch_log_group": Read(
        "{name}", (LOG_GROUP,), ("logs:ListTagsForResource",), ("logs:DescribeLogGroups",)
    ),
    # CloudWatch checks this action on the group's ARN with another ending.
    "aws_cloudwatch_log_stream": Read(
        "{log_group_name}", (LOG_GROUP, f"{LOG_GROUP}:*"), ("logs:DescribeLogStreams",)
    ),
    "aws_iam_policy": Read(
        "{name}", ("iam::{account}:policy/{name}",), ("iam:GetPolicy", "iam:GetPolicyVersion")
    ),
    "aws_iam_role": Read(
        "{name}", (ROLE,), ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
    ),
    "aws_iam_role_policy": Read("{role}", (ROLE,), ("iam:GetRolePolicy",)),
    "aws_iam_role_policy_attachment": Read("{role}", (ROLE,), ("iam:ListAttachedRolePolicies",)),
    "aws_kinesis_firehose_delivery_stream": Read(
        "{name}",
        ("firehose:{region}:{account}:deliverystream/{name}",),
        ("firehose:DescribeDeliveryStream", "firehose:ListTagsForDeliveryStream"),
    ),
    "aws_kinesis_stream": Read(
        "{name}",
        ("kinesis:{region}:{account}:stream/{name}",),
        ("kinesis:DescribeStreamSummary", "kinesis:ListTagsForStream"),
        ("kinesis:DescribeLimits",),
    ),
    # Only AWS knows a mapping's id before it is made; the action shows no event.
    "aws_lambda_event_source_mapping": Read(
        "{function_name}",
        ("lambda:{region}:{account}:event-source-mapping:*",),
        ("lambda:GetEventSourceMapping", "lambda:ListTags"),
    ),
    "aws_lambda_function": Read(
        "{function_name}",
        (FUNCTION,),
        ("lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:ListVersionsByFunction"),
    ),
    "aws_lambda_function_event_invoke_config": Read(
        "{function_name}", (FUNCTION,), ("lambda:GetFunctionEventInvokeConfig",)
    ),
    "aws_lambda_function_recursion_config": Read(
        "{function_name}", (FUNCTION,), ("lambda:GetFunctionRecursionConfig",)
    ),
    "aws_lambda_function_url": Read("{function_name}", (FUNCTION,), ("lambda:GetFunctionUrlConfig",)),
    "aws_s3_bucket": Read(
        "{bucket}",
        (BUCKET,),
        (
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketCORS",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketPolicy",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
        ),
    ),
    "aws_s3_bucket_lifecycle_configuration": Read("{bucket}", (BUCKET,), ("s3:GetLifecycleConfiguration",)),
    "aws_s3_bucket_ownership_controls": Read("{bucket}", (BUCKET,), ("s3:GetBucketOwnershipControls",)),
    "aws_s3_bucket_policy": Read("{bucket}", (BUCKET,), ("s3:GetBucketPolicy",)),
    "aws_s3_bucket_public_access_block": Read("{bucket}", (BUCKET,), ("s3:GetBucketPublicAccessBlock",)),
    "aws_s3_bucket_server_side_encryption_configuration": Read(
        "{bucket}", (BUCKET,), ("s3:GetEncryptionConfiguration",)
    ),
    "aws_s3_bucket_versioning": Read("{bucket}", (BUCKET,), ("s3:GetBucketVersioning",)),
    # The state may name an earlier object, whose key has another hash.
    "aws_s3_object": Read("{bucket}/{key}", (BUCKET,), ("s3:GetObject", "s3:GetObjectTagging")),
    "aws_scheduler_schedule": Read(
        "{group_name}/{name}",
        ("scheduler:{region}:{account}:schedule/{name}",),
        ("scheduler:GetSchedule",),
    ),
    "aws_scheduler_schedule_group": Read(
        "{name}",
        ("scheduler:{region}:{account}:schedule-group/{name}",),
        ("scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"),
    ),
    "aws_sqs_queue": Read(
        "{name}", ("sqs:{region}:{account}:{name}",), ("sqs:GetQueueAttributes", "sqs:ListQueueTags")
    ),
}

ANYWHERE = ("sts:GetCallerIdentity",)
"""What every plan calls besides, on no resource."""

# Terraform lists the bucket for the names of its workspaces.
STATE_ACTIONS = {"s3:::{bucket}": ("s3:ListBucket",), "s3:::{bucket}/{key}": ("s3:GetObject",)}
"""By what is read of the backend, without ``arn:<partition>:``."""

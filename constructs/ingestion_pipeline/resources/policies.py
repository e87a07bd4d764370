"""Least-privilege documents, as plain data: exact actions on exact ARNs.

Nothing here knows Terraform; `documents.py` turns statements into a policy document.
Action sets: https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html and
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ingestion_pipeline.resources.capability import Capability
from ingestion_pipeline.settings.expressions import Condition, all_of
from ingestion_pipeline.settings.forms import Form, Forms
from ingestion_pipeline.settings.references import BucketReference, QueueReference, StreamReference
from ingestion_pipeline.settings.sources import permissions as source_permissions

CAPABILITY = Capability(
    # Why a statement has a `*`, by its sid.
    remarks={
        "RequireTls": "A deny: its stars permit nothing.",
        "ReadMetrics": "CloudWatch knows no resource for it, so `*` is the only one it takes: "
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html",
        "SendTraces": "X-Ray knows no resources, so `*` is the only one it takes: "
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html",
        "UseNetwork": "The interfaces do not exist yet, and their ids are Lambda's, so that AWS asks for all "
        "resources: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions",
    },
)


@dataclass(frozen=True)
class Statement:
    """One permission.

    Attributes:
        sid: Purpose, in letters and digits.
        actions: Exact names, such as ``kinesis:PutRecords``.
        resources: ARNs; empty only in a trust policy.
        services: Services that may assume the role, in a trust policy.
        conditions: Value that a context key must equal, by key.
        allowed: True to permit; False to deny everybody.
        when: Condition under which the document has it.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str] = ()
    services: Sequence[str] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    allowed: bool = True
    when: Condition = True


def trust(service: str, **conditions: str) -> list[Statement]:
    """Lets one AWS service assume the role.

    Args:
        service: Such as ``lambda.amazonaws.com``.
        **conditions: Value by context key, with ``__`` for the colon: ``sts__ExternalId``.
    """
    keys = {key.replace("__", ":"): value for key, value in conditions.items()}
    return [Statement("Trust", ["sts:AssumeRole"], services=[service], conditions=keys)]


def of_each_form(
    streams: Mapping[Form, StreamReference],
    forms: Forms,
    permit: Callable[[StreamReference], Sequence[Statement]],
) -> list[Statement]:
    """The statements for each stream. The form is part of a sid, because one role may use both streams.

    Args:
        streams: The stream of each form of records.
        forms: Knows under which condition a stream exists.
        permit: Makes the statements for one stream.
    """
    return [
        replace(
            each, sid=each.sid + form.value.removeprefix("-").capitalize(), when=all_of(exists, each.when)
        )
        for form, stream in streams.items()
        for exists in [forms.exists(form)]
        for each in permit(stream)
    ]


def write_stream(stream_arn: str) -> list[Statement]:
    """Lets the function put records on one stream."""
    return [Statement("PutRecords", ["kinesis:PutRecords"], [stream_arn])]


def read_stream(stream_arn: str) -> list[Statement]:
    """Lets Firehose read one stream."""
    actions = [
        "kinesis:DescribeStream",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ]
    return [Statement("ReadStream", actions, [stream_arn])]


def write_with_key(stream: StreamReference) -> list[Statement]:
    """Lets the function encrypt what it puts on a stream; AWS's own key needs no permission.

    https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
    """
    actions = ["kms:GenerateDataKey"]
    others = stream.other_kms_keys
    return [
        Statement("EncryptRecords", actions, [stream.kms_key], when=stream.has_own_key),
        Statement("EncryptWithOtherKeys", actions, others, when=stream.has_other_keys),
    ]


def read_with_key(stream: StreamReference) -> list[Statement]:
    """Lets Firehose decrypt what it reads from one stream, and nothing else that the key protects."""
    context = {"kms:EncryptionContext:aws:kinesis:arn": stream.arn}
    actions = ["kms:Decrypt"]
    others = stream.other_kms_keys
    return [
        Statement("DecryptRecords", actions, [stream.kms_key], conditions=context, when=stream.has_own_key),
        Statement("DecryptWithOtherKeys", actions, others, conditions=context, when=stream.has_other_keys),
    ]


def put_records(stream_arn: str) -> list[Statement]:
    """Lets anybody else put records on one stream, one or many at a time."""
    return [Statement("PutRecords", ["kinesis:PutRecord", "kinesis:PutRecords"], [stream_arn])]


def read_objects(bucket_arn: str, prefix: str) -> list[Statement]:
    """Lets anybody list one bucket and read what lies below one prefix of it."""
    listing = ["s3:GetBucketLocation", "s3:ListBucket"]
    return [
        Statement("ListBucket", listing, [bucket_arn]),
        Statement("ReadObjects", ["s3:GetObject"], [f"{bucket_arn}/{prefix}*"]),
    ]


def encrypt_objects(bucket: BucketReference) -> list[Statement]:
    """Lets whoever writes objects encrypt them with the bucket's own key, if it has one.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    actions = ["kms:GenerateDataKey"]
    return [Statement("EncryptObjects", actions, [bucket.kms_key], when=bucket.has_own_key)]


def decrypt_objects(bucket: BucketReference) -> list[Statement]:
    """Lets whoever reads objects, or writes them in parts, decrypt them with the bucket's own key, if any."""
    return [Statement("DecryptObjects", ["kms:Decrypt"], [bucket.kms_key], when=bucket.has_own_key)]


def write_log(log_group_arn: str) -> list[Statement]:
    """Lets the function write the streams of one log group, which it may not create."""
    return [Statement("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group_arn}:*"])]


def write_log_stream(log_stream_arn: str) -> list[Statement]:
    """Lets Firehose write one log stream."""
    return [Statement("WriteErrorLog", ["logs:PutLogEvents"], [log_stream_arn])]


def write_objects(bucket_arn: str, prefixes: Sequence[str]) -> list[Statement]:
    """Lets Firehose write objects below some prefixes of one bucket.

    Args:
        bucket_arn: The bucket's.
        prefixes: Prefixes of keys, such as ``errors/``; an empty one would be the whole bucket.
    """
    return [
        Statement(
            "UseBucket",
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            [bucket_arn],
        ),
        Statement(
            "WriteObjects",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            [f"{bucket_arn}/{prefix}*" for prefix in prefixes],
        ),
    ]


def require_tls(service: str, *arns: str) -> list[Statement]:
    """Denies every request that does not come over TLS, in the policy of a bucket or a queue."""
    condition = {"aws:SecureTransport": "false"}
    return [Statement("RequireTls", [f"{service}:*"], [*arns], conditions=condition, allowed=False)]


def write_dead_letters(bucket_arn: str, prefix: str) -> list[Statement]:
    """Lets the function store undeliverable records below one prefix of the bucket."""
    return [Statement("WriteDeadLetters", ["s3:PutObject"], [f"{bucket_arn}/{prefix}*"])]


def send_failures(queue: QueueReference) -> list[Statement]:
    """Lets the function, Lambda on its behalf, or a schedule send events that failed to one queue."""
    return [Statement("SendFailures", [queue.send_action], [queue.arn])]


def send_events(queue: QueueReference) -> list[Statement]:
    """Lets the function, or anybody else, send events to the work queue, with the queue's key if it has one.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    actions = ["kms:Decrypt", "kms:GenerateDataKey"]
    return [
        Statement("SendEvents", ["sqs:SendMessage"], [queue.arn]),
        Statement("EncryptEvents", actions, [queue.kms_key], when=queue.has_own_key),
        Statement("UseOtherEventKeys", actions, queue.other_kms_keys, when=queue.has_other_keys),
    ]


def consume_events(queue_arn: str) -> list[Statement]:
    """Lets Lambda, on the function's behalf, take events from the work queue, and the function defer them.

    Whoever sends with the queue's key may decrypt with it too, which is all that reading needs:
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    actions = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    ]
    return [Statement("ConsumeEvents", actions, [queue_arn])]


def invoke_url(function_arn: str) -> list[Statement]:
    """Lets anybody invoke the function by its URL, and in no other way.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    by_iam, by_url = {"lambda:FunctionUrlAuthType": "AWS_IAM"}, {"lambda:InvokedViaFunctionUrl": "true"}
    return [
        Statement("InvokeUrl", ["lambda:InvokeFunctionUrl"], [function_arn], conditions=by_iam),
        Statement("InvokeByUrl", ["lambda:InvokeFunction"], [function_arn], conditions=by_url),
    ]


def read_secrets(arns: Sequence[str], *, with_keys: bool = False, when: Condition = True) -> list[Statement]:
    """Lets the function read the secrets of its sources, if they have any.

    Args:
        arns: The secrets', and those of their keys; each action takes only ARNs of its own service.
        with_keys: Whether there may be keys.
        when: Condition under which there are secrets.
    """
    actions = [*["kms:Decrypt"][: int(with_keys)], "secretsmanager:GetSecretValue"]
    return [Statement("ReadSecrets", actions, arns, when=when)]


def use_by_sources(permitted: Sequence[tuple[str, Sequence[str], Condition]]) -> list[Statement]:
    """Lets the function do for its sources what their kinds of authentication declare.

    Args:
        permitted: Action, ARNs and whether there are any.
    """
    return [
        Statement(source_permissions.sid(action), [action], arns, when=when)
        for action, arns, when in permitted
    ]


def send_with_key(queue: QueueReference) -> list[Statement]:
    """Lets whoever sends failures to a queue encrypt them with the queue's key, if that is the user's own.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    actions = ["kms:Decrypt", "kms:GenerateDataKey"]
    return [
        Statement("EncryptFailures", actions, [queue.kms_key], when=queue.has_own_key),
        Statement("UseOtherFailureKeys", actions, queue.other_kms_keys, when=queue.has_other_keys),
    ]


def read_configuration(bucket_arn: str, folder: str) -> list[Statement]:
    """Lets the function read its sources, below one prefix of the bucket."""
    return [Statement("ReadConfiguration", ["s3:GetObject"], [f"{bucket_arn}/{folder}*"])]


def read_lists(bucket_arn: str, folder: str) -> list[Statement]:
    """Lets the function read lists of URLs, below one prefix of the bucket."""
    return [Statement("ReadLists", ["s3:GetObject"], [f"{bucket_arn}/{folder}*"])]


def decrypt_secrets(keys: Sequence[str], *, when: Condition = True) -> list[Statement]:
    """Lets the function read secrets that are encrypted with keys of the user's.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    """
    return [Statement("DecryptSecrets", ["kms:Decrypt"], keys, when=when)]


def use_network(*, when: Condition = True) -> list[Statement]:
    """Lets Lambda attach the function to a VPC, with the six actions that it needs and no other."""
    actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ]
    return [Statement("UseNetwork", actions, ["*"], when=when)]


def read_metrics(*, when: Condition) -> list[Statement]:
    """Lets the function see when its sources last succeeded, and how many records they had."""
    return [Statement("ReadMetrics", ["cloudwatch:GetMetricData"], ["*"], when=when)]


def send_traces(*, when: Condition = True) -> list[Statement]:
    """Lets the function send traces."""
    actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    return [Statement("SendTraces", actions, ["*"], when=when)]

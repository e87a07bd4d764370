"""Variables for parts that exist: each is an object, so that whether it is given is known at plan."""

BROUGHT = {
    "existing_stream": (
        'arn = string, name = string, kms_key = optional(string, "alias/aws/kinesis")',
        "Kinesis stream to use instead of making one; `kms_key` is the ARN of the key of yours that it is "
        "encrypted with, if it is one.",
    ),
    "existing_bucket": (
        "arn = string, name = string, kms_key = optional(string)",
        "Bucket to use instead of making one; nothing about it is changed. `kms_key` is the ARN of the "
        "key of yours that it encrypts with by default, if it is one.",
    ),
    "existing_function_role": (
        "arn = string",
        "Role of the function to use instead of making one; give it the output `function_policy_json`.",
    ),
    "existing_delivery_role": (
        "arn = string",
        "Role of Firehose to use instead of making one; give it the output `delivery_policy_json`.",
    ),
    "existing_function_log_group": (
        "arn = string, name = string",
        "Log group of the function to use instead of making one.",
    ),
    "existing_delivery_log_group": (
        "arn = string, name = string",
        "Log group of Firehose to use instead of making one; a log stream is made in it.",
    ),
    "existing_failure_destination": (
        "arn = string, url = optional(string)",
        "SQS queue or SNS topic for events that failed to the last, to use instead of making a queue; `url` "
        "is only for the output.",
    ),
}
"""Attributes and meaning of what may be brought along, by variable."""

"""The module's local values: what is made, how it is called, and what was brought along."""

from collections.abc import Mapping

from ingestion_pipeline.settings.names import (
    ACCOUNT_CHARACTERS,
    BUCKET_CHARACTERS,
    DELIVERY_STREAM_CHARACTERS,
    FUNCTION_CHARACTERS,
    HASH_CHARACTERS,
    QUEUE_CHARACTERS,
    ROLE_CHARACTERS,
    STREAM_CHARACTERS,
    environment_label,
)
from tools.module.hcl import literal

LABELLED = ("dev", "prod")
"""Environments with a label of their own in the tag."""

CREATED = {
    "bucket": "existing_bucket",
    "stream": "existing_stream",
    "queue": "existing_failure_destination",
    "function_role": "existing_function_role",
    "delivery_role": "existing_delivery_role",
    "function_log_group": "existing_function_log_group",
    "delivery_log_group": "existing_delivery_log_group",
}
"""What is made unless it was brought along, with the variable that brings it."""

LONG_NAMES = {
    "stream": ("${local.stack}-stream", STREAM_CHARACTERS),
    "delivery_stream": ("${local.stack}-delivery", DELIVERY_STREAM_CHARACTERS),
    "function": ("${local.stack}-fetch", FUNCTION_CHARACTERS),
    "dead_letter_queue": ("${local.stack}-dead-letters", QUEUE_CHARACTERS),
    "function_role": ("${local.stack}-fetch-${local.region}", ROLE_CHARACTERS),
    "delivery_role": ("${local.stack}-delivery-${local.region}", ROLE_CHARACTERS),
    "lake": (
        "${local.stack}-lake",
        f"{BUCKET_CHARACTERS - ACCOUNT_CHARACTERS - 2} - length(local.region)",
    ),
}
"""Whole name and most characters, by what it names."""

CUT = f"""{{
    for thing, name in local.long_names : thing => length(name) <= local.limits[thing] ? name : join("-", [
      replace(substr(name, 0, local.limits[thing] - {HASH_CHARACTERS + 1}), "/-+$/", ""),
      substr(sha256(name), 0, {HASH_CHARACTERS}),
    ])
  }}"""
"""The beginning of a name that is too long and a hash of it, as `settings.names.cut` does."""


def local_values() -> list[Mapping[str, object]]:
    """Expression by name, in groups that belong together."""
    return [_created(), _place(), {"cut_names": CUT}, _named(), _brought(), _function()]


def _created() -> Mapping[str, object]:
    made = {what: f"var.enabled && var.{variable} == null" for what, variable in CREATED.items()}
    rules = "(var.lake_noncurrent_version_days > 0 || var.lake_unfinished_upload_days > 0)"
    lifecycle = f"var.enabled && var.existing_bucket == null && {rules}"
    return {"create": {**made, "lifecycle": lifecycle}}


def _place() -> Mapping[str, object]:
    labels = literal({name: environment_label(name) for name in LABELLED})
    environment = f"lookup({labels}, var.environment, title(var.environment))"
    return {
        "stack": '"${var.name}-${var.environment}"',
        "account_id": 'var.enabled ? data.aws_caller_identity.caller[0].account_id : ""',
        "region": 'var.enabled ? data.aws_region.current[0].id : ""',
        "tags": f"merge({{ Environment = {environment} }}, var.tags)",
        "long_names": {thing: f'"{name}"' for thing, (name, _) in LONG_NAMES.items()},
        "limits": {thing: str(limit) for thing, (_, limit) in LONG_NAMES.items()},
    }


def _named() -> Mapping[str, object]:
    computed = '"${local.cut_names.lake}-${local.account_id}-${local.region}"'
    chosen = f'var.lake_bucket_name != "" ? var.lake_bucket_name : {computed}'
    return {"names": f"merge(local.cut_names, {{ bucket = {chosen} }})"}


def _brought() -> Mapping[str, object]:
    return {
        "bucket": {
            "arn": _either("existing_bucket", "arn", "aws_s3_bucket.lake_bucket[*].arn"),
            "name": _either("existing_bucket", "name", "aws_s3_bucket.lake_bucket[*].bucket"),
        },
        "stream": {
            "arn": _either("existing_stream", "arn", "aws_kinesis_stream.stream[*].arn"),
            "name": _either("existing_stream", "name", "aws_kinesis_stream.stream[*].name"),
        },
        **{
            f"{part}_role": {
                "arn": _either(f"existing_{part}_role", "arn", f"aws_iam_role.{path}_access_role[*].arn")
            }
            for part, path in (("function", "fetch"), ("delivery", "delivery"))
        },
        **{
            f"{part}_log_group": {
                attribute: _either(
                    f"existing_{part}_log_group",
                    attribute,
                    f"aws_cloudwatch_log_group.{path}_log_group[*].{attribute}",
                )
                for attribute in ("arn", "name")
            }
            for part, path in (("function", "fetch"), ("delivery", "delivery"))
        },
        "failure_destination": {
            attribute: _either(
                "existing_failure_destination", attribute, f"aws_sqs_queue.dead_letters_queue[*].{attribute}"
            )
            for attribute in ("arn", "url")
        },
    }


def _function() -> Mapping[str, object]:
    topic = 'strcontains(var.existing_failure_destination.arn, ":sns:") ? "sns:Publish" : "sqs:SendMessage"'
    arns = "[for source in var.sources : try(source.auth.secret_arn, null)]"
    return {
        "failure_action": f'var.existing_failure_destination == null ? "sqs:SendMessage" : {topic}',
        "stream_kms_key": "var.existing_stream != null ? var.existing_stream.kms_key : var.stream_kms_key",
        "bucket_kms_key": "var.existing_bucket != null ? var.existing_bucket.kms_key : null",
        "package": 'var.package_path != null ? var.package_path : "${path.module}/lambda.zip"',
        "secret_arns": f"distinct([for arn in {arns} : arn if arn != null])",
    }


def _either(variable: str, attribute: str, made: str) -> str:
    return f"var.{variable} != null ? var.{variable}.{attribute} : one({made})"

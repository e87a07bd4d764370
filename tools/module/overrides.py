"""Where the module differs from the stack: what is switched, calculated or permitted by a variable."""

from ingestion_pipeline.resources.policies import decrypt_objects, encrypt_objects
from ingestion_pipeline.settings.tables import AWS_KINESIS_KEY

SWITCHES = (
    ("lake_lifecycle", "local.create.lifecycle"),
    ("lake_", "local.create.bucket"),
    ("stream", "local.create.stream"),
    ("dead_letters_", "local.create.queue"),
    ("delivery_log_group", "local.create.delivery_log_group"),
    ("fetch_log_group", "local.create.function_log_group"),
    ("delivery_access_permissions", "var.enabled"),
    ("fetch_access_permissions", "var.enabled"),
    ("delivery_access_", "local.create.delivery_role"),
    ("fetch_access_", "local.create.function_role"),
    ("", "var.enabled"),
)
"""When a resource is made, by the beginning of its short name; the first that fits counts."""

FUNCTION = "aws_lambda_function.fetch_function"
VARIABLES = "environment.variables"
PLACES = {
    (FUNCTION, f"{VARIABLES}.ALLOWED_HOSTS"): '${join(",", var.fetch_allowed_hosts)}',
    (FUNCTION, f"{VARIABLES}.ALLOW_HTTP"): "${tostring(var.fetch_allow_http)}",
    (FUNCTION, f"{VARIABLES}.ALLOW_PRIVATE_NETWORKS"): "${tostring(var.fetch_allow_private_networks)}",
    (FUNCTION, f"{VARIABLES}.PACK_KIB"): "${tostring(var.fetch_pack_kib)}",
    (FUNCTION, f"{VARIABLES}.SOURCES"): "${jsonencode(var.sources)}",
    (FUNCTION, "runtime"): "${var.function_runtime}",
    (FUNCTION, "architectures"): ["${var.function_architecture}"],
    (FUNCTION, "filename"): "${local.package}",
    (FUNCTION, "source_code_hash"): "${filebase64sha256(local.package)}",
    (FUNCTION, "tracing_config.mode"): '${var.function_tracing ? "Active" : "PassThrough"}',
    (
        "aws_sqs_queue.dead_letters_queue",
        "message_retention_seconds",
    ): "${var.dead_letters_queue_retention_days * 86400}",
    ("aws_s3_bucket.lake_bucket", "force_destroy"): "${var.force_destroy}",
    # Beside those of others in the same group.
    (
        "aws_cloudwatch_log_stream.delivery_log_stream",
        "name",
    ): '${var.existing_delivery_log_group == null ? "DestinationDelivery" : local.names.delivery_stream}',
}
"""What stands where a construct has calculated with a setting, by address and path."""

OWN_KEY = f'local.stream_kms_key != "{AWS_KINESIS_KEY}"'
CONDITIONS = {
    "EncryptRecords": OWN_KEY,
    "DecryptRecords": OWN_KEY,
    "EncryptObjects": "local.bucket_kms_key != null",
    "DecryptObjects": "local.bucket_kms_key != null",
    "ReadSecrets": "length(local.secret_arns) > 0",
    "SendTraces": "var.function_tracing",
    "remove-unfinished-uploads": "var.lake_unfinished_upload_days > 0",
    "remove-old-versions": "var.lake_noncurrent_version_days > 0",
}
"""When a block of several is there, by its sid or id."""

BUCKET_KEY = "${local.bucket_kms_key}"
WITH_BUCKET_KEY = {
    "fetch_access_permissions": encrypt_objects(BUCKET_KEY),
    "delivery_access_permissions": [*encrypt_objects(BUCKET_KEY), *decrypt_objects(BUCKET_KEY)],
}
"""What else is permitted if the bucket that was brought along has a key, by policy document."""

LOGGING = {
    "for_each": "${var.existing_function_log_group == null ? [] : [1]}",
    "content": {"log_format": "Text", "log_group": "${local.function_log_group.name}"},
}
"""A function logs to the group of its own name unless told otherwise."""

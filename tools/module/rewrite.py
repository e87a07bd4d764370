"""From the synthesized JSON of a stack to the resources of a module, in pure steps."""

from collections.abc import Mapping
from typing import Any

from ingestion_pipeline.settings import AWS_KINESIS_KEY
from tools.module.addresses import OutOfDate, renamed, short_name, short_names
from tools.module.synthesis import NAMES, STAND_IN

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
}
"""What stands where a construct has calculated with a setting, by address and path."""

OWN_KEY = f'local.stream_kms_key != "{AWS_KINESIS_KEY}"'
CONDITIONS = {
    "EncryptRecords": OWN_KEY,
    "DecryptRecords": OWN_KEY,
    "ReadSecrets": "length(local.secret_arns) > 0",
    "SendTraces": "var.function_tracing",
    "remove-unfinished-uploads": "var.lake_unfinished_upload_days > 0",
    "remove-old-versions": "var.lake_noncurrent_version_days > 0",
}
"""When a block of several is there, by its sid or id."""

LOGGING = {
    "for_each": "${var.existing_function_log_group == null ? [] : [1]}",
    "content": {"log_format": "Text", "log_group": "${local.function_log_group.name}"},
}
"""A function logs to the group of its own name unless told otherwise."""


def main_tf(config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of main.tf.json: what the module reads and makes, without provider and backend.

    Args:
        config: A stack's JSON, synthesized with references for settings.

    Raises:
        OutOfDate: When the constructs have changed so that this would come out wrong.
    """
    names = short_names(config["resource"]) | short_names(config["data"], "data.")
    result = {
        "data": _blocks(config["data"], names),
        "resource": _blocks(config["resource"], names),
    }
    for (address, path), value in PLACES.items():
        replace_at(result["resource"], f"{address}.{path}", value)
    function = result["resource"]["aws_lambda_function"]["fetch_function"]
    function["dynamic"] = {"logging_config": [LOGGING]}
    result["data"]["aws_region"] = {"current": {"count": "${var.enabled ? 1 : 0}"}}
    return result


def output_values(config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Description and expression of the stack's own outputs, by name."""
    names = short_names(config["resource"]) | short_names(config["data"], "data.")
    return {
        name: {
            "description": output["description"],
            "value": renamed(output["value"], names).removeprefix("${").removesuffix("}"),
        }
        for name, output in config["output"].items()
    }


def replace_at(blocks: dict[str, Any], path: str, value: object) -> None:
    """Put ``value`` where the dotted ``path`` leads, in place of what is there.

    Raises:
        OutOfDate: When nothing is there.
    """
    *above, last = path.split(".")
    place: Any = blocks
    for key in above:
        place = place.get(key, {}) if isinstance(place, dict) else {}
    if last not in place:
        raise OutOfDate(f"the constructs make no {path} any more")
    place[last] = value


def switched(body: dict[str, Any]) -> dict[str, Any]:
    """A block whose statements or rules are there by condition: in ``dynamic`` if they have one."""
    result = dict(body)
    for kind in ("statement", "rule"):
        blocks = body.get(kind)
        if not isinstance(blocks, list):
            continue
        conditions = [CONDITIONS.get(block.get("sid") or block.get("id") or "") for block in blocks]
        always = [block for block, condition in zip(blocks, conditions, strict=True) if not condition]
        sometimes = [
            {"for_each": f"${{{condition} ? [1] : []}}", "content": block}
            for block, condition in zip(blocks, conditions, strict=True)
            if condition
        ]
        if sometimes:
            del result[kind]
            result |= ({kind: always} if always else {}) | {"dynamic": {kind: sometimes}}
    return result


def count(name: str) -> str:
    """How many there are of a resource or data source with that short name."""
    return next(f"${{{condition} ? 1 : 0}}" for prefix, condition in SWITCHES if name.startswith(prefix))


def _blocks(blocks: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for kind, instances in sorted(blocks.items()):
        for body in instances.values():
            name = short_name(body["//"]["metadata"]["path"])
            kept = {key: value for key, value in body.items() if key not in {"//", "lifecycle"}}
            whole = switched(_named(renamed(kept, names)))
            result.setdefault(kind, {})[name] = {"count": count(name), **whole}
        result[kind] = dict(sorted(result[kind].items()))
    return result


def _named(value: Any) -> Any:
    """``value`` with the names that Terraform computes in place of the stand-ins."""
    if isinstance(value, dict):
        return {key: _named(inner) for key, inner in value.items()}
    if value == ["${local.secret_arn}"]:
        return "${local.secret_arns}"
    if value == ["sqs:SendMessage"]:
        return ["${local.failure_action}"]
    if isinstance(value, list):
        return [_named(inner) for inner in value]
    if isinstance(value, str):
        for stand_in, expression in sorted(NAMES.items(), key=lambda pair: -len(pair[0])):
            value = value.replace(stand_in, f"${{{expression}}}")
        if STAND_IN.stack in value:
            raise OutOfDate(f"{value!r}: a name that the module does not compute")
    return value

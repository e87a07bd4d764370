"""Short names for what CDKTF synthesized, and what references to it become in a module."""

import re
from collections.abc import Mapping
from typing import Any

REFERENCE = re.compile(r"\$\{((?:data\.)?aws_\w+)\.([\w-]+)\.(\w+)\}")

BROUGHT = {
    ("aws_kinesis_stream", "stream"): {"arn": "local.stream.arn", "name": "local.stream.name"},
    ("aws_s3_bucket", "lake_bucket"): {"arn": "local.bucket.arn", "bucket": "local.bucket.name"},
    ("aws_iam_role", "fetch_access_role"): {"arn": "local.function_role.arn"},
    ("aws_iam_role", "delivery_access_role"): {"arn": "local.delivery_role.arn"},
    ("aws_cloudwatch_log_group", "fetch_log_group"): {
        "arn": "local.function_log_group.arn",
        "name": "local.function_log_group.name",
    },
    ("aws_cloudwatch_log_group", "delivery_log_group"): {
        "arn": "local.delivery_log_group.arn",
        "name": "local.delivery_log_group.name",
    },
    ("aws_sqs_queue", "dead_letters_queue"): {
        "arn": "local.failure_destination.arn",
        "url": "local.failure_destination.url",
    },
}
"""What stands for an attribute of a resource that may be brought along."""


class OutOfDate(AssertionError):
    """When the constructs have changed so that the emitter would write something wrong."""


def short_name(path: str) -> str:
    """The name of a resource in the module, from its path in the tree of constructs.

    ``<stack>/pipeline/fetch/access/role`` becomes ``fetch_access_role``, and where a part only
    repeats the one above, as in ``stream/stream``, it is left out.
    """
    parts = path.split("/")[2:]
    distinct = [
        part for part, below in zip(parts, [*parts[1:], ""], strict=True) if not below.startswith(part)
    ]
    return "_".join(distinct).replace("-", "_")


def short_names(blocks: Mapping[str, Mapping[str, Any]], mode: str = "") -> dict[str, str]:
    """Short name by full address, ``aws_x.y`` or ``data.aws_x.y``.

    Args:
        blocks: Of one mode, by type and name.
        mode: ``data.`` or empty.

    Raises:
        OutOfDate: When two would have the same.
    """
    names: dict[str, str] = {}
    for kind, instances in blocks.items():
        for unique, body in instances.items():
            names[f"{mode}{kind}.{unique}"] = short_name(body["//"]["metadata"]["path"])
        mine = [name for address, name in names.items() if address.startswith(f"{mode}{kind}.")]
        if len(set(mine)) < len(mine):
            raise OutOfDate(f"two {kind} have the same short name: {sorted(mine)}")
    return names


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """``value`` with every reference in it rewritten for resources that may not be there.

    Args:
        value: Of a block, with whatever lies in it.
        names: Short name by full address.
    """
    if isinstance(value, dict):
        return {key: renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    if value in names:
        return f"{value.rpartition('.')[0]}.{names[value]}"
    return REFERENCE.sub(lambda match: f"${{{_reference(match[1], match[2], match[3], names)}}}", value)


def _reference(kind: str, unique: str, attribute: str, names: Mapping[str, str]) -> str:
    name = names[f"{kind}.{unique}"]
    return BROUGHT.get((kind, name), {}).get(attribute) or f"one({kind}.{name}[*].{attribute})"

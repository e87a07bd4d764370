"""From the synthesized JSON of a stack to the resources of a module, in pure steps."""

import re
from collections.abc import Mapping
from typing import Any

from ingestion_pipeline.settings.expressions import either_or_none
from ingestion_pipeline.settings.regions import MAPPING_TAGS
from tools.module.checks.source_tables import source_preconditions
from tools.module.counts import how_many
from tools.module.synthesis import Synthesis

REFERENCE = re.compile(r"\$\{(aws_\w+)\.([\w-]+)(\[each\.key\])?\.(\w+)\}")
TEXT = re.compile(rf'"{REFERENCE.pattern}"')
"""A reference as a string of its own within an expression."""
EVERY = re.compile(r"(?<![\w.{])(aws_\w+)\.([\w-]+)(?=[,)])")
"""All instances of a resource, as an argument of a function of Terraform's."""
FUNCTION = "aws_lambda_function.fetch_function"
ROLE_POLICY = "aws_iam_role_policy"
POLICIES = {"fetch_access_policy": "function_policy", "delivery_access_policy": "delivery_policy"}
"""The local value with what a role may do, by the policy; the outputs give it for roles that exist."""
OVERRIDES: dict[str, object] = {
    # The module's user chooses another zip by `package_path`, and says then what it was built for.
    f"{FUNCTION}.runtime": "${var.function_runtime}",
    f"{FUNCTION}.architectures": ["${var.function_architecture}"],
    f"{FUNCTION}.filename": "${local.package}",
    f"{FUNCTION}.source_code_hash": "${filebase64sha256(local.package)}",
    # A module has no second key for deleting data: its caller's own plan is reviewed.
    "aws_s3_bucket.lake_bucket.force_destroy": "${var.force_destroy}",
    "aws_lambda_event_source_mapping.trigger_mapping.tags": either_or_none(
        MAPPING_TAGS.is_in("${var.region}"), "${local.tags}"
    ),
    **{f"{ROLE_POLICY}.{policy}.policy": f"${{local.{local}}}" for policy, local in POLICIES.items()},
}
"""Values of the module that differ from the stack on purpose, by address and path."""

REMARKS = {
    "aws_s3_bucket.force_destroy": (
        "By default `terraform destroy` fails while there are records in the bucket. There is no "
        "`prevent_destroy`, because Terraform takes no variable there."
    ),
}
"""Comments on these values, by kind and argument."""

READ = {
    kind: {"current": {"count": "${var.enabled ? 1 : 0}"}} for kind in ("aws_caller_identity", "aws_region")
}
"""All that the module reads, for the validations of `account_id` and `region`; no resource refers to it."""


class OutOfDate(AssertionError):
    """When the constructs have changed so that the emitter would write something wrong."""


def main_tf(synthesis: Synthesis) -> dict[str, Any]:
    """The data sources and resources of the module, in Terraform's JSON.

    Raises:
        OutOfDate: When the constructs have changed so that this would come out wrong.
    """
    names = all_short_names(synthesis.config)
    if read := synthesis.config.get("data"):
        raise OutOfDate(
            f"the constructs read {sorted(read)}: a name that depends on it may change with anything"
        )
    result: dict[str, Any] = {"data": READ, "resource": _blocks(synthesis, names)}
    for path, value in OVERRIDES.items():
        replace_at(result["resource"], path, value)
    stored = result["resource"]["aws_s3_object"]["fetch_sources_object"]
    stored["lifecycle"] = {**stored["lifecycle"], "precondition": source_preconditions()}
    return result


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


def short_name(path: str) -> str:
    """The name of a resource in the module, from its path in the tree of constructs.

    ``<stack>/pipeline/fetch/access/role`` becomes ``fetch_access_role``, and where a part only
    repeats its neighbour, as in ``stream/stream`` and ``stream-gzip/stream``, it is left out.
    """
    parts = path.split("/")[2:]
    distinct = [
        part
        for above, part, below in zip(["", *parts], parts, [*parts[1:], ""], strict=False)
        if not below.startswith(part) and not above.startswith(f"{part}-")
    ]
    return "_".join(distinct).replace("-", "_")


def all_short_names(config: Mapping[str, Any]) -> dict[str, str]:
    """Short name of each resource by its full address, ``aws_x.y``.

    Raises:
        OutOfDate: When two would have the same.
    """
    names: dict[str, str] = {}
    for kind, instances in config["resource"].items():
        mine = {
            f"{kind}.{unique}": short_name(body["//"]["metadata"]["path"])
            for unique, body in instances.items()
        }
        if len(set(mine.values())) < len(mine):
            raise OutOfDate(f"two {kind} have the same short name: {sorted(mine.values())}")
        names |= mine
    return names


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """``value`` with every reference in it rewritten for resources that may not be there.

    Args:
        value: Value within a block.
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
    value = EVERY.sub(lambda found: f"{found[1]}.{names.get(found[0], found[2])}", value)
    value = TEXT.sub(lambda found: _reference(found, names), value)
    return REFERENCE.sub(lambda found: f"${{{_reference(found, names)}}}", value)


def made_expression(value: str, names: Mapping[str, str]) -> str:
    """The expression of an attribute of a part that the module makes."""
    return str(renamed(value, names)).removeprefix("${").removesuffix("}")


def _reference(found: re.Match[str], names: Mapping[str, str]) -> str:
    kind, unique, key, attribute = found.groups()
    address = f"{kind}.{names[f'{kind}.{unique}']}"
    return f"{address}{key}.{attribute}" if key else f"one({address}[*].{attribute})"


def _blocks(synthesis: Synthesis, names: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for kind, instances in sorted(synthesis.config["resource"].items()):
        for body in instances.values():
            path = body["//"]["metadata"]["path"]
            kept = {key: value for key, value in body.items() if key not in {"//", "count", "for_each"}}
            # Terraform takes no variable there: whether the bucket is protected is its caller's to say.
            if kept.get("lifecycle", {}).pop("prevent_destroy", None):
                kept = {key: value for key, value in kept.items() if key != "lifecycle" or value}
            blocks = result.setdefault(kind, {})
            blocks[short_name(path)] = renamed({**how_many(synthesis, path, body), **kept}, names)
        result[kind] = dict(sorted(result[kind].items()))
    return result

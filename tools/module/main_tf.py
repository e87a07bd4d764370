"""From the synthesized JSON of a stack to the resources of a module, in pure steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingestion_pipeline.resources.policies import Statement
from tools.module.addresses import OutOfDate, renamed, short_name, short_names
from tools.module.overrides import CONDITIONS, LOGGING, PLACES, SWITCHES, WITH_BUCKET_KEY
from tools.module.synthesis import NAMES, STAND_IN


def main_tf(config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of main.tf.json: what the module reads and makes, without provider and backend.

    Args:
        config: A stack's JSON, synthesized with references for settings.

    Raises:
        OutOfDate: When the constructs have changed so that this would come out wrong.
    """
    names = _short_names(config)
    result: dict[str, Any] = {
        "data": _blocks(config["data"], names),
        "resource": _blocks(config["resource"], names),
    }
    for (address, path), value in PLACES.items():
        replace_at(result["resource"], f"{address}.{path}", value)
    for document, statements in WITH_BUCKET_KEY.items():
        permit(result["data"]["aws_iam_policy_document"][document], statements)
    function = result["resource"]["aws_lambda_function"]["fetch_function"]
    function["dynamic"] = {"logging_config": [LOGGING]}
    result["data"]["aws_region"] = {"current": {"count": "${var.enabled ? 1 : 0}"}}
    return result


def output_values(config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Description and expression of the stack's own outputs, by name."""
    names = _short_names(config)
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


def permit(document: dict[str, Any], statements: Sequence[Statement]) -> None:
    """Add statements to a policy document, each under its condition."""
    blocks = [
        {"sid": each.sid, "effect": "Allow", "actions": [*each.actions], "resources": [*each.resources]}
        for each in statements
    ]
    more = switched({"statement": blocks})["dynamic"]["statement"]
    dynamic = document.setdefault("dynamic", {})
    dynamic["statement"] = [*dynamic.get("statement", []), *more]


def count(name: str) -> str:
    """How many there are of a resource or data source with that short name."""
    return next(f"${{{condition} ? 1 : 0}}" for prefix, condition in SWITCHES if name.startswith(prefix))


def _short_names(config: Mapping[str, Any]) -> dict[str, str]:
    return short_names(config["resource"]) | short_names(config["data"], "data.")


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

"""Reads a plan as ``terraform show -json`` writes it.

The format: https://developer.hashicorp.com/terraform/internals/json-format. Values are compared and not
kept, only the names of what changes, except for the number of a stream's shards.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion_pipeline.resources.capability import losses
from tools.plan.shard_steps import shard_steps

FORMAT = "1"
"""The major version of the format: another one has another meaning."""

ACTIONS = {
    ("create",): "add",
    ("update",): "change",
    ("delete",): "destroy",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("forget",): "forget",
}
# A replacement because of an argument has no words here: the argument is named.
REASONS = {
    "replace_because_cannot_update": "",
    "replace_because_tainted": "it is tainted",
    "replace_by_request": "`-replace` asks for it",
    "replace_by_triggers": "`replace_triggered_by` asks for it",
    "delete_because_no_resource_config": "no longer configured",
    "delete_because_wrong_repetition": "`count` or `for_each` came or went",
    "delete_because_count_index": "its index is beyond `count`",
    "delete_because_each_key": "its key is no longer in `for_each`",
    "delete_because_no_module": "its module is no longer called",
    "delete_because_no_move_target": "a `moved` block leads to nothing that is configured",
}
NO_CONSUMER = "**nothing consumes the queue any more: messages that wait in it expire**"
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]+")


class PlanError(ValueError):
    """When the text is no plan as ``terraform show -json`` writes it; not worth a retry."""


@dataclass(frozen=True)
class Change:
    """What a plan would do to one resource.

    Attributes:
        address: Its address in Terraform.
        kind: Its type, such as ``aws_s3_bucket``.
        actions: What is done, in order: ``import`` or ``move``, then one of `ACTIONS`. Alone stand
            ``defer``, which waits for a later plan, and ``drift``, which happened outside of Terraform.
        details: In Markdown: names of what changes or forces it, and reasons.
        deletes: Whether the object is deleted, so that what it holds is lost.
        shard_steps: Numbers of shards to apply one after the other, if AWS refuses to take one step.
    """

    address: str
    kind: str
    actions: tuple[str, ...]
    details: tuple[str, ...] = ()
    deletes: bool = False
    shard_steps: tuple[int, ...] = ()

    @property
    def loss(self) -> str:
        """The data that is lost by it, in words; empty if none is."""
        return losses().get(self.kind, "") if self.deletes else ""


@dataclass(frozen=True)
class Plan:
    """What applying a plan would do.

    Attributes:
        changes: Those that lose data first, then in the order of their addresses.
        outputs: Names of the outputs that change, by their action.
        applyable: Whether Terraform would apply it at all.
        complete: Whether nothing is left to plan once it is applied.
        errored: Whether Terraform failed while it planned; such a plan cannot be applied.
    """

    changes: tuple[Change, ...] = ()
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    applyable: bool = False
    complete: bool = True
    errored: bool = False


def read(text: str | bytes) -> Plan:
    """The plan in a text.

    Args:
        text: What ``terraform show -json FILE`` printed; bytes may be in any UTF.

    Raises:
        PlanError: When the text is anything else; names what it is, and how to make a plan.
    """
    try:
        return _plan(json.loads(text))
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        given = _other(text) or f"{type(error).__name__}: {error}"
        raise PlanError(
            f"this is no plan in JSON ({given}): write it by `terraform plan -out=FILE` and "
            "`terraform show -json FILE`"
        ) from error


def code(text: str) -> str:
    """The text as code that no character of it ends, also within a table of Markdown.

    Example:
        >>> code('aws_a.a["x|y"]')
        '<code>aws&#95;a.a&#91;&#34;x&#124;y&#34;&#93;</code>'
    """
    text = CONTROL_CHARACTERS.sub(" ", text)
    if not {"`", "|"} & set(text):
        return f"`{text}`"
    return f"<code>{''.join(c if c.isalnum() or c in ' .-' else f'&#{ord(c)};' for c in text)}</code>"


def _plan(document: Mapping[str, Any]) -> Plan:
    version = document["format_version"]
    if version.partition(".")[0] != FORMAT:
        raise ValueError(
            f"format_version = {version!r}: must be {FORMAT}.x, as Terraform 1.1 and newer write"
        )
    if "planned_values" not in document:
        raise ValueError("it has no planned_values")
    changes = [change for entry in document.get("resource_changes", []) for change in _change(entry)]
    changes += [change for entry in document.get("deferred_changes", []) for change in _deferred(entry)]
    outputs: dict[str, tuple[str, ...]] = {}
    for name, change in sorted(document.get("output_changes", {}).items()):
        for action in _words(change["actions"]):
            outputs[action] = (*outputs.get(action, ()), name)
    # Only the plan of -refresh-only has no list of resources. What Terraform noticed is then all that it
    # applies; otherwise it is told if something follows from it, as `terraform plan` does.
    if "resource_changes" not in document or changes or outputs:
        changes += [
            change for entry in document.get("resource_drift", []) for change in _drift(entry, document)
        ]
    return Plan(
        tuple(sorted(changes, key=lambda change: (not change.loss, change.address, change.actions))),
        outputs,
        applyable=document.get("applyable", False) is True,
        complete=document.get("complete", True) is True,
        errored=document.get("errored", False) is True,
    )


def _words(actions: list[str]) -> tuple[str, ...]:
    """One word for what Terraform says in one or two; none for nothing."""
    return () if actions == ["no-op"] else (ACTIONS.get(tuple(actions), "/".join(actions)),)


def _change(entry: Mapping[str, Any]) -> Iterator[Change]:
    change = entry["change"]
    previous, imported = entry.get("previous_address"), change.get("importing") is not None
    done = _words(change["actions"])
    actions = (*(["import"] if imported else []), *(["move"] if previous else []), *done)
    if entry["mode"] == "data" or not actions:
        return
    details = [f"from {code(previous)}"] if previous else []
    if "deposed" in entry:
        details.append(f"deposed object {code(entry['deposed'])}, left by an earlier replacement")
    if done == ("change",):
        details += [code(name) for name in _changed(change)]
    details += [f"because of {code('.'.join(map(str, path)))}" for path in change.get("replace_paths") or []]
    details += filter(None, [_reason(entry), _stranding(entry)])
    if done and "forget" in change["actions"]:
        details.append("leaves the state and is not deleted")
    steps = _shard_steps(change) if (entry["type"], done) == ("aws_kinesis_stream", ("change",)) else ()
    yield Change(
        entry["address"], entry["type"], actions, tuple(details), "delete" in change["actions"], steps
    )


def _stranding(entry: Mapping[str, Any]) -> str:
    """That a queue is no longer consumed, which destroys nothing and still loses what waits in it."""
    if entry["type"] != "aws_lambda_event_source_mapping":
        return ""
    before, after = (entry["change"].get(side) or {} for side in ("before", "after"))
    return NO_CONSUMER if before.get("enabled") is True and not after.get("enabled") else ""


def _reason(entry: Mapping[str, Any]) -> str:
    reason = str(entry.get("action_reason", ""))
    return REASONS.get(reason, reason.replace("_", " "))


def _deferred(entry: Mapping[str, Any]) -> Iterator[Change]:
    """What has to wait for another plan, because something is not known before this one is applied."""
    resource = entry["resource_change"]
    if resource["mode"] != "data":
        wanted = "/".join(_words(resource["change"]["actions"])) or "nothing"
        reason = entry["reason"].replace("_", " ")
        yield Change(resource["address"], resource["type"], ("defer",), (f"{wanted}: {reason}",))


def _drift(entry: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Change]:
    """What happened to a resource since Terraform last looked, if it matters to this plan."""
    change, address, previous = entry["change"], entry["address"], entry.get("previous_address")
    names = _changed(change)
    if "resource_changes" in document:
        relevant = {
            each["attribute"][0]
            for each in document.get("relevant_attributes", [])
            if each["resource"] == address and each["attribute"]
        }
        names = [name for name in names if name in relevant]
    deleted = change["actions"] == ["delete"]
    details = [f"from {code(previous)}"] if previous else []
    details += ["deleted outside of Terraform"] if deleted else map(code, names)
    if details:
        yield Change(address, entry["type"], ("drift",), tuple(details))


def _shard_steps(change: Mapping[str, Any]) -> tuple[int, ...]:
    """The steps of a stream's change; none if its number of shards stays or is AWS's own affair."""
    present, wanted = (
        (change.get(side) or {}).get("shard_count") or 0  # absent from an on-demand stream
        for side in ("before", "after")
    )
    return shard_steps(present, wanted) if present and wanted else ()


def _changed(change: Mapping[str, Any]) -> list[str]:
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    return sorted(
        name
        for name in {*before, *after, *unknown}
        if before.get(name) != after.get(name) or (unknown.get(name) and name not in after)
    )


def _other(text: str | bytes) -> str:
    """Names a text that is not a plan; empty if it cannot be recognised."""
    content = text.encode() if isinstance(text, str) else text
    if not content.strip():
        return "nothing was given"
    if content.startswith(b"PK"):
        return "the file of `terraform plan -out` itself"
    if content.startswith(b'{"@level"'):
        return "the log of `terraform plan -json`"
    try:
        keys = set(json.loads(content))
    except (ValueError, TypeError):
        return ""
    if "lineage" in keys:
        return "a state file"
    return "a state" if "values" in keys or keys == {"format_version"} else ""

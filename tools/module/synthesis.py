"""The constructs synthesized once, with references to variables where settings would stand."""

import json
from collections import defaultdict
from dataclasses import Field
from pathlib import Path
from typing import Any

from ingestion_pipeline.code.bundle import Target
from ingestion_pipeline.settings.file import TABLES
from ingestion_pipeline.settings.names import Names
from ingestion_pipeline.settings.rules import rule_of
from ingestion_pipeline.settings.tables import Settings
from tools.module.variables import settings_with_variable, variable_name

STAND_IN = Names("module", "name", "zz-stand-1")
"""Names are computed in Python from these, and afterwards replaced by what Terraform computes."""

STAND_INS: dict[str, object] = {
    "pipeline.name": STAND_IN.name,
    "pipeline.tags": {},
    "fetch.allowed_hosts": ("hosts.example",),
    "fetch.pack_kib": 997,
    "dead_letters.queue_retention_days": 13,
}
"""Values that constructs calculate with, which references would not survive."""

SOURCE_AUTH = "${local.secret_arn}"

NAMES = {
    STAND_IN.stream: "local.names.stream",
    STAND_IN.delivery_stream: "local.names.delivery_stream",
    STAND_IN.function: "local.names.function",
    STAND_IN.dead_letter_queue: "local.names.dead_letter_queue",
    STAND_IN.role("fetch"): "local.names.function_role",
    STAND_IN.role("delivery"): "local.names.delivery_role",
    STAND_IN.region: "local.region",
}
"""What Terraform computes, by stand-in."""

EITHER = {"lake.bucket_name": "${local.names.bucket}", "stream.kms_key": "${local.stream_kms_key}"}
"""References for settings that are not the only ones to say what they say."""

TAGS = "${local.tags}"


def synthesize(target: Target, output: Path) -> tuple[dict[str, Any], Path]:
    """The stack's JSON, with ``${var.…}`` and ``${local.…}`` for settings, and the function's zip.

    Args:
        target: What the zip is built for.
        output: Folder to synthesize into.

    Raises:
        BundleError: When the function's zip cannot be made.
    """
    config = stack_json(_settings(target), output, tags=TAGS)
    (package,) = output.glob("stacks/*/assets/**/*.zip")
    return config, package


def stack_json(settings: Settings, output: Path, *, tags: str = "") -> dict[str, Any]:
    """The JSON of the stack that the settings make.

    Args:
        settings: Of one environment.
        output: Folder to synthesize into.
        tags: What each resource that can carry tags is given as such, or empty.

    Raises:
        BundleError: When the function's zip cannot be made.
    """
    # Only now: this starts jsii's Node process.
    from cdktf import App

    from ingestion_pipeline.stack import IngestionStack

    app = App(outdir=str(output))
    stack = IngestionStack(app, "stack", settings=settings)
    for construct in stack.node.find_all() if tags else []:
        if hasattr(construct, "tags_input") and hasattr(construct, "add_override"):
            construct.add_override("tags", tags)
    app.synth()
    return json.loads((output / "stacks/stack/cdk.tf.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _settings(target: Target) -> Settings:
    tables: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, column in settings_with_variable():
        table, name = path.split(".")
        tables[table][name] = _given(path, column)
    tables["pipeline"]["region"] = STAND_IN.region
    tables["function"].update(runtime=target.runtime, architecture=target.architecture)
    if target.on_host:
        tables["function"].update(runtime="host", architecture="host")
    auth = {"kind": "bearer", "secret_arn": _text(SOURCE_AUTH)}
    source = {"name": "a", "url": "https://a.example", "auth": auth}
    made = {name: TABLES[name](**values) for name, values in tables.items()}
    return Settings(environment=STAND_IN.environment, sources=(source,), **made)  # type: ignore[arg-type]


def _given(path: str, column: Field[Any]) -> object:
    """What stands for a setting: a reference that CDKTF carries to where it belongs, if it can."""
    from cdktf import Token

    rule, reference = rule_of(column), f"${{var.{variable_name(path)}}}"
    if path in STAND_INS:
        return STAND_INS[path]
    reference = EITHER.get(path, reference)
    if rule.kind is int:
        return Token.as_number(reference)
    if rule.kind is bool:
        # What only true brings along is there to be switched.
        return path != "lake.delete_with_stack"
    return _text(reference)


def _text(reference: str) -> str:
    from cdktf import Token

    return Token.as_string(Token.as_any(reference))

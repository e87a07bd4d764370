"""The constructs synthesized once as a module, with references to variables where settings would stand."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any

from ingestion_pipeline.code.target import Target
from ingestion_pipeline.settings.existing import Existing, R
from ingestion_pipeline.settings.expressions import Condition, Unknown, unknown
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.names import Name, Names
from ingestion_pipeline.settings.references import QueueReference, Reference, StreamReference
from ingestion_pipeline.settings.rules import rule_of
from ingestion_pipeline.settings.settings import TABLES, Settings
from ingestion_pipeline.settings.sources.sources import ConfiguredSources
from tools.module.checks.existing_parts import PARTS, part_variable, without_form
from tools.module.variables import local_name, settings_with_variable, variable_name

KNOWN: dict[str, object] = {
    "pipeline.name": "module",
    "pipeline.tags": {},
    "pipeline.region": "us-east-1",
    "lake.bucket_name": "",
    "lake.delete_with_stack": False,
}
"""Settings that the constructs are given as they are; the module reads their variables elsewhere."""

TAGS = "${local.tags}"
MADE = "made-"
"""Prefix of the temporary outputs that refer to the attributes of a part that the module makes."""


@dataclass(frozen=True)
class Synthesis:
    """The constructs, synthesized with references.

    Attributes:
        config: The stack's JSON.
        package: The function's zip.
        parts: The paths of all constructs that are made unless a part exists, by the part.
        made: References to the attributes of a part that is made, by part and attribute.
        names: Every name, by its key.
    """

    config: dict[str, Any]
    package: Path
    parts: Mapping[str, frozenset[str]]
    made: Mapping[str, Mapping[str, str]]
    names: Mapping[str, Name]


class ModuleNames(Names):
    """Names that Terraform computes, each remembered when it is used."""

    used: dict[str, Name]

    def __init__(self) -> None:
        super().__init__("module", "name", "${var.region}")
        object.__setattr__(self, "used", {})

    @property
    def partition(self) -> str:
        """Computed by Terraform from the Region."""
        return "${local.partition}"

    def of(self, name: Name) -> str:
        """A reference to the name."""
        self.used[name.key] = name
        return f"${{local.names.{name.key}}}"

    def bucket(self, account_id: str) -> str:  # noqa: ARG002 - Terraform puts it in
        """A reference to the name."""
        return "${local.names.bucket}"


@dataclass(frozen=True, kw_only=True)
class ModuleSettings(Settings):
    """Settings whose names and sources only Terraform will know."""

    module_names: ModuleNames = field(default_factory=ModuleNames)

    @property
    def names(self) -> Names:
        """References."""
        return self.module_names

    @property
    def configured_sources(self) -> ConfiguredSources:
        """References."""
        return ConfiguredSources(in_terraform=True)


class ModuleExisting(Existing):
    """Has every part made, takes note of what that makes, and hands on references to local values."""

    def __init__(self, paths: Callable[[], frozenset[str]]) -> None:
        super().__init__()
        object.__setattr__(self, "paths", paths)
        object.__setattr__(self, "parts", {})
        object.__setattr__(self, "references", {})

    paths: Callable[[], frozenset[str]]
    parts: dict[str, frozenset[str]]
    references: dict[str, Reference]

    def use(self, name: str, make: Callable[[], R], form: Form = Form.LINES) -> R:
        """A reference to the part, whether it is made or exists."""
        before = self.paths()
        made = make()
        part = f"{name}{form.value}"
        self.parts[part] = self.paths() - before
        self.references[part] = made
        local = local_name(part)
        given: dict[str, Any] = {each: f"${{local.{local}.{each}}}" for each in part_attributes(part)}
        if "kms_key" in given:
            given["kms_key"] = f"${{local.{local_name(name)}_kms_key}}"
        if isinstance(made, StreamReference | QueueReference):
            given["other_kms_keys"] = made.other_kms_keys
        return type(made)(**given, in_terraform=True)

    def name_of(self, part: str, made: str) -> str:
        """The name in the variable if it is given."""
        variable = f"var.{part_variable(part)}"
        given = f"{variable}.name" if "name" in PARTS[part].in_module else f'split(":", {variable}.arn)[5]'
        return str(unknown(str, f"try({given}, {made.removeprefix('${').removesuffix('}')})"))

    def has(self, name: str) -> Condition:
        """True if the variable is given."""
        return Unknown(f"var.{part_variable(name)} != null")


def part_attributes(name: str) -> list[str]:
    """The attributes of a part that its user gives; a stream's packing is only checked, and is none."""
    return [each for each in PARTS[without_form(name)].in_module if each != "packing"]


def synthesize(target: Target, output: Path) -> Synthesis:
    """The stack, with ``${var.…}`` and ``${local.…}`` for settings, and the function's zip.

    Args:
        target: Runtime and architecture of the zip.
        output: Folder to synthesize into.

    Raises:
        BundleError: When the function's zip cannot be made.
    """
    from cdktf import App, TerraformOutput

    from ingestion_pipeline.outputs import all_outputs
    from ingestion_pipeline.pipeline import IngestionPipeline
    from ingestion_pipeline.stack import AwsStack

    settings = _settings(target)
    stack = AwsStack(App(outdir=str(output)), "stack", settings=settings, state_key="")
    existing = ModuleExisting(lambda: frozenset(each.node.path for each in stack.node.find_all()))
    pipeline = IngestionPipeline(stack, "pipeline", settings=settings, existing=existing)
    for each in all_outputs():
        TerraformOutput(stack, each.name, value=each.value(pipeline), description=each.meaning)
    for part, reference in existing.references.items():
        for name in part_attributes(part):
            TerraformOutput(stack, f"{MADE}{part}-{name}", value=getattr(reference, name))
    config = _written(stack, output, TAGS)
    outputs = config["output"]
    made: dict[str, dict[str, str]] = defaultdict(dict)
    for key in [key for key in outputs if key.startswith(MADE)]:
        part, _, name = key.removeprefix(MADE).rpartition("-")
        made[part][name] = outputs.pop(key)["value"]
    (package,) = output.glob("stacks/*/assets/**/*.zip")
    return Synthesis(config, package, existing.parts, made, settings.module_names.used)


def _written(stack: Any, output: Path, tags: str = "") -> dict[str, Any]:
    """The stack's JSON; each resource that can have tags has ``tags``, if there are any."""
    from ingestion_pipeline.pipeline import tag

    if tags:
        tag(stack, tags)
    stack.node.root.synth()
    return json.loads((output / "stacks/stack/cdk.tf.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _settings(target: Target) -> ModuleSettings:
    tables: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, column in settings_with_variable():
        table, name = path.split(".")
        tables[table][name] = _given(path, column)
    host = target.on_host
    tables["function"].update(
        runtime="host" if host else target.runtime, architecture="host" if host else target.architecture
    )
    tables["pipeline"]["allowed_account_ids"] = (unknown(str, "var.account_id"),)
    made: dict[str, Any] = {name: TABLES[name](**values) for name, values in tables.items()}
    return ModuleSettings(environment="name", **made)


def _given(path: str, column: Field[Any]) -> object:
    """The placeholder of a setting: a reference to its variable."""
    if path in KNOWN:
        return KNOWN[path]
    if path == "stream.kms_key":
        return unknown(str, "local.stream_kms_key")
    return unknown(rule_of(column).kind, f"var.{variable_name(path)}")

"""Writes a root module that takes over what a stack has deployed: ``make migration ENV=…``.

Its state is the stack's own. `moved` blocks give each resource its address in the module, so that Terraform
keeps the resource.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingestion_pipeline.outputs import all_outputs
from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.rules import default_of
from ingestion_pipeline.settings.settings import Settings
from tools.ground.ending import reported
from tools.ground.paths import OUTPUT, ROOT
from tools.ground.terraform import TerraformError, environment, run, synthesize
from tools.module.emit import NAME, TERRAFORM
from tools.module.hcl import literal, quoted
from tools.module.main_tf import short_name
from tools.module.variables import GROUPED, settings_with_variable, variable_name

GUIDE = "docs/moving-to-the-module.md"
CALL = "ingestion"
"""Name of the module in the root module."""

ACCOUNT = "${data.aws_caller_identity.current.account_id}"
"""The provider's account. In a root module it is known when Terraform plans."""

IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")
DECIDED_BY_THE_ZIP = {"function.runtime", "function.architecture"}


def write(variables: Mapping[str, str], dist: Path = ROOT / "dist") -> Path:
    """The folder that was written: main.tf and moved.tf for the environment in ``ENV``.

    Args:
        variables: All environment variables of the process.
        dist: Folder for the new folder, which also has the module's.

    Raises:
        TerraformError: When a setting cannot be used, or the stack has no state that could be taken over.
    """
    stack_folder = synthesize(variables, output=Path(variables.get("CDKTF_OUTDIR", OUTPUT)))
    settings = read(
        Path(variables.get("PIPELINE_TOML", ROOT / "pipeline.toml")), variables.get("ENV") or "dev"
    )
    if not settings.state.bucket:
        raise TerraformError(
            "state.bucket is not set: the module takes over the stack's state, so it must say where that lies"
        )
    stack = json.loads((stack_folder / "cdk.tf.json").read_text(encoding="utf-8"))
    folder = dist / f"migration-{settings.names.stack}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text(root_module(settings, f"../{NAME}"), encoding="utf-8")
    (folder / "moved.tf").write_text(moved(stack), encoding="utf-8")
    run(["fmt"], folder, variables, quiet=True)
    return folder


def root_module(settings: Settings, source: str) -> str:
    """The text of main.tf: the stack's backend, its provider, the module, and the stack's outputs."""
    backend = {
        "bucket": settings.state.bucket,
        "key": settings.state.key or settings.names.state_key,
        "region": settings.state.region or settings.pipeline.region,
        "encrypt": True,
        "use_lockfile": True,
    }
    accounts = settings.pipeline.allowed_account_ids
    provider = {"region": settings.pipeline.region} | ({"allowed_account_ids": accounts} if accounts else {})
    account = accounts[0] if len(accounts) == 1 else ACCOUNT
    call = {"source": source, "account_id": account, "region": settings.pipeline.region, **inputs(settings)}
    if settings.sources:
        call["sources"] = list(settings.sources)
    terraform = (
        f"  required_version = {quoted(TERRAFORM)}\n\n"
        '  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n\n'
        f'  backend "s3" {{\n{arguments(backend, 4)}  }}\n'
    )
    blocks = [
        f"terraform {{\n{terraform}}}\n",
        f'provider "aws" {{\n{arguments(provider)}}}\n',
        *([] if account != ACCOUNT else ['data "aws_caller_identity" "current" {}\n']),
        f'module "{CALL}" {{\n{arguments(call)}}}\n',
        *(
            f'output "{each.name}" {{\n  description = {quoted(each.meaning)}\n'
            f"  value = module.{CALL}.{each.name}\n}}\n"
            for each in all_outputs()
        ),
    ]
    return "\n".join(blocks)


def inputs(settings: Settings) -> dict[str, Any]:
    """Value by variable of the module, for every setting that is not at its default."""
    given: dict[str, Any] = {"environment": settings.environment}
    for path, column in settings_with_variable():
        table, name = path.split(".")
        value = getattr(getattr(settings, table), name)
        if path in DECIDED_BY_THE_ZIP or value == default_of(column):
            continue
        if table in GROUPED:
            given.setdefault(table, {})[name] = value
        else:
            given[variable_name(path)] = value
    return {"name": settings.pipeline.name} | given


def moved(stack: Mapping[str, Any]) -> str:
    """The text of moved.tf: each resource's address in the stack and in the module."""
    blocks = []
    for kind, instances in sorted(stack["resource"].items()):
        for unique, body in sorted(instances.items()):
            index = "" if "for_each" in body else "[0]"
            address = f"module.{CALL}.{kind}.{short_name(body['//']['metadata']['path'])}{index}"
            blocks.append(f"moved {{\n  from = {kind}.{unique}\n  to   = {address}\n}}\n")
    return "\n".join(blocks)


def arguments(values: Mapping[str, Any], indent: int = 2) -> str:
    """Lines ``name = value``, as a block has them."""
    return "".join(
        f"{' ' * indent}{_key(name)} = {expression(value, indent)}\n" for name, value in values.items()
    )


def expression(value: object, indent: int = 2) -> str:
    """A value in HCL; objects, and lists of them, over several lines."""
    space = " " * indent
    if isinstance(value, Mapping) and value:
        return f"{{\n{arguments(value, indent + 2)}{space}}}"
    if isinstance(value, list | tuple) and any(isinstance(inner, Mapping) for inner in value):
        lines = "".join(f"{space}  {expression(inner, indent + 2)},\n" for inner in value)
        return f"[\n{lines}{space}]"
    return ACCOUNT[2:-1] if value == ACCOUNT else literal(value)


def _key(name: str) -> str:
    return name if IDENTIFIER.fullmatch(name) else quoted(name)


def main() -> None:
    """Write the folder and say where it is."""
    with reported("migration", TerraformError):
        print(f"wrote {write(environment())}; {GUIDE} says what comes next")


if __name__ == "__main__":
    main()

"""Writes blocks.json from the locked AWS provider's schema; ``make docs`` runs it."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ingestion_pipeline.code.target import Target
from tools.ground.paths import ROOT
from tools.ground.terraform import LOCK, environment, init, run
from tools.module.main_tf import main_tf
from tools.module.syntax.blocks import TABLE
from tools.module.synthesis import synthesize

REQUIRED = 'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n    }\n  }\n}\n'


def table() -> str:
    """The text of blocks.json for the resources of the module, one kind a line.

    Raises:
        TerraformError: When the provider cannot be had.
    """
    with tempfile.TemporaryDirectory() as scratch:
        main = main_tf(synthesize(Target("python3.13", "arm64"), Path(scratch)))
    kinds = {"resource": main["resource"], "data source": main["data"]}
    blocks = _blocks(kinds)
    lines = ",\n".join(f" {json.dumps(kind)}: {json.dumps(blocks[kind])}" for kind in sorted(blocks))
    return f"{{\n{lines}\n}}\n"


def _blocks(kinds: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    schema = _schema()
    resources, data = schema["resource_schemas"], schema["data_source_schemas"]
    return {kind: _nested(resources[kind]["block"]) for kind in kinds["resource"]} | {
        f"data.{kind}": _nested(data[kind]["block"]) for kind in kinds["data source"]
    }


def _nested(block: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _nested(inner["block"]) for name, inner in sorted(block.get("block_types", {}).items())}


def _schema() -> dict[str, Any]:
    variables = environment()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "main.tf").write_text(REQUIRED, encoding="utf-8")
        shutil.copy(ROOT / LOCK, folder)
        init(folder, variables, quiet=True)
        schemas = json.loads(run(["providers", "schema", "-json"], folder, variables, quiet=True))
    (schema,) = schemas["provider_schemas"].values()
    return schema  # type: ignore[no-any-return]


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    print(f"wrote {TABLE.relative_to(ROOT)}")

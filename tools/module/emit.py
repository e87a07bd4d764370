"""Writes the module's folder, the same bytes from the same constructs."""

import json
import shutil
import tempfile
from pathlib import Path

from ingestion_pipeline.code.bundle import Target
from tools.docs.generate import with_parts
from tools.module import hcl
from tools.module.local_values import local_values, source_rules
from tools.module.main_tf import main_tf
from tools.module.outputs import outputs
from tools.module.readme import inputs_table, left_out_list, outputs_table, resources_table
from tools.module.synthesis import Synthesis, synthesize
from tools.module.terraform_tests import disabled_test, limits_test, names_test
from tools.module.variables import inputs
from tools.terraform import ROOT

NAME = "terraform-aws-ingestion-pipeline"
TERRAFORM = ">= 1.10.0"
TEMPLATES = Path(__file__).with_name("files")
EXAMPLES = ROOT / "examples" / "terraform"


def emit(folder: Path, target: Target) -> None:
    """Write the module to ``folder``, in place of whatever is there.

    Args:
        folder: The module's; made if missing.
        target: What the zip beside it is built for.

    Raises:
        BundleError: When the function's zip cannot be made.
        OutOfDate: When the constructs have changed so that the module would come out wrong.
    """
    with tempfile.TemporaryDirectory() as scratch:
        synthesis = synthesize(target, Path(scratch))
        shutil.rmtree(folder, ignore_errors=True)
        for source, place in ((TEMPLATES, folder), (EXAMPLES, folder / "examples")):
            shutil.copytree(source, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".terraform*"))
        shutil.copy(ROOT / "LICENSE", folder)
        shutil.copy(synthesis.package, folder / "lambda.zip")
        for name, text in texts(synthesis, target).items():
            (folder / name).write_text(text, encoding="utf-8")


def texts(synthesis: Synthesis, target: Target) -> dict[str, str]:
    """Every generated file, by its name.

    Args:
        synthesis: The constructs, with references for settings.
        target: What the zip beside the module is built for.
    """
    config, variables, main = synthesis.config, inputs(target), main_tf(synthesis)
    stated = outputs(config)
    parts = {
        "inputs": inputs_table(variables),
        "outputs": outputs_table(stated),
        "resources": resources_table(main),
        "left out": left_out_list(),
    }
    return {
        "main.tf.json": json.dumps(main, indent=2, ensure_ascii=False) + "\n",
        "locals.tf": hcl.locals_(local_values(synthesis)),
        "sources.tf": hcl.locals_([source_rules()]),
        "variables.tf": hcl.variables(variables),
        "outputs.tf": hcl.outputs(stated),
        "versions.tf": hcl.versions(TERRAFORM, config["terraform"]["required_providers"]["aws"]),
        "tests/limits.tftest.hcl": limits_test(variables),
        "tests/disabled.tftest.hcl": disabled_test(stated),
        "tests/names.tftest.hcl": names_test(main, synthesis.names),
        "README.md": with_parts((TEMPLATES / "README.md").read_text(encoding="utf-8"), parts),
    }

"""Writes the module's folder, the same bytes from the same constructs."""

import shutil
import tempfile
from pathlib import Path

from ingestion_pipeline.code.target import Target
from tools.docs.generate import with_parts
from tools.ground.paths import ROOT
from tools.ground.version import version
from tools.module import hcl, readme
from tools.module.capabilities import all_remarks, resource_files
from tools.module.local_values import local_values, source_rules
from tools.module.main_tf import main_tf
from tools.module.outputs import outputs
from tools.module.source_keys import source_keys
from tools.module.synthesis import Synthesis, synthesize
from tools.module.terraform_tests import disabled_test, limits_test, names_test
from tools.module.variables import inputs
from tools.module.versions import changelog, upgrade, usage, version_table

NAME = "terraform-aws-ingestion-pipeline"
TERRAFORM = ">= 1.10.0"
TEMPLATES = Path(__file__).with_name("files")
EXAMPLES = ROOT / "examples" / "terraform"


def emit(folder: Path, target: Target) -> None:
    """Write the module to ``folder``, in place of whatever is there.

    Args:
        folder: The module's; made if missing.
        target: Runtime and architecture of the zip.

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
        target: Runtime and architecture of the zip.
    """
    config, variables, main = synthesis.config, inputs(target), main_tf(synthesis)
    stated, provider = outputs(config), config["terraform"]["required_providers"]["aws"]
    aws = {f"[aws]({readme.PROVIDER})": provider["version"]}
    parts = {
        "usage": usage(NAME, version()),
        "version": version_table(NAME, version()),
        "requirements": readme.versions_table({"Terraform": TERRAFORM, **aws}),
        "providers": readme.versions_table(aws),
        "sources": source_keys(),
        "inputs": readme.inputs_table(variables),
        "outputs": readme.outputs_table(stated),
        "resources": readme.resources_table(main),
        "left out": readme.left_out_list(),
    }
    return {
        **resource_files(synthesis, main),
        "locals.tf": hcl.locals_(local_values(synthesis), all_remarks()),
        "sources.tf": hcl.locals_([source_rules()]),
        "variables.tf": hcl.variables(variables),
        "outputs.tf": hcl.outputs(stated),
        "versions.tf": hcl.versions(TERRAFORM, provider),
        "tests/limits.tftest.hcl": limits_test(variables),
        "tests/disabled.tftest.hcl": disabled_test(stated),
        "tests/names.tftest.hcl": names_test(main, synthesis.names),
        "CHANGELOG.md": changelog(),
        "UPGRADE.md": upgrade(),
        "README.md": with_parts((TEMPLATES / "README.md").read_text(encoding="utf-8"), parts),
    }

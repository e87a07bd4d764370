"""Runs Terraform, with the provider from a local mirror if there is one.

The user's own Terraform configuration is not changed: this one's is written to build/.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.ground.paths import BUILD, OUTPUT, ROOT

LOCK = ".terraform.lock.hcl"
PROVIDER = Path("registry.terraform.io", "hashicorp", "aws")

# Folders that Terraform searches by itself, which is also where packages install mirrors:
# https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
MIRROR_FOLDERS = (
    Path("~/.terraform.d/plugins"),
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
)


class TerraformError(RuntimeError):
    """When a command fails; its output was shown already or is in the message."""


def provider_mirror(
    variables: Mapping[str, str] = os.environ, folders: Iterable[Path] | None = None
) -> Path | None:
    """The folder of an unpacked provider mirror, or None for the public registry.

    Args:
        variables: If ``TF_PLUGIN_MIRROR`` is set, it is the folder.
        folders: Searched in this order otherwise; default: the usual ones, then every folder in /opt.

    Raises:
        TerraformError: When ``TF_PLUGIN_MIRROR`` names a folder without the AWS provider.
    """
    named = variables.get("TF_PLUGIN_MIRROR")
    if named:
        if not (Path(named) / PROVIDER).is_dir():
            raise TerraformError(
                f"TF_PLUGIN_MIRROR = {named}: has no {PROVIDER}; unset it to use the registry"
            )
        return Path(named).resolve()
    candidates = folders if folders is not None else [*MIRROR_FOLDERS, *sorted(Path("/opt").glob("*/"))]
    expanded = (folder.expanduser() for folder in candidates)
    return next((folder for folder in expanded if (folder / PROVIDER).is_dir()), None)


def configuration(mirror: Path) -> str:
    """A Terraform CLI configuration: the AWS provider from ``mirror``, any other from the registry."""
    return f"""disable_checkpoint = true
provider_installation {{
  filesystem_mirror {{
    path    = "{mirror}"
    include = ["hashicorp/aws"]
  }}
  direct {{
    exclude = ["hashicorp/aws"]
  }}
}}
"""


def additions(build: Path = BUILD) -> dict[str, str]:
    """The environment variables that Terraform, cdktf and jsii need in addition to the user's.

    Args:
        build: Folder for the CLI configuration; default: build/.
    """
    wanted = {
        "CHECKPOINT_DISABLE": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "PATH": os.pathsep.join(
            [
                str(ROOT / ".venv" / "bin"),
                str(ROOT / "node_modules" / ".bin"),
                os.environ.get("PATH", os.defpath),
            ]
        ),
    }
    mirror = provider_mirror()
    own = os.environ.get("TF_CLI_CONFIG_FILE", "")
    if mirror and (not Path(own).is_file() or os.environ.get("TF_PLUGIN_MIRROR")):
        wanted["TF_CLI_CONFIG_FILE"] = str(_write(build / "terraform.rc", configuration(mirror)))
        # `cdktf` asks the registry for checksums when it locks providers; a mirror has only its own.
        wanted["TF_CLI_ARGS_providers_lock"] = f"-fs-mirror={mirror}"
    return wanted


def _write(file: Path, text: str) -> Path:
    """The file, with that text, replaced in one step because other processes may be reading it."""
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as temporary:
            temporary.write(text)
        Path(temporary.name).replace(file)
    return file


def environment(extra: Mapping[str, str] | None = None, build: Path = BUILD) -> dict[str, str]:
    """All environment variables for a Terraform or cdktf process.

    Args:
        extra: Added last, such as the endpoint and credentials of a local AWS; default: none.
        build: Folder for the CLI configuration; default: build/.
    """
    variables = {**os.environ, **additions(build), **(extra or {})}
    configured = variables.get("TF_CLI_CONFIG_FILE")
    if configured and not Path(configured).exists():
        # Terraform would print a warning with every command.
        del variables["TF_CLI_CONFIG_FILE"]
    return variables


def init(folder: Path, variables: Mapping[str, str], *options: str, quiet: bool = False) -> None:
    """Run ``terraform init`` in a stack's folder.

    Args:
        folder: The stack's folder.
        variables: All environment variables of the process.
        *options: Further options, such as ``-reconfigure``.
        quiet: Whether to show the output only if it fails; default: no.

    Raises:
        TerraformError: When it fails.
    """
    mirror, lock = provider_mirror(variables), folder / LOCK
    version = (
        re.search(r'version\s*=\s*"([0-9.]+)"', lock.read_text(encoding="utf-8")) if lock.exists() else None
    )
    if mirror and version and not (mirror / PROVIDER / version[1]).is_dir():
        # The mirror cannot provide the locked version, so lock the one that it has.
        lock.unlink()
        run(["providers", "lock"], folder, variables, quiet=True)
    run(["init", "-input=false", *options], folder, variables, quiet=quiet)


def run(
    arguments: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None, *, quiet: bool = False
) -> str:
    """The output of ``terraform`` if ``quiet``; otherwise empty, because the output is shown at once.

    Args:
        arguments: Subcommand and options.
        folder: Working directory: a stack's folder.
        variables: All environment variables; default: `environment()`.
        quiet: Whether to show the output only if it fails; default: no.

    Raises:
        TerraformError: When it fails; the message ends with the output if ``quiet``.
    """
    done = subprocess.run(
        ["terraform", *arguments],
        cwd=folder,
        env=variables if variables is not None else environment(),
        check=False,
        text=True,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if done.returncode:
        output = f":\n{done.stdout}" if quiet else ""
        raise TerraformError(f"`terraform {' '.join(arguments)}` failed in {folder}{output}")
    return done.stdout or ""


def managed_resources(folder: Path, variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The resources in the state, by address, each with its attributes; data sources are left out.

    Args:
        folder: The stack's, initialized.
        variables: All variables of the process.

    Raises:
        TerraformError: When the state cannot be read.
    """
    state = json.loads(run(["show", "-json"], folder, variables, quiet=True))
    resources = state.get("values", {}).get("root_module", {}).get("resources", [])
    return {each["address"]: each["values"] for each in resources if each["mode"] == "managed"}


def synthesize(variables: Mapping[str, str], *, what: str = "pipeline", output: Path = OUTPUT) -> Path:
    """Folder of the stack, after main.py has written it.

    Args:
        variables: Environment variables; ``ENV`` is the environment of pipeline.toml.
        what: ``pipeline``, or ``state`` for the bucket of Terraform's state; default: ``pipeline``.
        output: Folder that main.py writes to; default: cdktf.out.

    Raises:
        TerraformError: When main.py fails, for instance because a setting is not allowed; it prints why.
    """
    command = [sys.executable, str(ROOT / "main.py"), what]
    done = subprocess.run(command, env={**variables, "CDKTF_OUTDIR": str(output)}, check=False)
    if done.returncode:
        raise TerraformError("main.py failed; its message is above")
    stacks = json.loads((output / "manifest.json").read_text(encoding="utf-8"))["stacks"]
    (stack,) = stacks.values()
    return output / str(stack["workingDirectory"])


if __name__ == "__main__":
    for name, value in additions().items():
        print(f"export {name}={shlex.quote(value)}")

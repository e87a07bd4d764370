"""Terraform as this project runs it: with the provider from a local mirror if there is one.

Nothing of the user's is touched: the CLI configuration is written below build/.
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

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
OUTPUT = ROOT / "cdktf.out"
LOCK = ".terraform.lock.hcl"
PROVIDER = Path("registry.terraform.io", "hashicorp", "aws")

# Where Terraform looks by itself, and where packagers put mirrors:
# https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
PLACES = (
    Path("~/.terraform.d/plugins"),
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
)


class TerraformError(RuntimeError):
    """When a Terraform command fails; its own output has already been shown or is in the message."""


def provider_mirror(
    variables: Mapping[str, str] = os.environ, places: Iterable[Path] | None = None
) -> Path | None:
    """The folder of an unpacked provider mirror, or None for the public registry.

    Args:
        variables: ``TF_PLUGIN_MIRROR`` names the folder outright.
        places: Where to look otherwise; the usual ones and every folder right below /opt.

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
    candidates = places if places is not None else [*PLACES, *sorted(Path("/opt").glob("*/"))]
    found = (place.expanduser() for place in candidates)
    return next((place for place in found if (place / PROVIDER).is_dir()), None)


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
    """The variables that Terraform, cdktf and jsii need on this machine, beside the user's own."""
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
        # cdktf locks providers for the registry's checksums; a mirror has only its own.
        wanted["TF_CLI_ARGS_providers_lock"] = f"-fs-mirror={mirror}"
    return wanted


def _write(file: Path, text: str) -> Path:
    """``file`` with that text, never half of it: other processes may be reading it."""
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as unfinished:
            unfinished.write(text)
        Path(unfinished.name).replace(file)
    return file


def environment(extra: Mapping[str, str] | None = None, build: Path = BUILD) -> dict[str, str]:
    """All variables for a Terraform or cdktf process.

    Args:
        extra: What comes on top, such as a local AWS's endpoint and credentials.
        build: Where the CLI configuration is written.
    """
    variables = {**os.environ, **additions(build), **(extra or {})}
    configured = variables.get("TF_CLI_CONFIG_FILE")
    if configured and not Path(configured).exists():
        # Terraform would warn in every output.
        del variables["TF_CLI_CONFIG_FILE"]
    return variables


def init(folder: Path, variables: Mapping[str, str], *options: str, quiet: bool = False) -> None:
    """Make a stack's folder ready for plan and apply.

    Args:
        folder: The stack's.
        variables: All variables of the process.
        *options: Of ``terraform init``, such as ``-reconfigure``.
        quiet: As for `run`.

    Raises:
        TerraformError: When it fails.
    """
    mirror, lock = provider_mirror(variables), folder / LOCK
    version = (
        re.search(r'version\s*=\s*"([0-9.]+)"', lock.read_text(encoding="utf-8")) if lock.exists() else None
    )
    if mirror and version and not (mirror / PROVIDER / version[1]).is_dir():
        # A mirror with another version is the choice of whoever made it.
        lock.unlink()
        run(["providers", "lock"], folder, variables, quiet=True)
    run(["init", "-input=false", *options], folder, variables, quiet=quiet)


def run(
    arguments: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None, *, quiet: bool = False
) -> str:
    """What ``terraform arguments`` printed if ``quiet``, else nothing, for it was shown as it came.

    Args:
        arguments: Subcommand and options.
        folder: Where it runs: a stack's folder.
        variables: All its variables; `environment()` if None.
        quiet: Whether to keep the output back unless it fails.

    Raises:
        TerraformError: When it fails; ends with what it printed if ``quiet``.
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
        said = f":\n{done.stdout}" if quiet else ""
        raise TerraformError(f"`terraform {' '.join(arguments)}` failed in {folder}{said}")
    return done.stdout or ""


def synthesize(variables: Mapping[str, str], *, what: str = "pipeline", output: Path = OUTPUT) -> Path:
    """The folder of the stack that main.py wrote.

    Args:
        variables: With ``ENV``, the environment of pipeline.toml.
        what: ``pipeline``, or ``state`` for the state's bucket.
        output: Where main.py writes.

    Raises:
        TerraformError: When a setting cannot be used; main.py has said which.
    """
    command = [sys.executable, str(ROOT / "main.py"), what]
    done = subprocess.run(command, env={**variables, "CDKTF_OUTDIR": str(output)}, check=False)
    if done.returncode:
        raise TerraformError("main.py made nothing; what is wrong stands above")
    stacks = json.loads((output / "manifest.json").read_text(encoding="utf-8"))["stacks"]
    (stack,) = stacks.values()
    return output / str(stack["workingDirectory"])


if __name__ == "__main__":
    for name, value in additions().items():
        print(f"export {name}={shlex.quote(value)}")

"""Synthesizes the pipeline of one environment as Terraform JSON: ``python main.py``, or through ``cdktf``.

``ENV`` chooses the environment of pipeline.toml, ``dev`` if it is not set. ``python main.py state``
synthesizes the stack of the state's bucket instead, for ``make bootstrap``.
"""

import gc
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STACKS = ("pipeline", "state")
LOCK = ROOT / ".terraform.lock.hcl"
VENV_PYTHON = VENV / "bin" / "python"
NEEDED = ("cdktf", "cdktf_cdktf_provider_aws", "deflate", "jsonschema")

# Nearly all objects of this short program live to its end, so garbage collection finds nothing. It would
# take 0.1 s, and so would the last collection when Python exits: gc.freeze() below avoids that one.
gc.disable()

# cdktf.json runs any python3. If that one lacks a dependency, use the checkout's virtual environment.
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    # Compare prefixes: the executable of a virtual environment is a link to the Python that created it.
    if not VENV_PYTHON.exists() or Path(sys.prefix).samefile(VENV):
        sys.exit(f"main.py: {missing[0]} is not installed: run `make synth` once, or `pipenv sync --dev`")
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])  # noqa: S606 - the same program, another Python

# constructs/ is a source root: the name `constructs` must stay that of the PyPI package.
sys.path.insert(0, str(ROOT / "constructs"))
# The cdktf command needs Node 20 or 22. jsii prints a banner about their age unless told not to.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from ingestion_pipeline import synth_speed  # noqa: E402

# Before the other imports: Node takes longer to start than Python takes to read the settings.
synth_speed.start()

from ingestion_pipeline.code.target import BundleError  # noqa: E402
from ingestion_pipeline.settings.file import read  # noqa: E402
from ingestion_pipeline.settings.rules import SettingsError  # noqa: E402


def main(what: str = "pipeline") -> None:
    """Write the stack's Terraform JSON into ``CDKTF_OUTDIR``; default: cdktf.out.

    Args:
        what: Which stack: ``pipeline``, or ``state`` for the bucket of Terraform's state.

    Raises:
        SystemExit: When a setting is not allowed or the zip cannot be built; stderr lists every mistake.
    """
    if what not in STACKS:
        sys.exit(f"main.py: {what!r} is no stack; there are {' and '.join(STACKS)}")
    environment = os.environ.get("ENV") or "dev"
    try:
        settings = read(Path(os.environ.get("PIPELINE_TOML", ROOT / "pipeline.toml")), environment)
    except SettingsError as error:
        sys.exit(str(error))
    for warning in settings.warnings():
        print(f"main.py: warning: {warning}", file=sys.stderr)
    # Not at the top: this waits for Node, which wrong settings do not need.
    from cdktf import App

    from ingestion_pipeline.stack import IngestionStack, StateStack

    # cdktf passes the context in a variable, but only when cdktf runs this file.
    context = json.loads((ROOT / "cdktf.json").read_text(encoding="utf-8"))["context"]
    output = Path(os.environ.get("CDKTF_OUTDIR", ROOT / "cdktf.out"))
    output.mkdir(parents=True, exist_ok=True)
    app = App(outdir=str(output), context=context)
    try:
        if what == "state":
            StateStack(app, f"{settings.names.stack}-state", settings=settings)
        else:
            IngestionStack(app, settings.names.stack, settings=settings)
    except BundleError as error:
        sys.exit(str(error))
    app.synth()
    if "CDKTF_OUTDIR" not in os.environ:
        print(*(f"wrote {each}" for each in sorted(output.glob("stacks/*/cdk.tf.json"))), sep="\n")
    # Lock the provider by its checksums, unless `terraform init -upgrade` has locked another version.
    for stack in (output / "stacks").iterdir():
        if not (stack / LOCK.name).exists():
            shutil.copy(LOCK, stack)


if __name__ == "__main__":
    main(*sys.argv[1:])
    gc.freeze()

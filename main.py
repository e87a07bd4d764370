"""Synthesizes the pipeline of one environment into Terraform: ``python main.py``, or through ``cdktf``.

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

# The program is short, and makes thousands of classes that stay: looking for garbage among them is
# in vain, and at its end (below) takes another 0.2 s.
gc.disable()

# cdktf.json calls any python3; the one that has the dependencies may be the checkout's own.
if importlib.util.find_spec("cdktf") is None:
    # By prefix: a virtual environment's executable is a link to the very Python that it was made with.
    if not VENV_PYTHON.exists() or Path(sys.prefix).samefile(VENV):
        sys.exit("main.py: cdktf is not installed: run `make synth` once, or `pipenv sync --dev`")
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])  # noqa: S606 - the same program, another Python

# A source root, not a package: `constructs` must stay the PyPI package.
sys.path.insert(0, str(ROOT / "constructs"))
# Node 20 and 22 are what the CDKTF command line runs on; jsii's banner offers no other way out.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from ingestion_pipeline import synth_speed  # noqa: E402

# First of all: Node takes longer to start than Python to read the settings.
synth_speed.start()

from ingestion_pipeline.code.bundle import BundleError  # noqa: E402
from ingestion_pipeline.settings.file import read  # noqa: E402
from ingestion_pipeline.settings.rules import SettingsError  # noqa: E402


def main(what: str = "pipeline") -> None:
    """Write the stack's Terraform JSON into cdktf.out, or where ``CDKTF_OUTDIR`` says.

    Raises:
        SystemExit: When a setting cannot be used or the zip not be made; stderr has everything that is wrong.
    """
    if what not in STACKS:
        sys.exit(f"main.py: {what!r} is no stack; there are {' and '.join(STACKS)}")
    environment = os.environ.get("ENV") or "dev"
    try:
        settings = read(Path(os.environ.get("PIPELINE_TOML", ROOT / "pipeline.toml")), environment)
    except SettingsError as error:
        sys.exit(str(error))
    # Only now: this starts jsii's Node process.
    from cdktf import App

    from ingestion_pipeline.stack import IngestionStack, StateStack

    # cdktf hands the context over only when it runs this file; by hand it has to be read.
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
    # The same provider everywhere, by its checksums; one that `terraform init -upgrade` chose stays.
    for stack in (output / "stacks").iterdir():
        if not (stack / LOCK.name).exists():
            shutil.copy(LOCK, stack)


if __name__ == "__main__":
    main(*sys.argv[1:])
    gc.freeze()

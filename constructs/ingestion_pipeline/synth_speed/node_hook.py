"""Two ways to run node_hook.js in jsii's Node before it loads the bindings.

The slow index is a known problem: https://github.com/hashicorp/terraform-cdk/issues/3753.
"""

import json
import os
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FILE = Path(__file__).with_suffix(".js")


def start_with(provider: Any) -> None:
    """Start Node so that it runs the hook before its own program."""
    from jsii._kernel.types import StatsRequest

    hook = json.dumps(str(FILE), ensure_ascii=False)
    options = os.environ.get("NODE_OPTIONS", "")
    added = {"NODE_OPTIONS": f"{options} --require {hook}".strip(), "NODE_PRESERVE_SYMLINKS": "1"}
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        # Any request starts it.
        provider.stats(StatsRequest())
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def load(provider: Any) -> None:
    """Load the hook into a Node that is already running, as a tiny package, which is how jsii loads code."""
    # Not at the top: `start_with` does not need them, and each import delays Node's start.
    import io
    import tarfile

    from jsii._kernel.types import LoadRequest

    name, version = "ingestion-pipeline-hook", "1.0.0"
    about = {
        "name": name,
        "version": version,
        "license": "Apache-2.0",
        "description": name,
        "homepage": name,
        "repository": {"type": "git", "url": name},
        "author": {"name": name, "roles": ["author"]},
    }
    assembly = {**about, "schema": "jsii/0.10.0", "jsiiVersion": "5.0.0", "fingerprint": "*", "types": {}}
    # Read as a resource: this package may be within a zip.
    hook = resources.files(__package__).joinpath(FILE.name)
    files = {
        "package.json": json.dumps({**about, "main": FILE.name}),
        ".jsii": json.dumps(assembly),
        FILE.name: hook.read_text(encoding="utf-8"),
    }
    with TemporaryDirectory() as folder:
        # Not gzip, whose timestamp would make a new entry in jsii's cache each time.
        tarball = Path(folder, f"{name}.tar")
        with tarfile.open(tarball, "w") as archive:
            for path, text in files.items():
                entry = tarfile.TarInfo(f"package/{path}")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        provider.load(LoadRequest(name=name, version=version, tarball=str(tarball)))

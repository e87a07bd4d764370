"""The bytecode of the zip's modules; without it, compiling them is a third of the function's start.

It is made by a pinned CPython and by no Python of this machine: releases of one minor version compile
differently (3.12.1 and 3.12.7 two modules in three), and the zip must have the same bytes everywhere. Pyodide
is that CPython, built for WebAssembly, which any machine runs. It comes from npm and runs in Node.js; CDKTF
needs both anyway. Every release of a minor version loads what another one compiled.
"""

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from ingestion_pipeline.code.target import BundleError

TASK_ROOT = PurePosixPath("/var/task")
"""Where Lambda unpacks the zip."""


@dataclass(frozen=True)
class Compiler:
    """A release of Pyodide on npm.

    Args:
        version: Its version there.
        sha512: Hash of its archive, in base64, as npm shows it (``npm view pyodide@… dist.integrity``).
    """

    version: str
    sha512: str


COMPILERS = {
    "python3.11": Compiler(
        "0.25.1", "y0nJ/fLA3bxD2iZRzvVTbP2O+wp4Ewm2wThfV4HF0BytQ6hsoqTJFLNY4usLOcCVBrK8TTWqFqrmsVPzHe4rsw=="
    ),
    "python3.12": Compiler(
        "0.27.7", "RUSVJlhQdfWfgO9hVHCiXoG+nVZQRS5D9FzgpLJ/VcgGBLSAKoPL8kTiOikxbHQm1kRISeWUBdulEgO26qpSRA=="
    ),
    "python3.13": Compiler(
        "0.29.5", "TkYrUv9m8QmfImADKRmpwZulL48E0uUaBSO+dvRQKyAJc0qh9gu7jn8btyHPh3NZm1r2IH2YrJhIr7Q2B9urAw=="
    ),
}
"""By Lambda's runtime; each has that minor version."""

_FILES = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "pyodide-lock.json", "python_stdlib.zip")
_PROGRAM = Path(__file__).with_name("compiling.py")


def compiled(modules: Mapping[str, bytes], runtime: str, cache: Path) -> dict[str, bytes]:
    """The bytecode of each module, by the module's name within the zip.

    Args:
        modules: Source by name within the zip.
        runtime: Lambda's name of it, a key of ``COMPILERS``.
        cache: Folder where the compiler is kept, and the bytecode of each module: one that has not
            changed is not compiled again.

    Raises:
        BundleError: When the compiler cannot be had or does not run; worth a retry if the network was the
            reason.
    """
    compiler = COMPILERS[runtime]
    folder = cache.resolve() / f"bytecode-{compiler.version}"
    kept = {
        name: folder / hashlib.sha256(name.encode() + b"\0" + data).hexdigest()
        for name, data in modules.items()
    }
    missing = {name: data for name, data in modules.items() if not kept[name].exists()}
    made = _compile(missing, compiler, cache) if missing else {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        # Whoever reads meanwhile finds the whole file or none.
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as unfinished:
            unfinished.write(data)
        Path(unfinished.name).replace(kept[name])
    return {name: path.read_bytes() for name, path in kept.items()}


def _compile(modules: Mapping[str, bytes], compiler: Compiler, cache: Path) -> dict[str, bytes]:
    program = _folder(compiler, cache)
    sources = {str(TASK_ROOT / name): base64.b64encode(data).decode() for name, data in modules.items()}
    command = ["node", str(_PROGRAM.with_suffix(".mjs")), str(program), str(_PROGRAM)]
    failure = f"the function was not compiled; if {program} is damaged, remove it."
    made = json.loads(_run(command, failure, given=json.dumps(sources)))
    return {name: base64.b64decode(made[str(TASK_ROOT / name)]) for name in modules}


def _folder(compiler: Compiler, cache: Path) -> Path:
    """Where the compiler lies, fetched if it does not yet."""
    folder = cache.resolve() / f"pyodide-{compiler.version}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
            archive = _fetch(compiler, Path(unfinished))
            _unpack(archive, Path(unfinished, "package"))
            try:
                Path(unfinished, "package").rename(folder)
            except OSError:
                # Another process was faster.
                if not folder.exists():
                    raise
    return folder


def _fetch(compiler: Compiler, folder: Path) -> Path:
    """Pyodide's archive, from the registry that npm is set up with."""
    package = f"pyodide@{compiler.version}"
    options = ["--pack-destination", str(folder), "--prefer-offline", "--loglevel=error"]
    failure = f"npm could not get {package}, which compiles the function; is its registry reachable?"
    _run(["npm", "pack", package, *options], failure)
    archive = folder / f"pyodide-{compiler.version}.tgz"
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != compiler.sha512:
        raise BundleError(
            f"{package} from npm's registry is another file: its SHA-512 is {digest}, not {compiler.sha512}; "
            "`npm config get registry` says where it came from"
        )
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    """Put what is needed of Pyodide into ``folder``."""
    folder.mkdir()
    with tarfile.open(archive) as files:
        for name in _FILES:
            content = cast("IO[bytes]", files.extractfile(f"package/{name}"))
            (folder / name).write_bytes(content.read())


def _run(command: list[str], failure: str, *, given: str = "") -> str:
    """The output of a command."""
    try:
        # In an empty folder npm meets no project's settings or workspaces.
        with tempfile.TemporaryDirectory() as nowhere:
            return subprocess.run(
                command, cwd=nowhere, input=given, check=True, capture_output=True, text=True
            ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise BundleError(f"{failure} {command[0]} said:\n{said.strip()}") from error

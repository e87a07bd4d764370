"""The function's zip, the same bytes on every machine: a source root and its pinned wheels.

Entries are sorted and have one fixed time and mode, and caches are left out. Bytecode comes from a pinned
compiler, and compression is a pinned libdeflate, because the bytes of zlib differ between its builds. So the
zip's SHA-256 changes if and only if what runs changes, and a fresh clone plans nothing.
"""

import base64
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ingestion_pipeline.code.bytecode import COMPILERS, compiled
from ingestion_pipeline.code.target import Target
from ingestion_pipeline.code.wheels import wanted, wheel_files
from ingestion_pipeline.code.zip_file import write_zip

FORMAT = "4"
"""Part of the cache's key; raise it when the same inputs are to give other bytes."""


@dataclass(frozen=True)
class Bundle:
    """A zip that is ready to deploy.

    Attributes:
        path: Absolute.
        sha256: Base64 of the SHA-256 of its bytes, as AWS reports it (``CodeSha256``).
    """

    path: Path
    sha256: str


def build(root: Path, target: Target, cache: Path) -> Bundle:
    """The zip of ``root``, made now or taken from ``cache`` if nothing changed.

    Args:
        root: Source root: its packages, and ``requirements.txt`` with hashes for the wheels.
        target: Where it will run.
        cache: Folder for wheels and zips; made if missing, safe to delete.

    Raises:
        BundleError: When a wheel or the compiler cannot be had; worth a retry if the network was the reason.
    """
    sources = source_files(root)
    requirements = root / "requirements.txt"
    inputs = (FORMAT, target, COMPILERS[target.runtime], requirements.read_bytes(), sorted(sources.items()))
    key = hashlib.sha256(repr(inputs).encode())
    path = cache.resolve() / f"{root.name}-{target.runtime}-{target.architecture}-{key.hexdigest()[:16]}.zip"
    if not path.exists():
        with _locked(path):
            if not path.exists():
                files = _with_bytecode(sources, wheel_files(requirements, target), target.runtime, cache)
                cache.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_suffix(f".{os.getpid()}")
                unfinished.write_bytes(write_zip(files))
                unfinished.replace(path)
    return Bundle(path, base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time make the zip ``path``, so that the others find it made."""
    try:
        import fcntl
    except ImportError:  # Windows: each process makes the zip for itself
        yield
        return
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    # Not in the cache, which holds finished files only. A lock ends with its process, however that ends.
    with Path(tempfile.gettempdir(), f"ingestion-pipeline-{os.getuid()}-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def source_files(root: Path) -> dict[str, bytes]:
    """Content by name within the zip, of every file in the packages below ``root``."""
    files = [
        path for path in root.glob("*/**/*") if path.is_file() and wanted(path.relative_to(root).as_posix())
    ]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def _with_bytecode(
    sources: Mapping[str, bytes], wheels: Mapping[str, bytes], runtime: str, cache: Path
) -> dict[str, bytes]:
    """The zip's files: beside each module its bytecode.

    A Python that does not take the bytecode, because Lambda's has moved on, compiles the module instead.
    """
    files = {**wheels, **sources}
    modules = {name: data for name, data in files.items() if name.endswith(".py")}
    tag = runtime.removeprefix("python").replace(".", "")
    for name, bytecode in compiled(modules, runtime, cache).items():
        path = PurePosixPath(name)
        files[str(path.parent / "__pycache__" / f"{path.stem}.cpython-{tag}.pyc")] = bytecode
    return files

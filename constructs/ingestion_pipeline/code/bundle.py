"""The function's zip, the same bytes on every machine: a source root and its pinned wheels.

Entries are sorted and have one fixed time and mode, caches are left out, and compression is a
pinned libdeflate, because the bytes of zlib differ between its builds. So the zip's SHA-256
changes if and only if what runs changes, and a fresh clone plans nothing.
"""

import base64
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingestion_pipeline.code.zip_file import write_zip

FORMAT = "1"
"""Part of the cache's key; raise it when the same inputs are to give other bytes."""

LEFT_OUT_FOLDERS = {"__pycache__", "tests"}
LEFT_OUT_SUFFIXES = (".pyc", ".pyi", ".pyx", ".c", "/py.typed", ".dist-info/RECORD")
LEFT_OUT_PREFIXES = ("isal/igzip.", "isal/igzip_threaded.", "isal/isal_zlib.")
"""Modules of wheels that nothing here imports; together they are 7 % of the zip."""

# glibc of each runtime's system: 2.26 on Amazon Linux 2, 2.34 on Amazon Linux 2023.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
GLIBC = {"python3.11": ("2014", "_2_17", "_2_24"), "python3.12": ("2014", "_2_17", "_2_28", "_2_34")}
GLIBC["python3.13"] = GLIBC["python3.12"]


class BundleError(RuntimeError):
    """When the zip cannot be made: a wheel is missing, does not match its hash, or there is no network."""


@dataclass(frozen=True)
class Target:
    """Where the zip will run.

    Attributes:
        runtime: Lambda's name, such as ``python3.13``.
        architecture: ``arm64`` or ``x86_64``.
        on_host: Whether it is this machine, whose own wheels are taken.
    """

    runtime: str
    architecture: str
    on_host: bool = False

    @classmethod
    def of(cls, runtime: str, architecture: str) -> "Target":
        """The target of two settings, of which ``host`` stands for this Python and this processor."""
        own_runtime = f"python3.{sys.version_info.minor}"
        own_architecture = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
        on_host = "host" in {runtime, architecture}
        return cls(
            own_runtime if runtime == "host" else runtime,
            own_architecture if architecture == "host" else architecture,
            on_host,
        )

    def pip_options(self) -> list[str]:
        """What makes pip take wheels for the target instead of for the running Python."""
        if self.on_host:
            return []
        machine = "aarch64" if self.architecture == "arm64" else "x86_64"
        options = ["--implementation", "cp", "--python-version", self.runtime.removeprefix("python")]
        return options + [
            part for libc in GLIBC[self.runtime] for part in ("--platform", f"manylinux{libc}_{machine}")
        ]


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
        BundleError: When a wheel cannot be had; worth a retry if the network was the reason.
    """
    sources = source_files(root)
    requirements = root / "requirements.txt"
    key = hashlib.sha256(repr((FORMAT, target, requirements.read_bytes(), sorted(sources.items()))).encode())
    path = cache.resolve() / f"{root.name}-{target.runtime}-{target.architecture}-{key.hexdigest()[:16]}.zip"
    if not path.exists():
        files = {**wheel_files(requirements, target), **sources}
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(write_zip(files))
        unfinished.replace(path)
    return Bundle(path, base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode())


def source_files(root: Path) -> dict[str, bytes]:
    """Content by name within the zip, of every file in the packages below ``root``."""
    files = [
        path for path in root.glob("*/**/*") if path.is_file() and wanted(path.relative_to(root).as_posix())
    ]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def wanted(name: str) -> bool:
    """Whether a file belongs into the zip: no caches, hidden files, tests, stubs, records or unused modules."""
    folders = name.split("/")
    hidden = any(part.startswith(".") for part in folders)
    return not (
        hidden
        or LEFT_OUT_FOLDERS & set(folders)
        or name.startswith(LEFT_OUT_PREFIXES)
        or name.endswith(LEFT_OUT_SUFFIXES)
        or ".data/" in name
    )


def wheel_files(requirements: Path, target: Target) -> Mapping[str, bytes]:
    """Content by name within the zip, of everything in the pinned wheels."""
    with tempfile.TemporaryDirectory() as folder:
        download(requirements, target, Path(folder))
        files: dict[str, bytes] = {}
        for wheel in sorted(Path(folder).glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                names = (name for name in archive.namelist() if not name.endswith("/") and wanted(name))
                files.update((name, archive.read(name)) for name in names)
        return files


def download(requirements: Path, target: Target, folder: Path) -> None:
    """Have pip put the wheels into ``folder``, each checked against its hash."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    command += ["--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--dest", str(folder), "--requirement", str(requirements)]
    try:
        subprocess.run([*command, *target.pip_options()], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise BundleError(
            f"pip could not get the wheels of {requirements} for {target.runtime} on {target.architecture}; "
            f"is the package index reachable, and does every line carry its hash? pip said:\n{said.strip()}"
        ) from error

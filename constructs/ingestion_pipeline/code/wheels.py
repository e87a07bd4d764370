"""Unpacks the pinned wheels for the zip."""

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ingestion_pipeline.code.shared_library import without_debugging
from ingestion_pipeline.code.target import BundleError, Target

_LEFT_OUT_FOLDERS = {"__pycache__", "tests"}
_LEFT_OUT_SUFFIXES = (".pyc", ".pyi", ".pyx", ".c", "/py.typed", ".dist-info/RECORD")
_UNREACHABLE = re.compile(
    "backports/zstd/(_cffi|tarfile|zipfile)"  # for PyPy, and for archives
    # The models of other services, and what is for pages, waiters and readers; certifi has the certificates.
    r"|botocore/cacert\.pem|botocore/data/(?!(cloudwatch|kinesis|s3|secretsmanager|sqs)/)[^/]+/"
    r"|botocore/data/.*/(examples|paginators|waiters)-"
    "|dateutil/zoneinfo/"  # for systems without time zones
    r"|isal/(igzip|igzip_threaded|isal_zlib)\."  # for files, and for those who know zlib's interface
    "|urllib3/contrib/"  # for the browser, and for packages that are not there: PySocks, pyOpenSSL
)


def wanted(name: str) -> bool:
    """True if a file belongs into the zip: no cache, hidden file, test, stub or install record."""
    folders = name.split("/")
    hidden = any(part.startswith(".") for part in folders)
    return not (
        hidden or _LEFT_OUT_FOLDERS & set(folders) or name.endswith(_LEFT_OUT_SUFFIXES) or ".data/" in name
    )


def wheel_files(requirements: Path, target: Target) -> Mapping[str, bytes]:
    """Content by name within the zip, of everything in the pinned wheels that the function may need.

    Raises:
        BundleError: When a wheel cannot be had; worth a retry if the network was the reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        _download(requirements, target, Path(folder))
        files: dict[str, bytes] = {}
        for wheel in sorted(Path(folder).glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                names = (name for name in archive.namelist() if not name.endswith("/") and wanted(name))
                files.update(
                    (name, without_debugging(archive.read(name)))
                    for name in names
                    if not _UNREACHABLE.match(name)
                )
        return files


def _download(requirements: Path, target: Target, folder: Path) -> None:
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

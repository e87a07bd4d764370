"""Writes a package with only those modules of the provider's bindings that the stack uses.

It is a fiftieth of the whole. `node` loads it if it has exactly the modules that Python has imported. If
Python imports another one later, `node` loads the whole package too, whose modules complete this one's index.
"""

import io
import json
import os
import re
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path

from ingestion_pipeline.synth_speed.node import WHOLE_PACKAGE

REQUIRED = re.compile(r'^exports\.(\w+) = (?:__importStar\()?require\("\./[^"]+"\)\)?;\n', re.MULTILINE)

COMPLETED = f"""
module.exports = new Proxy(exports, {{
  get: (own, name) => own[name] ?? (name in own ? require("{WHOLE_PACKAGE}")[name] : undefined),
}});
"""
"""The index announces every module's name before it assigns the modules; those left out stay undefined."""


def trim(tarball: Path, modules: Collection[str], output: Path) -> None:
    """Write a package with some of the modules of another.

    Args:
        tarball: The whole package, as it is installed: ``….jsii.tgz``.
        modules: Their names in Python, such as ``s3_bucket``.
        output: File to write, atomically.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_suffix(f".{os.getpid()}")
    with tarfile.open(tarball) as whole, tarfile.open(unfinished, "w:gz") as part:
        for path, data in _files(whole, modules):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            part.addfile(entry, io.BytesIO(data))
    unfinished.replace(output)


def _files(whole: tarfile.TarFile, modules: Collection[str]) -> Iterator[tuple[str, bytes]]:
    folders = tuple(f"package/lib/{module.replace('_', '-')}/" for module in modules)
    names = {re.sub(r"_(\w)", lambda found: found[1].upper(), module) for module in modules}
    for entry in whole:
        path = entry.name
        if path == "package/.jsii":
            yield path, _assembly(_read(whole, entry), names)
        elif path == "package/lib/index.js":
            text = _read(whole, entry).decode()
            text = REQUIRED.sub(lambda found: found[0] if found[1] in names else "", text)
            yield path, f"{text}{COMPLETED}".encode()
        elif path == "package/package.json" or (path.endswith(".js") and path.startswith(folders)):
            yield path, _read(whole, entry)


def _assembly(text: bytes, names: Collection[str]) -> bytes:
    """The description of the package's types, reduced to some submodules."""
    assembly = json.loads(text)
    for kind in ("types", "submodules"):
        assembly[kind] = {name: it for name, it in assembly[kind].items() if name.split(".")[1] in names}
    return json.dumps(assembly).encode()


def _read(whole: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = whole.extractfile(entry)
    return file.read() if file else b""

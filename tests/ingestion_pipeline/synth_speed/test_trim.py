"""The trimmed package has only the used bindings, and is used only if they are exactly the imported ones."""

import gzip
import io
import json
import re
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from ingestion_pipeline.synth_speed import node
from ingestion_pipeline.synth_speed.trim import trim

INDEX = """"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.s3Bucket = exports.sqsQueue = exports.s3BucketPolicy = void 0;
exports.s3Bucket = __importStar(require("./s3-bucket"));
exports.s3BucketPolicy = __importStar(require("./s3-bucket-policy"));
exports.sqsQueue = __importStar(require("./sqs-queue"));
"""
ASSEMBLY = {
    "name": node.NPM_PACKAGE,
    "types": {f"{node.NPM_PACKAGE}.{name}.Config": {} for name in ("s3Bucket", "s3BucketPolicy", "sqsQueue")},
    "submodules": {f"{node.NPM_PACKAGE}.{name}": {} for name in ("s3Bucket", "s3BucketPolicy", "sqsQueue")},
}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A package of three modules."""
    files = {
        "package/package.json": "{}",
        "package/.jsii": json.dumps(ASSEMBLY),
        "package/LICENSE": "",
        "package/lib/index.js": INDEX,
        **{
            f"package/lib/{name}/index{ending}": f"// {name}"
            for name in ("s3-bucket", "s3-bucket-policy", "sqs-queue")
            for ending in (".js", ".d.ts")
        },
    }
    path = tmp_path / "provider-aws@1.2.3.jsii.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def test_holds_what_is_used(whole: Path, tmp_path: Path) -> None:
    """The modules, their types and their lines of the index, none of a module whose name begins alike."""
    part = tmp_path / "made" / "part.tgz"
    trim(whole, {"s3_bucket", "sqs_queue"}, part)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(part.read_bytes()))) as archive:
        files = {entry.name: archive.extractfile(entry).read().decode() for entry in archive}  # type: ignore[union-attr]

    assert sorted(files) == [
        "package/.jsii",
        "package/lib/index.js",
        "package/lib/s3-bucket/index.js",
        "package/lib/sqs-queue/index.js",
        "package/package.json",
    ]
    assembly = json.loads(files["package/.jsii"])
    assert list(assembly["types"]) == [f"{node.NPM_PACKAGE}.{n}.Config" for n in ("s3Bucket", "sqsQueue")]
    assert list(assembly["submodules"]) == [f"{node.NPM_PACKAGE}.{n}" for n in ("s3Bucket", "sqsQueue")]
    assert re.findall(r'require\("(.*?)"\)', files["package/lib/index.js"]) == [
        "./s3-bucket",
        "./sqs-queue",
        node.WHOLE_PACKAGE,
    ]
    assert list(part.parent.iterdir()) == [part]


def test_is_taken_for_exactly_its_modules(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one module more or less, or another version, the whole package is loaded."""
    monkeypatch.setattr(node, "TRIMMED", tmp_path / "trimmed")
    part = node.trimmed_file(str(whole), {"s3_bucket", "sqs_queue"})
    trim(whole, {"s3_bucket", "sqs_queue"}, part)

    def loaded(tarball: Path, *modules: str) -> str:
        monkeypatch.setattr(node, "used_modules", lambda: set(modules))
        return str(node.trimmed(Request(node.NPM_PACKAGE, "1.2.3", str(tarball))).tarball)

    other = whole.with_name("provider-aws@1.2.4.jsii.tgz")
    assert loaded(whole, "sqs_queue", "s3_bucket") == str(part)
    assert loaded(whole, "sqs_queue") == str(whole)
    assert loaded(whole, "sqs_queue", "s3_bucket", "iam_role") == str(whole)
    assert loaded(other, "sqs_queue", "s3_bucket") == str(other)


class Request(SimpleNamespace):
    """As jsii's request to load a package."""

    def __init__(self, name: str, version: str, tarball: str) -> None:
        super().__init__(name=name, version=version, tarball=tarball)

import base64
import hashlib
import itertools
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from ingestion_pipeline.code import bytecode
from ingestion_pipeline.code.bundle import Bundle, build, source_files
from ingestion_pipeline.code.bytecode import COMPILERS
from ingestion_pipeline.code.target import GLIBC, BundleError, Target
from ingestion_pipeline.code.zip_file import write_zip
from ingestion_pipeline.settings.rules import rule_of
from ingestion_pipeline.settings.tables.function import FunctionSettings
from url_fetcher.aws_calls import PATIENCE

# pip fetches the wheels, npm the compiler.
pytestmark = pytest.mark.terraform

HOST = Target.of("host", "host")

# What Lambda's Python runtimes carry beside the standard library, of versions that change without a deploy.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")

# Prints the files that Python compiles while the function starts.
COMPILED_AT_START = """
import os, sys
os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
sys.path[:0] = sys.argv[1:]
def hook(event, arguments):
    if event == "compile" and str(arguments[1]).startswith(sys.argv[1]):
        print(arguments[1])
sys.addaudithook(hook)
import url_fetcher.handler
clients = url_fetcher.handler.CLIENTS
clients.kinesis, clients.s3, clients.sqs, clients.secrets_manager("us-east-1")
"""

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[1:]
import url_fetcher
for module in pkgutil.iter_modules(url_fetcher.__path__, "url_fetcher."):
    importlib.import_module(module.name)
from url_fetcher import handler
print(handler.__file__, callable(handler.handler))
"""


@pytest.fixture(scope="module")
def source(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the function's source root."""
    copy = tmp_path_factory.mktemp("source") / "lambda"
    shutil.copytree(root / "lambda", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def bundle(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The function's zip for this machine, from an empty cache."""
    return build(source, HOST, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def small(root: Path, tmp_path: Path) -> Path:
    """A source root with one package and one small wheel."""
    package = tmp_path / "small" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("VALUE = 1\n", encoding="utf-8")
    (package / "deep").mkdir()
    (package / "deep" / "data.txt").write_text("data\n", encoding="utf-8")
    pins = (root / "lambda" / "requirements.txt").read_text(encoding="utf-8")
    (pin,) = re.findall(r"^idna==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+", pins, re.MULTILINE)
    (package.parent / "requirements.txt").write_text(pin, encoding="utf-8")
    return package.parent


def with_compiler(cache: Path, root: Path) -> Path:
    """Another cache that has nothing but the checkout's own compiler."""
    compiler = bytecode._folder(COMPILERS[HOST.runtime], root / "build" / "bundles")
    cache.mkdir()
    (cache / compiler.name).symlink_to(compiler)
    return cache


@pytest.fixture
def nothing_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have zips made without wheels and without bytecode, where only the number of zips counts."""
    monkeypatch.setattr("ingestion_pipeline.code.bundle.wheel_files", lambda *_: {})
    monkeypatch.setattr("ingestion_pipeline.code.bundle.compiled", lambda *_: {})


@pytest.fixture
def unpacked(bundle: Bundle, tmp_path: Path) -> Path:
    """The zip as Lambda unpacks it."""
    with zipfile.ZipFile(bundle.path) as archive:
        archive.extractall(tmp_path / "task")
    return tmp_path / "task"


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """A folder with the packages of Lambda's runtime, none of which can be imported."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in RUNTIME_PACKAGES:
        (folder / f"{name}.py").write_text("raise ImportError(__file__)", encoding="utf-8")
    return folder


def run(program: str, *paths: Path) -> str:
    """What a program prints that finds packages in these folders only and writes no bytecode."""
    command = [sys.executable, "-B", "-I", "-S", "-c", program, *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def names(bundle: Bundle) -> list[str]:
    """The names of the files in a zip."""
    with zipfile.ZipFile(bundle.path) as archive:
        return archive.namelist()


class TestReproducible:
    def test_from_another_checkout_at_another_time(self, small: Path, root: Path, tmp_path: Path) -> None:
        """A fresh clone elsewhere, with other times, modes and caches, makes the same bytes."""
        clone = tmp_path / "a clone" / "small"
        shutil.copytree(small, clone)
        for file in clone.rglob("*.py"):
            os.utime(file, (1, 1))
            file.chmod(0o700)
        for folder in (clone / "package", clone):
            (folder / "__pycache__").mkdir()
            (folder / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"cache")
            (folder / "__pycache__" / "handler.cpython-313.pyc.140133").write_bytes(b"unfinished cache")
        (clone / "package" / ".DS_Store").write_bytes(b"finder")
        (clone / "notes.txt").write_text("beside the packages", encoding="utf-8")
        first, second = (
            build(each, HOST, with_compiler(tmp_path / name, root))
            for each, name in ((small, "cache"), (clone, "another cache"))
        )

        assert first.path.read_bytes() == second.path.read_bytes()
        assert {"package/__init__.py", "package/deep/data.txt", "idna/__init__.py"} <= set(names(first))
        assert "requirements.txt" not in names(first)

    @pytest.mark.parametrize("change", ["edit", "rename", "add", "remove"])
    def test_what_runs_changes_the_name(self, small: Path, change: str) -> None:
        """A changed, renamed, new or removed file makes another zip."""
        before = source_files(small)
        data = small / "package" / "deep" / "data.txt"
        if change == "edit":
            data.write_text("other\n", encoding="utf-8")
        elif change == "rename":
            data.rename(data.with_name("renamed.txt"))
        elif change == "add":
            data.with_name("more.txt").write_text("", encoding="utf-8")
        else:
            data.unlink()

        assert source_files(small) != before

    @pytest.mark.usefixtures("nothing_fetched")
    def test_is_made_once(self, small: Path, tmp_path: Path) -> None:
        """Nothing changed, nothing is made; a change makes a new zip beside the old."""
        first = build(small, HOST, tmp_path / "cache")
        made_at = first.path.stat().st_mtime_ns
        again = build(small, HOST, tmp_path / "cache")
        (small / "package" / "__init__.py").write_text("VALUE = 2\n", encoding="utf-8")
        changed = build(small, HOST, tmp_path / "cache")

        assert (again, again.path.stat().st_mtime_ns) == (first, made_at)
        assert changed.sha256 != first.sha256
        assert sorted((tmp_path / "cache").glob("*.*-*")) == sorted([first.path, changed.path])

    @pytest.mark.usefixtures("nothing_fetched")
    def test_two_that_need_it_at_once_make_it_once(
        self, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On an empty cache one makes the zip, and the other waits for it."""
        made: list[Mapping[str, bytes]] = []

        def write(files: Mapping[str, bytes]) -> bytes:
            made.append(files)
            return write_zip(files)

        monkeypatch.setattr("ingestion_pipeline.code.bundle.write_zip", write)
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(lambda _: build(small, HOST, tmp_path / "cache"), range(2))

        assert (first, len(made)) == (second, 1)


class TestContent:
    def test_has_the_function_and_every_pinned_package(self, bundle: Bundle, source: Path) -> None:
        """The function is there, and each requirement with its metadata."""
        found = names(bundle)
        pins = re.findall(r"^([\w-]+)==", (source / "requirements.txt").read_text("utf-8"), re.MULTILINE)
        missing = [
            pin
            for pin in pins
            if not any(name.lower().startswith(pin.replace("-", "_") + "-") for name in found)
        ]

        assert "url_fetcher/handler.py" in found
        assert missing == []

    def test_has_nothing_that_only_weighs(self, bundle: Bundle) -> None:
        """No unfinished caches, hidden files, tests, stubs or records of an installation."""
        ballast = re.compile(r"(^|/)(tests|\.[^/]*)(/|$)|\.pyi$|\.dist-info/RECORD$|\.pyc\.")

        assert [name for name in names(bundle) if ballast.search(name)] == []

    def test_has_of_isal_what_compresses_members_and_its_licence(self, bundle: Bundle) -> None:
        """What nothing imports is a half of that wheel."""
        found = {name.split(".")[0] for name in names(bundle) if re.match("isal/(?!__pycache__)", name)}
        modules = {name for name in found if not name.startswith("isal/isa-l/")}

        assert modules == {"isal/__init__", "isal/_isal", "isal/_version", "isal/igzip_lib"}
        assert "isal/isa-l/LICENSE" in found

    def test_has_of_botocore_what_the_function_calls(self, bundle: Bundle) -> None:
        """The models of its services, of over 400; without examples, pages and waiters."""
        models = re.compile(r"botocore/data/([^/]+)/.*/([a-z-]+)-\d")
        found = {match.groups() for match in map(models.match, names(bundle)) if match}

        assert found == {(service, kind) for service in PATIENCE for kind in ("service", "endpoint-rule-set")}

    def test_compiled_wheels_are_for_the_target(self, root: Path) -> None:
        """What is compiled in the default zip is for Python 3.13 on 64-bit ARM."""
        settings = FunctionSettings()
        default = build(
            root / "lambda", Target.of(settings.runtime, settings.architecture), root / "build" / "bundles"
        )
        compiled = [name for name in names(default) if name.endswith(".so")]

        assert compiled
        assert [name for name in compiled if not re.search(r"(313|abi3).*(aarch64|abi3)", name)] == []

    def test_runs_where_lambda_runs_it(self, unpacked: Path, runtime: Path) -> None:
        """Unpacked, every module imports, whatever packages Lambda's runtime brings."""
        assert run(IMPORT_ALL, unpacked, runtime) == f"{unpacked}/url_fetcher/handler.py True\n"

    def test_the_start_compiles_nothing(self, unpacked: Path, runtime: Path) -> None:
        """Importing the handler and making the client takes all code from bytecode."""
        assert run(COMPILED_AT_START, unpacked, runtime) == ""

    def test_a_python_that_refuses_the_bytecode_compiles(self, unpacked: Path, runtime: Path) -> None:
        """Lambda's next CPython may have another magic number, as 3.5.2 had."""
        for file in unpacked.rglob("*.pyc"):
            file.write_bytes(b"\0\0\r\n" + file.read_bytes()[4:])

        assert run(IMPORT_ALL, unpacked, runtime) == f"{unpacked}/url_fetcher/handler.py True\n"

    def test_hash_is_what_aws_computes(self, bundle: Bundle) -> None:
        """The hash is the base64 of the SHA-256 of the zip, AWS's `CodeSha256`."""
        digest = hashlib.sha256(bundle.path.read_bytes()).digest()

        assert bundle.sha256 == base64.b64encode(digest).decode()


class TestTarget:
    def test_host_is_this_python_and_this_processor(self) -> None:
        """On the host pip takes the wheels of the running Python."""
        machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "x86_64")

        assert Target(f"python3.{sys.version_info.minor}", machine, on_host=True) == HOST
        assert HOST.pip_options() == []

    @pytest.mark.parametrize(
        ("runtime", "newest"), [("python3.11", "2_24"), ("python3.12", "2_34"), ("python3.13", "2_34")]
    )
    def test_elsewhere_is_the_runtimes_python_and_c_library(self, runtime: str, newest: str) -> None:
        """Pip is told Python's version and the C libraries that the runtime's system can load."""
        options = Target.of(runtime, "arm64").pip_options()
        platforms = [value for flag, value in itertools.pairwise(options) if flag == "--platform"]

        assert options[:4] == ["--implementation", "cp", "--python-version", runtime.removeprefix("python")]
        assert platforms[0] == "manylinux2014_aarch64"
        assert platforms[-1] == f"manylinux_{newest}_aarch64"

    def test_every_runtime_of_the_settings_is_known(self) -> None:
        """Each Lambda runtime that can be chosen has its C library."""
        (runtime,) = [field for field in fields(FunctionSettings) if field.name == "runtime"]

        assert {*GLIBC, "host"} == set(rule_of(runtime).choices)


class TestGuarded:
    def test_a_wheel_of_another_hash(self, small: Path, tmp_path: Path) -> None:
        """A wheel that is not the one that was pinned is refused, with what pip said."""
        file = small / "requirements.txt"
        pin = re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, file.read_text(encoding="utf-8"))
        file.write_text(pin, encoding="utf-8")

        with pytest.raises(
            BundleError, match=r"(?s)does every line carry its hash\?.*DO NOT MATCH THE HASHES"
        ):
            build(small, HOST, tmp_path / "cache")
        assert not (tmp_path / "cache").exists()

    def test_a_pin_without_a_hash(self, small: Path, tmp_path: Path) -> None:
        """A requirement that could be anything is refused."""
        (small / "requirements.txt").write_text("idna==3.7\n", encoding="utf-8")

        with pytest.raises(BundleError, match=r"(?s)does every line carry its hash.*require-hashes"):
            build(small, HOST, tmp_path / "cache")

    def test_an_index_that_does_not_answer(
        self, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without the package index the message asks for it."""
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        monkeypatch.setenv("PIP_RETRIES", "0")
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip"))

        with pytest.raises(BundleError, match="is the package index reachable"):
            build(small, HOST, tmp_path / "cache")

import functools
import hashlib
import importlib.util
import marshal
import os
import struct
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from types import CodeType, ModuleType

import pytest

from ingestion_pipeline.code import bytecode
from ingestion_pipeline.code.bytecode import COMPILERS, Compiler, compiled
from ingestion_pipeline.code.compiling import bytecode as bytecode_of
from ingestion_pipeline.code.target import GLIBC, BundleError, Target

RUNTIME = Target.of("host", "host").runtime

SOURCE = b'''"""Of the module."""
import json

NAMES = {"b", "a"} | {name for name in ("d", "c")}


def parse(text: str, *, limit: float = 1e3) -> list[str]:
    """Of the function."""
    try:
        return [f"{key}={value!r:>8}" for key, value in json.loads(text).items() if key in {"x", "y", "z"}]
    except ValueError as error:
        raise LookupError(text[: int(limit)]) from error
'''

# The magic number of each minor version (Lib/importlib/_bootstrap_external.py in CPython), and the SHA-256 of
# the bytecode that the pinned compilers made once.
MADE = {
    "python3.11": (3495, "4a519fd4dba560c5771cc90fe50add97907b264827c6b6b4e1eb50315dbada0c"),
    "python3.12": (3531, "142513fe8c5faa7af2e1daeaed37c8e130ad566ead1d37d7d02ec7a93603c35e"),
    "python3.13": (3571, "4dded12a78cec9002d42d31a1a688e1f115ff5e726a87981a03c6f70c7ee25ea"),
}


@pytest.fixture(scope="module")
def cache(root: Path) -> Path:
    """The checkout's own cache, so that the compilers are fetched once."""
    return root / "build" / "bundles"


@pytest.fixture(scope="module")
def made(cache: Path) -> Callable[[str], bytes]:
    """What the pinned compiler of a runtime makes of the source, made once."""

    @functools.cache
    def by_runtime(runtime: str) -> bytes:
        # Not by `compiled`, which would take it from the cache the next time.
        return bytecode._compile({"package/module.py": SOURCE}, COMPILERS[runtime], cache)[
            "package/module.py"
        ]

    return by_runtime


def code_of(data: bytes) -> CodeType:
    """The code in the content of a .pyc file."""
    code = marshal.loads(data[16:])  # noqa: S302 - made here
    assert isinstance(code, CodeType)
    return code


def module_of(source: bytes) -> ModuleType:
    """What the bytecode of a module's source makes when it runs."""
    module = ModuleType("compiled")
    exec(code_of(bytecode_of(source, "/var/task/compiled.py")), module.__dict__)  # noqa: S102 - the test's own
    return module


@pytest.mark.terraform
@pytest.mark.parametrize("runtime", sorted(MADE))
def test_every_machine_makes_the_same_bytes(runtime: str, made: Callable[[str], bytes]) -> None:
    """Whatever Python synthesizes, each runtime's bytecode has the magic number and the bytes known here."""
    data = made(runtime)

    assert (struct.unpack("<H", data[:2])[0], hashlib.sha256(data).hexdigest()) == MADE[runtime]


def test_every_runtime_of_the_settings_has_its_compiler() -> None:
    """Each Lambda runtime that can be chosen can be compiled for."""
    assert set(COMPILERS) == set(GLIBC)


@pytest.mark.terraform
def test_does_what_the_source_says(made: Callable[[str], bytes]) -> None:
    """This Python runs what the pinned compiler of its minor version made, with the source's results."""
    module = ModuleType("compiled")
    exec(code_of(made(RUNTIME)), module.__dict__)  # noqa: S102 - the test's own

    assert module.parse('{"x": 1, "w": 2, "z": "3"}') == ["x=       1", "z=     '3'"]


@pytest.mark.terraform
def test_a_traceback_shows_where_it_lies_in_lambda(made: Callable[[str], bytes]) -> None:
    """The code names the file as Lambda unpacks it, and the source's lines."""
    code = code_of(made(RUNTIME))
    (parse,) = [each for each in code.co_consts if isinstance(each, CodeType) and each.co_name == "parse"]

    assert (parse.co_filename, parse.co_firstlineno) == ("/var/task/package/module.py", 7)


def test_is_loaded_without_a_look_at_the_source() -> None:
    """The header says that the source's hash is not to be checked (PEP 552)."""
    data = bytecode_of(SOURCE, "/var/task/package/module.py")

    assert data[4:16] == struct.pack("<I", 1) + importlib.util.source_hash(SOURCE)


def test_docstrings_of_functions_and_modules_are_left_out() -> None:
    """Nobody reads them in Lambda."""
    module = module_of(SOURCE)

    assert (module.__doc__, module.parse.__doc__) == (None, None)


def test_docstrings_of_classes_stay() -> None:
    """A class keeps its docstring, because `dataclass` would make one up."""
    assert module_of(b'class Name:\n    """Of the class."""\n').Name.__doc__ == "Of the class."


def test_a_second_text_is_no_docstring() -> None:
    """A text after the docstring does not become one."""
    assert module_of(b'"""Of the module."""\n"""A text."""\n').__doc__ == "Of the module."


def test_two_may_fetch_the_compiler_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that begin with an empty cache both compile, and leave one compiler and one file of bytecode."""
    both = Barrier(2)

    def fetch(_: Compiler, folder: Path) -> Path:
        both.wait(60)
        with tarfile.open(folder / "package.tgz", "w:gz") as archive:
            for name in bytecode._FILES:
                archive.addfile(tarfile.TarInfo(f"package/{name}"))
        return folder / "package.tgz"

    def compile_(modules: Mapping[str, bytes], compiler: Compiler, cache: Path) -> dict[str, bytes]:
        assert {path.name for path in bytecode._folder(compiler, cache).iterdir()} == {*bytecode._FILES}
        return dict(modules)

    monkeypatch.setattr(bytecode, "_fetch", fetch)
    monkeypatch.setattr(bytecode, "_compile", compile_)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: compiled({"module.py": SOURCE}, RUNTIME, tmp_path), range(2))

    assert first == second
    version = COMPILERS[RUNTIME].version
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"bytecode-{version}", f"pyodide-{version}"]
    assert len(list(tmp_path.glob("bytecode-*/*"))) == 1


def test_what_has_not_changed_is_not_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two modules only the one with another source, or another name, goes to the compiler."""
    asked: list[set[str]] = []

    def compile_(modules: Mapping[str, bytes], *_: object) -> dict[str, bytes]:
        asked.append(set(modules))
        return {name: b"%d of %s" % (len(asked), data) for name, data in modules.items()}

    monkeypatch.setattr(bytecode, "_compile", compile_)
    compiled({"a.py": b"1", "b.py": b"1"}, RUNTIME, tmp_path)
    second = compiled({"a.py": b"1", "b.py": b"2", "c.py": b"1"}, RUNTIME, tmp_path)

    assert asked == [{"a.py", "b.py"}, {"b.py", "c.py"}]
    assert second == {"a.py": b"1 of 1", "b.py": b"2 of 2", "c.py": b"2 of 1"}


@pytest.mark.terraform
def test_another_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of another hash than the pinned one is never run or kept."""
    other = replace(COMPILERS["python3.13"], sha512="AAAA")
    monkeypatch.setitem(bytecode.COMPILERS, "python3.13", other)

    with pytest.raises(BundleError, match=r"is another file: its SHA-512 is \S+, not AAAA"):
        compiled({"module.py": SOURCE}, "python3.13", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.terraform
def test_a_registry_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without npm's registry the message asks for it."""
    monkeypatch.setenv("npm_config_userconfig", os.devnull)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")

    with pytest.raises(BundleError, match=r"npm could not get pyodide@\S+, .* is its registry reachable\?"):
        compiled({"module.py": SOURCE}, "python3.13", tmp_path / "cache")


@pytest.mark.terraform
def test_what_cannot_be_compiled_is_named(cache: Path) -> None:
    """A module with a syntax error is an error that names its file."""
    with pytest.raises(BundleError, match=r"the function was not compiled(?s:.*)/var/task/bad\.py"):
        compiled({"bad.py": b"def"}, "python3.13", cache)

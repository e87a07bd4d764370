"""The traps of this layout, each of which breaks main.py while a bare pytest still passes."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from tests.checkout import ROOT

PROVIDER = "cdktf_cdktf_provider_aws"


@cache
def imported(file: Path) -> set[str]:
    """Dotted names of every module that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def importing(folder: str, package: str) -> Iterator[str]:
    """Files below a folder that import a package or something in it."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        if package.rpartition(".")[2] not in file.read_text(encoding="utf-8"):
            continue  # parsing takes ten times as long
        if any(name == package or name.startswith(f"{package}.") for name in imported(file)):
            yield file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", ["constructs", "lambda"])
def test_a_source_root_is_no_package(root: Path, folder: str) -> None:
    """An ``__init__.py`` in constructs/ hides the library of that name; in lambda/ it would be in the zip."""
    assert not (root / folder / "__init__.py").exists()


def test_no_folder_of_tests_is_a_package(root: Path) -> None:
    """An ``__init__.py`` below tests/ makes a test folder hide the package that it is named after."""
    assert list((root / "tests").rglob("__init__.py")) == []


def test_no_file_of_tests_is_left_out(pytestconfig: pytest.Config, root: Path) -> None:
    """Pytest looks into each folder that has tests: it passes over those that match `norecursedirs`."""
    patterns = pytestconfig.getini("norecursedirs")
    folders = {
        part for file in (root / "tests").rglob("test_*.py") for part in file.relative_to(root).parts[:-1]
    }

    assert {each for each in folders if any(fnmatch(each, pattern) for pattern in patterns)} == set()


def test_constructs_is_the_library() -> None:
    """With the source roots on the path, `constructs` is still the one that CDKTF is made of."""
    spec = importlib.util.find_spec("constructs")  # importing it starts Node

    assert spec is not None
    assert str(spec.origin).endswith("site-packages/constructs/__init__.py")


def test_the_two_packages_do_not_know_each_other() -> None:
    """What deploys and what runs meet in tests/test_contract.py only."""
    strangers = [
        *importing("constructs/ingestion_pipeline", "url_fetcher"),
        *importing("lambda/url_fetcher", "ingestion_pipeline"),
        *importing("lambda/url_fetcher", "cdktf"),
    ]

    assert strangers == []


def test_the_bindings_have_one_door() -> None:
    """Only bindings.py imports the provider's bindings: anywhere else, it takes ten seconds more."""
    doors = [
        *importing("constructs", PROVIDER),
        *importing("tools", PROVIDER),
        *importing("local_aws", PROVIDER),
    ]

    assert doors == ["constructs/ingestion_pipeline/bindings.py"]


def test_only_the_tests_of_the_constructs_import_the_bindings() -> None:
    """The other tests do not wait for jsii."""
    jsiis = (PROVIDER, "cdktf", "constructs", "ingestion_pipeline.bindings", "ingestion_pipeline.stack")
    elsewhere = [
        file
        for package in jsiis
        for file in importing("tests", package)
        if not file.startswith("tests/ingestion_pipeline/")
    ]

    assert elsewhere == []


def test_collecting_starts_no_node(root: Path) -> None:
    """No test module imports jsii before one of its tests runs."""
    modules = [
        ".".join(file.relative_to(root).with_suffix("").parts)
        for file in (root / "tests" / "ingestion_pipeline").rglob("*.py")
    ]
    program = (
        "import importlib, sys; sys.path[:0] = ['constructs', 'lambda', '.'];"
        f"[importlib.import_module(name) for name in {modules!r}];"
        "print('jsii' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    "line",
    [
        "import constructs.ingestion_pipeline",
        "from constructs.ingestion_pipeline import Settings",
        "from constructs.ingestion_pipeline.settings import Settings",
    ],
)
def test_the_linter_bans_the_dotted_prefix(root: Path, line: str) -> None:
    """Importing through `constructs.` would load every class twice, so ruff refuses it."""
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--select", "TID251", "--stdin-filename", str(root / "tests" / "sample.py"), "-"],
        input=f"{line}\n",
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "loads every class twice" in done.stdout


def test_every_public_name_is_there() -> None:
    """What `ingestion_pipeline` says it has can be imported; what it has not is an AttributeError."""
    import ingestion_pipeline

    light = [name for name in ingestion_pipeline.__all__ if not name.startswith("Ingestion")]

    # A union, such as `Auth`, has no name of its own.
    assert [getattr(getattr(ingestion_pipeline, name), "__name__", name) for name in light] == light
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        ingestion_pipeline.__getattr__("Nothing")


def test_every_table_of_settings_is_public() -> None:
    """A program in Python gives settings by the classes that the package offers."""
    import ingestion_pipeline
    from ingestion_pipeline.settings.settings import TABLES

    assert {table.__name__ for table in TABLES.values()} - {*ingestion_pipeline.__all__} == set()

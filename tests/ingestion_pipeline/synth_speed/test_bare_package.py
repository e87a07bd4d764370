"""A package without its ``__init__`` looks to the rest of the program as if it had run."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion_pipeline.synth_speed import bare_package, node
from tests.checkout import ROOT


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registered package whose ``__init__`` would fail, with two modules and a private one."""
    folder = tmp_path / "bare_zoo"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('nobody runs this')")
    for name in ("lion", "zebra", "_private"):
        (folder / f"{name}.py").write_text(f"NAME = '{name}'")
    monkeypatch.syspath_prepend(str(tmp_path))
    bare_package.register("bare_zoo")
    yield "bare_zoo"
    for name in [name for name in sys.modules if name.split(".")[0] == "bare_zoo"]:
        del sys.modules[name]


def test_a_module_is_an_attribute(zoo: str) -> None:
    """A module that nobody has imported is imported when it is used."""
    package = importlib.import_module(zoo)

    assert f"{zoo}.lion" not in sys.modules
    assert package.lion.NAME == "lion"


def test_everything_can_be_imported(zoo: str) -> None:
    """``import *`` imports every public module."""
    names: dict[str, object] = {}
    exec(f"from {zoo} import *", names)  # noqa: S102 - a star is allowed at a module's top only

    assert {name for name in names if not name.startswith("__")} == {"lion", "zebra"}


def test_the_modules_are_listed(zoo: str) -> None:
    """``__all__`` and ``dir`` know the modules before they are imported."""
    package = importlib.import_module(zoo)

    assert package.__all__ == ["lion", "zebra"]
    assert {"lion", "zebra", "__path__"} <= {*dir(package)}


@pytest.mark.parametrize("name", ["tiger", "_private", "__wrapped__"])
def test_other_names_are_no_attributes(zoo: str, name: str) -> None:
    """A name that is no public module is missing, in the words of any module."""
    package = importlib.import_module(zoo)

    with pytest.raises(AttributeError, match=f"module 'bare_zoo' has no attribute '{name}'"):
        getattr(package, name)


def test_a_module_that_fails_says_why(zoo: str, tmp_path: Path) -> None:
    """What is wrong within a module is not taken for a missing name."""
    (tmp_path / zoo / "ill.py").write_text("import not_installed_anywhere")
    importlib.invalidate_caches()

    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        importlib.import_module(zoo).ill  # noqa: B018 - the look-up is the test


def test_the_bindings_have_the_names_that_their_own_init_gives_them() -> None:
    """``__all__`` of the registered package is that of the package as it is shipped."""
    spec = importlib.util.find_spec(node.PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    (shipped,) = [
        ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__"
    ]
    program = (
        f"from ingestion_pipeline.synth_speed import bare_package; bare_package.register({node.PACKAGE!r});"
        f"import {node.PACKAGE} as package; print(*package.__all__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "constructs")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert sorted(done.stdout.split()) == sorted(shipped)

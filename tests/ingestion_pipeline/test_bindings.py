"""The lazy way to the bindings is only faster: it changes nothing that comes out."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

from ingestion_pipeline.synth_speed import node
from tests.checkout import Checkout, synthesized_file

pytestmark = pytest.mark.terraform

LOADED = "; import sys; print(sorted({name.split('.')[0] for name in sys.modules}))"


def loaded(checkout: Checkout, statement: str) -> str:
    """Top-level packages that a statement loads, in a process of its own."""
    done = checkout.run(
        sys.executable, "-c", statement + LOADED, PYTHONPATH=str(checkout.root / "constructs")
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


PLAIN_IN_NODE = (
    "import sys; sys.path.insert(0, 'constructs');"
    "from ingestion_pipeline.synth_speed import bare_package, node; bare_package.register(node.PACKAGE);"
    "import main; main.main()"
)
"""Without the imports of the package's `__init__`, which take most of a minute without bytecode."""


def test_json_is_that_of_plain_imports(checkout: Checkout, by_hand: Path, tmp_path: Path) -> None:
    """The stack is byte for byte the one that Node makes of the whole package as shipped."""
    plain = {"INGESTION_PLAIN_IMPORTS": "1", "CDKTF_OUTDIR": str(tmp_path)}
    done = checkout.run(sys.executable, "-c", PLAIN_IN_NODE, **plain)  # type: ignore[arg-type]

    assert (done.returncode, done.stderr) == (0, "")
    assert synthesized_file(tmp_path).read_bytes() == synthesized_file(by_hand).read_bytes()


def test_an_init_that_does_not_run_only_imports() -> None:
    """Beside the names that it has from others, the package's ``__init__`` imports its modules one by one."""
    spec = importlib.util.find_spec(node.PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    others = [ast.unparse(each) for each in tree.body if not isinstance(each, (ast.Import, ast.ImportFrom))]
    modules = {
        alias.name
        for each in tree.body
        if isinstance(each, ast.ImportFrom) and ast.unparse(each).startswith("from . ")
        for alias in each.names
    }

    assert [text.split("(")[0].split(" = ")[0] for text in others[1:]] == [
        "__path__",
        "TYPEGUARD_MAJOR_VERSION",
        "def check_type",
        "__all__",
        "publication.publish",
    ]
    assert len(modules) > 1_500
    assert all(Path(spec.origin).with_name(name).is_dir() for name in modules)


def test_only_what_is_used_is_imported(checkout: Checkout) -> None:
    """Of the bindings' some 1,500 modules a stack loads those that it names."""
    statement = (
        "import ingestion_pipeline.stack, sys;"
        "print(sum(name.startswith('cdktf_cdktf_provider_aws.') for name in sys.modules), end=' ')"
    )
    count = int(loaded(checkout, statement).split()[0])

    assert 15 < count < 100


@pytest.mark.parametrize(
    "statement",
    [
        "from ingestion_pipeline import Settings, SettingsError, StreamSettings",
        "from ingestion_pipeline.settings.file import read",
        "from ingestion_pipeline.settings import names; from ingestion_pipeline.code import bundle",
    ],
)
def test_settings_start_no_node(checkout: Checkout, statement: str) -> None:
    """Whoever only reads settings does not wait for jsii."""
    packages = loaded(checkout, statement)

    assert "'ingestion_pipeline'" in packages
    assert "'jsii'" not in packages


def test_bindings_that_are_not_installed(checkout: Checkout) -> None:
    """Without the bindings the message names the commands that install them."""
    program = (
        "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p];"
        "sys.path.insert(0, 'constructs'); import ingestion_pipeline.bindings"
    )
    done = checkout.run(sys.executable, "-c", program)

    assert "No module named 'cdktf_cdktf_provider_aws'; `make synth` installs it" in done.stderr

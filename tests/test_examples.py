"""The examples and the commands in the documents follow the project's own advice."""

import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.settings import TABLES
from tests.checkout import ROOT, WITH_SMALL_ZIP

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "tools/module/files/*.md")
    for path in ROOT.glob(pattern)
)
INVOKE = re.compile(r"^aws lambda invoke\b(?:.*\\\n)*.*", re.MULTILINE)
INVOCATIONS = [
    pytest.param(command, id=f"{path.relative_to(ROOT)}-{index}")
    for path in DOCUMENTS
    for index, command in enumerate(INVOKE.findall(path.read_text(encoding="utf-8")))
]

TOML_BLOCKS = [
    pytest.param(block, id=f"{page}-{index}")
    for page in (
        *("keys.md", "network.md", "sources.md"),
        *(f"sources/{path.name}" for path in sorted((ROOT / "docs" / "sources").glob("*.md"))),
    )
    for index, block in enumerate(
        re.findall(
            r"^```toml\n(.*?)^```",
            (ROOT / "docs" / page).read_text(encoding="utf-8"),
            re.DOTALL | re.MULTILINE,
        )
    )
]


def test_the_app_locks_its_state(example_stack: dict[str, Any]) -> None:
    """The example of a CDKTF app keeps two deploys apart, as the project's own stack does."""
    assert example_stack["terraform"]["backend"]["s3"]["use_lockfile"] is True


def test_the_sources_of_the_app_name_its_secret(example_stack: dict[str, Any]) -> None:
    """A secret's ARN, which only Terraform knows, is in the sources and in the hash that names them."""
    ((name, content),) = example_stack["locals"].items()
    stored = [o for o in example_stack["resource"]["aws_s3_object"].values() if name in o["content"]]

    assert json.loads(content)[0]["auth"]["secret_arn"] == "${aws_secretsmanager_secret.token.arn}"
    assert [(o["content"], o["key"]) for o in stored] == [
        (f"${{local.{name}}}", f"config/sources-${{sha256(local.{name})}}.json")
    ]


def test_sorted_imports_load_few_bindings(tmp_path: Path) -> None:
    """As the sorter of imports leaves it, the example prepares the bindings before it imports any."""
    app = tmp_path / "main.py"
    app.write_bytes((ROOT / "examples" / "cdktf-app" / "main.py").read_bytes())
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "I", "--fix", "main.py"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    program = (
        "import sys, main;print(sum(name.startswith('cdktf_cdktf_provider_aws.') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "constructs")},
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert 20 < int(done.stdout) < 100


@pytest.fixture(scope="module")
def example_stack(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the example of a CDKTF app synthesizes."""
    folder = tmp_path_factory.mktemp("example")
    done = subprocess.run(
        [sys.executable, "-c", WITH_SMALL_ZIP, ROOT / "examples" / "cdktf-app" / "main.py"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "constructs"),
            "STATE_BUCKET": "our-state",
            "ENV": "local",
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (stack,) = folder.glob("cdktf.out/stacks/*/cdk.tf.json")
    return json.loads(stack.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_the_documents_tell_how_to_invoke() -> None:
    """At least the module's README has the command."""
    assert INVOCATIONS != []


@pytest.mark.parametrize("command", INVOCATIONS)
def test_an_invocation_is_one_of_version_2(command: str) -> None:
    """Version 2 of the command line takes a payload for base64, and repeats a call after 60 seconds."""
    assert "--cli-binary-format raw-in-base64-out" in command
    assert "--invocation-type Event" in command


@pytest.mark.parametrize("block", TOML_BLOCKS)
def test_settings_in_a_page_are_accepted(tmp_path: Path, block: str) -> None:
    """Every TOML block of these pages is a file of settings, for each environment that it names."""
    file = tmp_path / "pipeline.toml"
    file.write_text(block if "[environments." in block else f"{block}[environments.dev]\n", encoding="utf-8")
    environments = list(tomllib.loads(file.read_text(encoding="utf-8"))["environments"])

    assert [read(file, name).environment for name in environments] == environments


def test_settings_that_the_guarantees_name_exist() -> None:
    """The page's `table.setting` are those of pipeline.toml."""
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    named = re.findall(rf"`({'|'.join(TABLES)})\.(\w+)`", text)
    known = {(name, column.name) for name, table in TABLES.items() for column in fields(table)}  # type: ignore[arg-type]

    assert {*named} - known == set()

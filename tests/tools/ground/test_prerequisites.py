import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.ground import prerequisites

GOOD = {"node": "v22.11.0", "npm": "10.9.0", "terraform": "Terraform v1.11.4\non linux_amd64"}


def checked(
    folder: Path, versions: dict[str, str], root: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """What the check prints on a machine with these tools, each a program that prints its version."""
    for name, version in versions.items():
        tool = folder / name
        tool.write_text(f"#!/bin/sh\necho '{version}'\n", encoding="utf-8")
        tool.chmod(0o755)
    return subprocess.run(
        [sys.executable, root / "tools" / "ground" / "prerequisites.py", *options],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


class TestDefaults:
    def test_prints_nothing_if_all_is_installed(self, root: Path, tmp_path: Path) -> None:
        """If every tool is installed, nothing is printed."""
        done = checked(tmp_path, GOOD, root)

        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    @pytest.mark.parametrize(
        "versions",
        [
            {"node": "v20.0.0"},
            {"node": "v23.99.9"},
            {"npm": "9.0.0"},
            {"terraform": "Terraform v1.10.0"},
            {"terraform": "Terraform v2.0.0"},
            {"terraform": "Terraform v1.11.4\n\nYour version of Terraform is out of date! Latest is 1.99.0"},
        ],
        ids=str,
    )
    def test_limits_are_allowed(self, root: Path, tmp_path: Path, versions: dict[str, str]) -> None:
        """The oldest and the newest supported versions pass, whatever else the tools print."""
        done = checked(tmp_path, {**GOOD, **versions}, root)

        assert done.stderr == ""

    def test_a_tool_that_is_not_needed_may_be_missing(self, root: Path, tmp_path: Path) -> None:
        """`make unit` needs no Terraform."""
        versions = {name: version for name, version in GOOD.items() if name != "terraform"}
        done = checked(tmp_path, versions, root, "--without", "terraform")

        assert (done.returncode, done.stderr) == (0, "")


class TestGuarded:
    @pytest.mark.parametrize(
        ("versions", "line"),
        [
            (
                {"node": "v19.9.9"},
                "Node.js is version 19.9.9, but 20.0 or newer, below 24 is needed: https://nodejs.org/en/download",
            ),
            (
                {"node": "v24.0.0"},
                "Node.js is version 24.0.0, but 20.0 or newer, below 24 is needed: https://nodejs.org/en/download",
            ),
            ({"npm": "8.19.4"}, "npm is version 8.19.4, but 9.0 or newer is needed: comes with Node.js"),
            (
                {"terraform": "Terraform v1.9.8"},
                "Terraform is version 1.9.8, but 1.10 or newer is needed: https://developer.hashicorp.com/",
            ),
            ({"terraform": "no version here"}, "Terraform (terraform) is missing, 1.10 or newer is needed: "),
        ],
        ids=str,
    )
    def test_an_unsupported_version(
        self, root: Path, tmp_path: Path, versions: dict[str, str], line: str
    ) -> None:
        """The message names the version found, the version needed and where to get it."""
        done = checked(tmp_path, {**GOOD, **versions}, root)
        head, *lines = done.stderr.splitlines()

        assert (done.returncode, head) == (1, "Something is missing on this machine:")
        assert [text.startswith(f"  - {line}") for text in lines] == [True]

    def test_everything_that_is_missing_at_once(self, root: Path, tmp_path: Path) -> None:
        """On an empty machine all three tools are listed."""
        done = checked(tmp_path, {}, root)

        assert [line.split(" is missing")[0] for line in done.stderr.splitlines()[1:]] == [
            "  - Node.js (node)",
            "  - npm (npm)",
            "  - Terraform (terraform)",
        ]

    def test_a_tool_that_does_not_start(self, root: Path, tmp_path: Path) -> None:
        """A tool that cannot run counts as missing."""
        checked(tmp_path, GOOD, root)
        (tmp_path / "node").write_text("#!/bin/sh\necho v22.0.0\nexit 1\n", encoding="utf-8")
        done = checked(tmp_path, {}, root)

        assert "  - Node.js (node) is missing" in done.stderr

    @pytest.mark.parametrize(("bound", "version"), [("PYTHON", (99, 0)), ("PYTHON_TOO_NEW", (3, 11))])
    def test_a_python_that_is_too_old_or_too_new(
        self, monkeypatch: pytest.MonkeyPatch, bound: str, version: tuple[int, int]
    ) -> None:
        """The message about Python says how to choose another one."""
        monkeypatch.setattr(prerequisites, bound, version)
        (first, *_) = prerequisites.check()

        assert first.startswith(f"Python is version {sys.version.split()[0]}, but 3.11 to 3.13 is needed")
        assert "make PYTHON=python3.12" in first

    def test_runs_on_an_old_python(self, root: Path) -> None:
        """An old Python can parse the file that says that it is too old."""
        text = (root / "tools" / "ground" / "prerequisites.py").read_text(encoding="utf-8")

        assert ast.parse(text, feature_version=(3, 6)).body != []


@pytest.mark.terraform
def test_this_machine_has_every_tool() -> None:
    """The machine that runs the tests has every tool."""
    assert prerequisites.check() == [], os.environ["PATH"]

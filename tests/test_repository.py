"""The files under version control, as a whole."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.checkout import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.MULTILINE)
INTERNAL = {"prerequisites"}
"""Targets that only other targets use."""


def tracked() -> list[Path]:
    """Every file under version control that exists in the checkout."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


class TestLocks:
    @pytest.mark.parametrize(
        ("name", "registry"),
        [
            ("Pipfile.lock", r"\"https://pypi\.org/simple\""),
            ("lambda/requirements.txt", "(?!)"),
        ],
    )
    def test_name_no_other_index(self, root: Path, name: str, registry: str) -> None:
        """A lock file names only public registries: no mirror, and no file on a machine."""
        lines = (root / name).read_text(encoding="utf-8").splitlines()
        places = [line for line in lines if re.search(r"\w://|\bfile:|--[a-z-]*(index|links|host)", line)]

        assert [line for line in places if not re.search(registry, line)] == []

    def test_python_index_is_pypi(self, root: Path) -> None:
        """Pipenv installs from PyPI and verifies its certificate."""
        sources = json.loads((root / "Pipfile.lock").read_text(encoding="utf-8"))["_meta"]["sources"]

        assert sources == [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}]

    def test_every_python_package_has_its_hashes(self, root: Path) -> None:
        """Every package is pinned by version and hash."""
        lock = json.loads((root / "Pipfile.lock").read_text(encoding="utf-8"))
        loose = [
            name
            for section in ("default", "develop")
            for name, package in lock[section].items()
            if not package.get("hashes") or not package.get("version", "").startswith("==")
        ]

        assert loose == []

    def test_every_node_package_is_npms_with_its_hash(self, root: Path) -> None:
        """Every npm package is pinned by hash and comes from npm's registry."""
        registry = "https://registry.npmjs.org/"
        packages = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        loose = [
            name
            for name, package in packages.items()
            if name and not package.get("inBundle")
            if not package.get("integrity", "").startswith("sha512-")
            or not package.get("resolved", registry).startswith(registry)
        ]

        assert loose == []

    def test_provider_lock_is_within_the_promise(self, root: Path) -> None:
        """The locked provider is HashiCorp's, of a version that the stack allows, with checksums."""
        lock = (root / ".terraform.lock.hcl").read_text(encoding="utf-8")
        (version,) = re.findall(r"^  version\s*= \"(\d+)\.(\d+)\.\d+\"$", lock, re.MULTILINE)

        assert re.findall(r"^provider \"(.+)\"", lock, re.MULTILINE) == [
            "registry.terraform.io/hashicorp/aws"
        ]
        assert (5, 100) <= tuple(map(int, version)) < (7, 0)
        assert re.search(r"\"(h1|zh):", lock)


class TestMakefile:
    def test_lists_every_target_in_one_line(self, root: Path) -> None:
        """`make help`, and `make` alone, print each target with its sentence."""
        done = subprocess.run(
            ["make", "--no-print-directory"], cwd=root, capture_output=True, text=True, check=True
        )
        listed = re.findall(r"^  make ([a-z-]+) +(\S.+)$", done.stdout, re.MULTILINE)

        assert [name for name, _ in listed] == [target for target in TARGETS if target not in INTERNAL]

    def test_the_list_fits_a_terminal(self, root: Path) -> None:
        """No line of `make help` is longer than 80 characters."""
        done = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True)

        assert [line for line in done.stdout.splitlines() if len(line) > 80] == []

    def test_every_target_is_no_file(self) -> None:
        """Each target runs even if a folder has its name, as docs/ has."""
        (phony,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)

        assert set(TARGETS) <= set(phony.split())

    @pytest.mark.parametrize(
        "target",
        ["help", "demo", "test", "unit", "check", "synth", "plan", "deploy", "destroy", "bootstrap", "bench"],
    )
    def test_has_what_was_promised(self, target: str) -> None:
        """Every command of the design is there."""
        assert target in TARGETS

    def test_unit_leaves_out_declared_markers(self, root: Path) -> None:
        """A mistyped marker would leave nothing out and would not be noticed."""
        settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        declared = {each.split(":")[0] for each in settings["tool"]["pytest"]["ini_options"]["markers"]}
        (selection,) = re.findall(r"-m '(not .+)'", MAKEFILE)

        assert set(re.findall(r"not (\w+)", selection)) == declared


class TestFiles:
    @pytest.mark.parametrize(
        "name",
        [
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE",
            "Pipfile",
            "Pipfile.lock",
            "package-lock.json",
            ".terraform.lock.hcl",
            ".editorconfig",
            ".gitignore",
            ".pre-commit-config.yaml",
            ".ci/run",
        ],
    )
    def test_are_there(self, root: Path, name: str) -> None:
        """The project has the files that readers and tools expect."""
        assert (root / name).is_file()

    def test_license_is_the_one_that_is_named(self, root: Path) -> None:
        """LICENSE has the text of the license that package.json names."""
        named = json.loads((root / "package.json").read_text(encoding="utf-8"))["license"]
        text = (root / "LICENSE").read_text(encoding="utf-8")

        assert named == "Apache-2.0"
        assert re.search(r"Apache License\s+Version 2\.0", text)

    def test_name_no_place_of_a_machine(self) -> None:
        """No file has the path of a checkout or of a home directory."""
        folders = re.compile(
            rb"(?<![\w.{}-])(/(?:home|Users|root|workspace)/[\w.-]+/|" + re.escape(bytes(ROOT)) + rb"\b)"
        )
        found = [
            (file.relative_to(ROOT).as_posix(), match[0])
            for file in tracked()
            if (match := folders.search(file.read_bytes()))
        ]

        assert found == []

    def test_what_is_made_is_not_tracked(self) -> None:
        """Nothing that a target makes is under version control."""
        made = re.compile(
            r"^(\.venv|build|dist|cdktf\.out|node_modules)/|(^|/)(__pycache__|\.terraform)/|tfstate"
        )

        assert [file for file in tracked() if made.search(file.relative_to(ROOT).as_posix())] == []

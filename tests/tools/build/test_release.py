"""What `make release` builds, and the module taken from a release as its README says."""

import os
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingestion_pipeline.settings.pages import REPOSITORY
from tests.checkout import ROOT
from tests.test_workflows import script
from tools.build import release
from tools.ground import terraform
from tools.ground.version import version
from tools.module.emit import NAME
from tools.module.versions import archive_source, git_source

pytestmark = pytest.mark.terraform

CALL = """
provider "aws" {
  region = "us-east-1"
}

module "ingestion" {
  source     = "THE_SOURCE"
  account_id = "123456789012"
  region     = "us-east-1"
}
"""
OTHER = f"sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release."""
    folder = tmp_path_factory.mktemp("release") / "dist"
    release.build(folder)
    return folder


@pytest.fixture(scope="module")
def archive(dist: Path) -> dict[str, bytes]:
    """Content of each file of the module's archive."""
    with zipfile.ZipFile(dist / f"{NAME}-{version()}.zip") as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.fixture(scope="module")
def origin(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository that the workflow has released to, from a clone that has what was built."""
    folder = tmp_path_factory.mktemp("origin")
    clone, bare, programs = folder / "clone", folder / "origin.git", folder / "programs"
    programs.mkdir()
    (programs / "gh").write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n', encoding="utf-8")
    (programs / "gh").chmod(0o755)
    variables = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": "/dev/null"}
    prepare = f"""
      git init --quiet --bare {bare}
      git clone --quiet {bare} {clone}
      cp {ROOT}/pyproject.toml {clone}
      cd {clone}
      git add pyproject.toml
      git -c user.name=a -c user.email=a@example.com commit --quiet --message first
      cp -r {dist} dist
    """
    for commands, place in ((prepare, folder), (script("Tag", "release"), clone)):
        command = ["bash", "-e", "-o", "pipefail", "-c", commands]
        subprocess.run(command, cwd=place, env=variables, check=True, capture_output=True)
    return bare


@pytest.fixture(scope="module")
def served(dist: Path) -> Iterator[str]:
    """Where the release's files are served from."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(dist))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_building_again_gives_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    """Neither the time nor the folder gets into an archive."""
    again = release.build(tmp_path)

    assert {path.name: path.read_bytes() for path in again} == {
        path.name: path.read_bytes() for path in dist.iterdir()
    }


def test_the_names_have_the_version(dist: Path) -> None:
    """An archive, a wheel and their checksums, and nothing else."""
    assert {path.name for path in dist.iterdir()} == {
        f"{NAME}-{version()}.zip",
        f"ingestion_pipeline-{version()}-py3-none-any.whl",
        "SHA256SUMS",
    }


def test_the_checksums_are_those_of_the_files(dist: Path) -> None:
    """`sha256sum` finds each file as it was built."""
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=dist,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.count(": OK") == len(list(dist.iterdir())) - 1


def test_the_tag_has_the_module_beside_the_code(origin: Path, archive: dict[str, bytes]) -> None:
    """What Terraform takes from the tag is what the archive holds."""
    tree = _git(origin, "ls-tree", "-r", "--name-only", f"v{version()}").split()

    assert sorted(tree) == sorted(["pyproject.toml", *(f"{NAME}/{name}" for name in archive)])


def test_the_branch_stays_as_it_is(origin: Path) -> None:
    """The commit with the module is on no branch."""
    assert _git(origin, "branch", "--list") == ""


def test_the_release_has_every_file(origin: Path, dist: Path) -> None:
    """The archive, the wheel and the checksums are attached to the tag."""
    calls = (origin.parent / "calls").read_text(encoding="utf-8").splitlines()
    files = " ".join(f"dist/{name}" for name in sorted(path.name for path in dist.iterdir()))

    assert [call for call in calls if call.startswith(f"release create v{version()} {files} --verify-tag")]


def test_terraform_takes_the_module_from_the_tag(
    origin: Path, archive: dict[str, bytes], tmp_path: Path
) -> None:
    """The `source` of the README initializes and is valid."""
    source = git_source(NAME, version()).replace(f"https://{REPOSITORY}.git", f"file://{origin}")
    _initialize(tmp_path, source)
    taken = tmp_path / ".terraform" / "modules" / "ingestion" / NAME

    assert "Success" in terraform.run(["validate", "-no-color"], tmp_path, quiet=True)
    assert {name: (taken / name).read_bytes() for name in archive} == archive


def test_terraform_takes_the_module_from_the_archive(
    served: str, dist: Path, archive: dict[str, bytes], tmp_path: Path
) -> None:
    """The archive's address is a `source`, with its checksum from the release."""
    sums = dict(line.split()[::-1] for line in (dist / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    address = _archive(served)
    _initialize(tmp_path, f"{address}?checksum=sha256:{sums[address.rpartition('/')[2]]}")
    taken = tmp_path / ".terraform" / "modules" / "ingestion"

    assert {name: (taken / name).read_bytes() for name in archive} == archive


def test_terraform_refuses_another_archive(served: str, tmp_path: Path) -> None:
    """An archive that has not the checksum is not used."""
    with pytest.raises(terraform.TerraformError, match="Checksums did not match"):
        _initialize(tmp_path, f"{_archive(served)}?checksum={OTHER}")


def _archive(served: str) -> str:
    """The archive's address, as the README has it, on the local server."""
    return f"{served}/{archive_source(NAME, version()).rpartition('/')[2]}"


def _initialize(folder: Path, source: str) -> None:
    (folder / "main.tf").write_text(CALL.replace("THE_SOURCE", source), encoding="utf-8")
    terraform.run(["init", "-input=false", "-no-color"], folder, quiet=True)


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout

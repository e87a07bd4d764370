"""The documents of the module: README with its generated parts, CHANGELOG and UPGRADE."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from ingestion_pipeline.code.target import Target
from ingestion_pipeline.settings.sources.permissions import SCHEMA
from tests.checkout import ROOT
from tools.module import source_keys
from tools.module.emit import NAME, emit
from tools.module.source_keys import Undocumented

pytestmark = pytest.mark.usefixtures("only_small_zips")

SOURCE = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module, emitted."""
    folder = tmp_path_factory.mktemp("documents") / NAME
    emit(folder, Target("python3.13", "arm64"))
    return folder


@pytest.fixture(scope="module")
def readme(module: Path) -> str:
    """Its README."""
    return (module / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SOURCE)
def test_every_key_of_a_source_is_in_a_table(readme: str, name: str) -> None:
    """Each object has a table with its keys, and no other."""
    keys = {*SOURCE[name]["properties"]} - {"kind"}
    rows = [set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) for table in readme.split("\n\n")]

    assert keys in rows or not keys


def test_a_key_that_the_document_lacks_stops_the_emitter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new key has its meaning in docs/sources before anything is released; the error names it."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in source_keys.PAGES)
    (tmp_path / "sources.md").write_text(re.sub(r"\| `audience` .*\n", "", text), encoding="utf-8")
    monkeypatch.setattr(source_keys, "PAGES", (tmp_path / "sources.md",))

    with pytest.raises(Undocumented, match="does not have audience"):
        source_keys.source_keys()


def test_every_example_is_in_the_readme(module: Path, readme: str) -> None:
    """Nobody has to look into the folder to know what there is."""
    examples = {path.name for path in (module / "examples").iterdir()}

    assert set(re.findall(r"\]\(examples/([\w-]+)\)", readme)) == examples


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "UPGRADE.md"])
def test_every_link_leads_somewhere(module: Path, name: str) -> None:
    """A link is an address, a file of the module, or a heading or an anchor of the document."""
    text = (module / name).read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    known = {f"#{each}" for each in {*headings, *re.findall(r'<a name="(\w+)">', text)}}
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("https://")]

    assert [link for link in links if link not in known and not (module / link).exists()] == []


def test_the_usage_names_the_version(readme: str) -> None:
    """What is copied from the README is the version that the README belongs to."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert f"//{NAME}?ref=v{version}" in readme.partition("## Examples")[0]


def test_usage_comes_first(readme: str) -> None:
    """The sections come in the order in which they are needed."""
    titles = re.findall(r"^## (.*)$", readme, re.MULTILINE)

    assert titles[:9] == [
        "Usage",
        "Examples",
        "Versions",
        "Requirements",
        "Providers",
        "Resources",
        "Inputs",
        "Keys of a source",
        "Outputs",
    ]


def test_the_upgrade_is_the_chapter_about_the_module(module: Path) -> None:
    """It says what to do, and nothing about the stack."""
    text = (module / "UPGRADE.md").read_text(encoding="utf-8")

    assert ("`terraform init`" in text, "make plan" in text, "\n## " in text) == (
        True,
        False,
        False,
    )

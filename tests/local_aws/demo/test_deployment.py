"""The settings that a demo deploys with."""

from dataclasses import replace
from pathlib import Path

import pytest

from ingestion_pipeline.settings.file import read
from local_aws.demo.deployment import ENVIRONMENT, with_packing
from tests.checkout import ROOT

OWN = '[environments.local.fetch]\nallow_http = true\npacking = "none"\n\n[lake]\nexpire_days = 3\n'


@pytest.mark.parametrize("packing", ["lines", "gzip", "none"])
def test_the_packing_is_all_that_changes(tmp_path: Path, packing: str) -> None:
    """The project's own settings are deployed, with the packing that was asked for."""
    own = ROOT / "pipeline.toml"
    other = tmp_path / "pipeline.toml"
    other.write_text(with_packing(own.read_text(encoding="utf-8"), packing), encoding="utf-8")
    before, after = read(own, ENVIRONMENT), read(other, ENVIRONMENT)

    assert after == replace(before, fetch=replace(before.fetch, packing=packing))


@pytest.mark.parametrize("text", [OWN, "[pipeline]\nname = 'orders'\n\n[environments.local.lake]\n"])
def test_any_file_takes_a_packing(tmp_path: Path, text: str) -> None:
    """A file with a packing for the environment, or without anything to fetch, gets the one asked for."""
    file = tmp_path / "pipeline.toml"
    file.write_text(with_packing(text, "gzip"), encoding="utf-8")

    assert read(file, ENVIRONMENT).fetch.packing == "gzip"

from pathlib import Path
from unittest import mock

import pytest

from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.alarms import AlarmSettings
from ingestion_pipeline.settings.tables.delivery import DeliverySettings
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from tests.checkout import synthesized_file
from tests.ingestion_pipeline.synthesized import stack_json
from tools.docs import generate
from tools.docs.diagram import mermaid
from tools.docs.generate import documents, with_parts
from tools.ground.paths import ROOT

pytestmark = pytest.mark.usefixtures("only_small_zips")


@pytest.fixture(scope="module")
def wanted(with_small_zip: Path) -> dict[str, str]:
    """The text that every generated file should have, by its path."""
    with mock.patch.object(generate, "synthesize", return_value=synthesized_file(with_small_zip).parent):
        return {path.relative_to(ROOT).as_posix(): text for path, text in documents().items()}


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/architecture.md",
        "docs/outputs.md",
        "docs/settings.md",
        "examples/cdktf-app/README.md",
        "constructs/ingestion_pipeline/settings/sources/schema.json",
        "lambda/url_fetcher/settings_variables.py",
    ],
)
def test_what_is_committed_is_what_is_generated(wanted: dict[str, str], name: str) -> None:
    """Every generated file is current; `make docs` writes it."""
    assert (ROOT / name).read_text(encoding="utf-8") == wanted[name]


def test_the_diagram_shows_every_path_of_records(wanted: dict[str, str]) -> None:
    """Records go from function to stream, delivery and bucket; failed events go to the queue."""
    edges = {line.strip() for line in wanted["README.md"].splitlines()}

    assert {
        "fetch_function -- records --> stream_stream",
        "stream_stream -- records --> delivery_delivery_stream",
        "delivery_delivery_stream -- objects by the hour --> lake_bucket",
        "fetch_function -. failed events .-> dead_letters_queue",
    } <= edges


def test_the_diagram_shows_both_packings_while_one_replaces_the_other(tmp_path: Path) -> None:
    """The function writes one stream; each stream has its own delivery into the same bucket."""
    both = Settings(fetch=FetchSettings(packing="gzip"), delivery=DeliverySettings(keep_former=True))
    edges = {line.strip() for line in mermaid(stack_json(both, tmp_path), short=True).splitlines()}
    records = {edge for edge in edges if "-- records -->" in edge or "-- objects" in edge}

    assert records == {
        "fetch_function -- records --> stream_gzip_stream",
        "stream_stream -- records --> delivery_delivery_stream",
        "stream_gzip_stream -- records --> delivery_delivery_stream_gzip",
        "delivery_delivery_stream -- objects by the hour --> lake_bucket",
        "delivery_delivery_stream_gzip -- objects by the hour --> lake_bucket",
    }


def test_the_diagram_shows_who_is_told(tmp_path: Path) -> None:
    """The alarms and their topic, if there are any."""
    lines = mermaid(
        stack_json(Settings(alarms=AlarmSettings(emails=("a@b.example",))), tmp_path)
    ).splitlines()

    assert {line.strip() for line in lines if "alarms_" in line} == {
        'alarms_topic[/"Topic of alarms<br/>data-ingestion-dev-alarms"/]',
        'alarms_metric{{"Alarms<br/>data-ingestion-dev"}}',
        'alarms_math{{"Alarms<br/>data-ingestion-dev"}}',
        "alarms_metric -. tell .-> alarms_topic",
        "alarms_math -. tell .-> alarms_topic",
    }


def test_a_part_replaces_only_what_is_between_its_marks() -> None:
    """The text around a generated part stays."""
    text = "before\n<!-- a -->\nold\n<!-- /a -->\nafter\n"

    assert with_parts(text, {"a": "new\n"}) == "before\n<!-- a -->\nnew\n<!-- /a -->\nafter\n"


def test_a_part_without_a_place_is_an_error() -> None:
    """A document without the marks of a part is refused."""
    with pytest.raises(ValueError, match="no <!-- a -->"):
        with_parts("nothing here", {"a": "new"})

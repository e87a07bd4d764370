"""That the sample API serves what it says, byte for byte, and is hard on careless readers."""

import json
from collections.abc import Iterator

import pytest
import requests

from local_aws.servers.sample_api import SampleApi
from local_aws.servers.sample_data import RECORD_COUNT, records, stored_form


@pytest.fixture(scope="module")
def api() -> Iterator[SampleApi]:
    """The API on a free port."""
    with SampleApi() as api:
        yield api


def test_the_array_holds_every_records_own_bytes(api: SampleApi) -> None:
    """Nothing but brackets, commas and line breaks stands between the records."""
    body = requests.get(api.url, timeout=10).content

    assert body == b"[\n" + b",\n".join(records()) + b"\n]\n"


def test_the_data_is_the_same_at_every_start() -> None:
    """Whoever compares can make the records anew."""
    first = records(50)
    records.cache_clear()

    assert records(50) == first


def test_every_record_is_valid_json_and_unlike_any_other() -> None:
    """They parse, ids count from 1, no two are equal."""
    ids = [json.loads(record)["id"] for record in records()]

    assert ids == list(range(1, RECORD_COUNT + 1))


def test_no_record_survives_a_reserialization() -> None:
    """Parsing and writing again changes each one: who re-serializes cannot pass for faithful."""
    survivors = [
        record
        for record in records()
        for ascii_only in (True, False)
        if json.dumps(json.loads(record), ensure_ascii=ascii_only).encode() == stored_form(record)
    ]

    assert survivors == []


def test_following_the_links_yields_every_record_once(api: SampleApi) -> None:
    """Pages end where there is no next link."""
    ids: list[int] = []
    url: str | None = f"{api.url}?page=1&per_page=120"
    while url:
        page = requests.get(url, timeout=10)
        ids += [record["id"] for record in page.json()]
        url = page.links.get("next", {}).get("url")

    assert ids == list(range(1, RECORD_COUNT + 1))


def test_the_lines_are_the_stored_form_of_each_record(api: SampleApi) -> None:
    """No line break is left inside a line."""
    lines = requests.get(api.url + ".ndjson", timeout=10).content.splitlines()

    assert lines == [stored_form(record) for record in records()]


@pytest.mark.parametrize(
    ("suffix", "status"), [("?page=0", 400), ("?page=x", 400), ("?page=1&per_page=501", 400), ("x", 404)]
)
def test_a_bad_question_is_refused(api: SampleApi, suffix: str, status: int) -> None:
    """Pages out of range and unknown paths are errors, not empty lists."""
    assert requests.get(api.url + suffix, timeout=10).status_code == status

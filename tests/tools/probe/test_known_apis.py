"""The probe against servers that page as known APIs do: its block reads everything, or it says that not."""

import json
import tomllib
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_aws.servers.hostile_source import HostileSource
from tests.recipes.recipe import ingest
from tests.tools.probe.known_apis import KNOWN
from tools.probe.__main__ import main
from tools.probe.client import MAX_REQUESTS


def values_of(records: list[Any]) -> list[str]:
    """The records in one order, each as often as it came."""
    return sorted(map(json.dumps, records))


@pytest.mark.parametrize("name", KNOWN)
def test_the_block_reads_everything_or_the_probe_says_so(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status is 1 if the source has more; else the function reads every record once."""
    api = KNOWN[name]
    with HostileSource({urlsplit(api.url).path: api.behaviour}) as server:
        body = ["--body", json.dumps(api.body)] if api.body else []
        code = main(["--url", server.url(api.url), *body], {})
        probed = len(server.requests)
        said = capsys.readouterr().out
        if not api.has_more:
            (source,) = tomllib.loads(said.rpartition("\n\n")[2])["sources"]
            read = ingest(source).values

    assert (code, probed <= MAX_REQUESTS, "MORE  " in said) == (int(api.has_more), True, api.has_more), said
    assert api.has_more or values_of(read) == values_of(list(api.records)), said

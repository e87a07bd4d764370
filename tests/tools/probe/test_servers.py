"""The probe against the server of each recipe: what it proposes ingests every record."""

import json
import tomllib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from ingestion_pipeline.settings.sources.sources import source_problems
from local_aws.servers.hostile_source import Behaviour, HostileSource
from tests.recipes import test_airtable as airtable
from tests.recipes import test_csv_export as csv_export
from tests.recipes import test_elasticsearch as elasticsearch
from tests.recipes import test_geojson_features as geojson
from tests.recipes import test_github as github
from tests.recipes import test_gitlab as gitlab
from tests.recipes import test_hubspot as hubspot
from tests.recipes import test_jira as jira
from tests.recipes import test_mediawiki as mediawiki
from tests.recipes import test_microsoft_graph as graph
from tests.recipes import test_notion as notion
from tests.recipes import test_nvd as nvd
from tests.recipes import test_opensearch as opensearch
from tests.recipes import test_rss_feed as rss
from tests.recipes import test_salesforce as salesforce
from tests.recipes import test_shopify as shopify
from tests.recipes import test_slack as slack
from tests.recipes import test_socrata as socrata
from tests.recipes import test_stripe as stripe
from tests.recipes import test_usgs as usgs
from tests.recipes import test_world_bank as world_bank
from tests.recipes import test_zendesk as zendesk
from tests.recipes.recipe import RecipeContract, Secret, Stream, at, ingest, recipe
from tools.probe.__main__ import main
from tools.probe.block import toml_block
from tools.probe.client import MAX_REQUESTS, Client, Secrets
from tools.probe.look import Look, look
from url_fetcher.clients import Clients
from url_fetcher.errors import SourceRejected

FOUND_BY_THE_PROBE = {"record_path", "pagination", "format", "csv", "fail_when", "retry_when"}


@dataclass(frozen=True)
class Case:
    """A recipe's server.

    Args:
        behaviours: Of the server.
        wanted: The records to come, in their order.
        secret: What the server demands.
        query: What a user asks for beside the recipe's query, such as the size of a page.
        index: Which source of the recipe.
        body: Of the request, beside the recipe's.
    """

    behaviours: Mapping[str, Behaviour]
    wanted: Callable[[], list[Any]]
    secret: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    index: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)


def _usgs() -> Case:
    return Case({"/fdsnws/event/1/query": usgs.query}, lambda: usgs.EVENTS, query={"limit": 5000})


def _of(contract: type[RecipeContract], **asked: Mapping[str, Any]) -> Callable[[], Case]:
    """The server of a recipe's own tests.

    Args:
        contract: Its tests.
        asked: The query or body that a user asks for.
    """
    recipes = contract.case

    def made() -> Case:
        api = recipes.api()
        records = lambda: list(getattr(api, recipes.records))  # noqa: E731
        return Case(contract().behaviours(api), records, recipes.secret, index=recipes.index, **asked)

    return made


CASES: dict[str, Callable[[], Case]] = {
    "usgs-earthquakes": _usgs,
    "world-bank": _of(world_bank.TestWorldBank, query={"per_page": 1000}),
    "mediawiki": _of(mediawiki.TestMediaWiki),
    "stripe": _of(stripe.TestStripe),
    "github": _of(github.TestGitHub),
    "gitlab": _of(gitlab.TestIssues),
    "gitlab-1": _of(gitlab.TestProjects),
    "microsoft-graph": _of(graph.TestMicrosoftGraph),
    "socrata": _of(socrata.TestSocrata, query={"$limit": 10}),
    "shopify": _of(shopify.TestShopify),
    "csv-export": _of(csv_export.TestCsvExport),
    "rss-feed": _of(rss.TestRssFeed),
    "elasticsearch": _of(elasticsearch.TestElasticsearch, body={"size": 10}),
    "opensearch": _of(opensearch.TestOpenSearch, body={"size": 10}),
    "airtable": _of(airtable.TestAirtable),
    "hubspot": _of(hubspot.TestHubSpot),
    "jira": _of(jira.TestJira),
    "notion": _of(notion.TestNotion),
    "nvd": _of(nvd.TestNvd, query={"resultsPerPage": 4}),
    "salesforce": _of(salesforce.TestSalesforce),
    "slack": _of(slack.TestSlack),
    "zendesk": _of(zendesk.TestZendesk),
    "geojson-features": _of(geojson.TestByOffset),
    "geojson-features-1": _of(geojson.TestByLink),
}


@contextmanager
def served(name: str, *, as_is: bool = False) -> Iterator[tuple[dict[str, Any], Case, HostileSource]]:
    """The source as a user knows it before the probe, at the recipe's server; or the recipe as it is."""
    case = CASES[name]()
    with HostileSource(case.behaviours) as server:
        for api in case.behaviours.values():
            if getattr(api, "url", None) == "":
                api.url = server.url("")  # type: ignore[attr-defined]
        source = at(server, recipe(name.removesuffix("-1"), case.index))
        if not as_is:
            source = {key: value for key, value in source.items() if key not in FOUND_BY_THE_PROBE}
            source |= {"query": source.get("query", {}) | case.query} if case.query else {}
        source |= {"body": source["body"] | case.body} if case.body else {}
        yield source, case, server


@pytest.fixture(autouse=True)
def own_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys that sign requests."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", opensearch.SIGNER.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", opensearch.SIGNER.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", opensearch.SIGNER.token)


def looked(source: Mapping[str, Any], case: Case) -> Look:
    """What the probe finds."""
    clients = Clients(kinesis=Stream(), secrets_manager=Secret(case.secret))
    secrets = Secrets(open_cache=lambda: clients.secrets, own_role=lambda: clients.own_role)
    client = Client(secrets)
    try:
        return look(source, client)
    finally:
        client.close()


def in_order(name: str, values: list[Any]) -> list[str]:
    """The records in one order, each as often as it came; of windows, a bound's records come twice."""
    texts = sorted(map(repr, values))
    return sorted(set(texts)) if name == "nvd" else texts


@pytest.mark.parametrize("name", CASES)
def test_the_proposal_ingests_every_record(name: str) -> None:
    """As the printed block has it, read back from TOML, in which pipeline.toml finds no mistake.

    What is proposed for a source of several pages was tried, with no more requests than are said.
    """
    with served(name) as (source, case, server):
        found = looked(source, case)
        requests = len(server.requests)
        (proposed,) = sources = tomllib.loads(toml_block(found.settings, found.doubts))["sources"]
        stream = ingest(proposed, secret=case.secret)

    assert in_order(name, stream.values) == in_order(name, case.wanted()), (found.settings, found.doubts)
    assert (source_problems(sources), 1 <= requests <= MAX_REQUESTS) == ([], True)
    assert found.is_verified or name in ("csv-export", "rss-feed"), found.doubts


@pytest.mark.parametrize("name", CASES)
def test_the_recipe_passes_the_check(name: str) -> None:
    """A configured source that works has no complaint."""
    with served(name, as_is=True) as (source, case, _):
        found = looked(source, case)

    assert not found.is_broken, found.checks


def test_an_error_in_a_good_answer_is_told() -> None:
    """By the configured source's own conditions, with the API's words."""
    with served("slack", as_is=True) as (source, case, _), pytest.raises(SourceRejected) as caught:
        looked(source | {"query": {"channel": "other"}}, case)

    assert "channel_not_found" in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "usgs-earthquakes", "world-bank", "mediawiki", "stripe", "github", "gitlab", "gitlab-1", "socrata",
        "shopify", "rss-feed", "airtable", "slack", "csv-export", "jira", "zendesk", "geojson-features",
        "geojson-features-1", "hubspot", "notion", "elasticsearch",
    ],
)  # fmt: skip
def test_a_url_alone_is_enough(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With headers, a body, and the secret in the environment; what is printed ingests every record."""
    with served(name) as (source, case, server):
        query = f"?{urlencode(source['query'])}" if source.get("query") else ""
        headers = [f"--header={key}: {value}" for key, value in source.get("headers", {}).items()]
        body = ["--body", json.dumps(source["body"])] if source.get("body") else []
        main(["--url", f"{source['url']}{query}", *headers, *body], environment(source, case.secret))
        probed = len(server.requests)
        said = capsys.readouterr().out
        (proposed,) = tomllib.loads(said.rpartition("\n\n")[2])["sources"]
        stream = ingest(proposed, secret=case.secret)

    assert in_order(name, stream.values) == in_order(name, case.wanted()), said
    assert (probed <= MAX_REQUESTS, [each for each in case.secret.values() if each in said]) == (True, [])


def environment(source: Mapping[str, Any], secret: Mapping[str, str]) -> dict[str, str]:
    """The variables that a user sets for the secret."""
    if "token" in secret:
        return {"PROBE_AUTHORIZATION": f"{source['auth'].get('prefix', 'Bearer')} {secret['token']}"}
    if "api_key" in secret:
        return {"PROBE_API_KEY": f"{source['auth']['name']}: {secret['api_key']}"}
    if "password" in secret:
        text = f"{secret['username']}:{secret['password']}"
        return {"PROBE_AUTHORIZATION": f"Basic {b64encode(text.encode()).decode()}"}
    return {}

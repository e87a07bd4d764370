"""The probe against the server of each recipe: what it proposes ingests every record."""

import tomllib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from ingestion_pipeline.settings.sources.sources import source_problems
from local_aws.servers.aws_signature import signed
from local_aws.servers.hostile_source import Behaviour, HostileSource
from tests.recipes import search_index, test_airtable, test_csv_export, test_elasticsearch
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
from tests.recipes.recipe import Secret, Stream, at, ingest, recipe
from tools.probe.__main__ import main
from tools.probe.block import block
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


def _searched(behave: Callable[[Behaviour], Behaviour], secret: Mapping[str, str]) -> Case:
    index = search_index.Index()
    wanted = lambda: index.hits(*range(45))  # noqa: E731
    return Case({search_index.PATH: behave(index)}, wanted, secret, body={"size": 10})


def _usgs() -> Case:
    return Case({"/fdsnws/event/1/query": usgs.query}, lambda: usgs.EVENTS, query={"limit": 5000})


def _world_bank() -> Case:
    bank = world_bank.WorldBank()
    path = "/v2/country/all/indicator/SP.POP.TOTL"
    return Case({path: bank}, lambda: bank.values, query={"per_page": 1000})


def _mediawiki() -> Case:
    wiki = mediawiki.Wiki()
    return Case({"/w/api.php": wiki}, lambda: wiki.changes)


def _stripe() -> Case:
    api = stripe.Stripe()
    wanted = lambda: [each for each in api.charges if each["created"] >= stripe.START]  # noqa: E731
    return Case({"/v1/charges": api}, wanted, stripe.SECRET)


def _github() -> Case:
    api = github.GitHub()
    return Case({github.PATH: api, github.BY_ID: api}, lambda: github.changed_since(api), github.SECRET)


def _gitlab(index: int) -> Case:
    api = gitlab.GitLab()
    path = (gitlab.ISSUES, gitlab.PROJECTS)[index]
    return Case({path: api}, lambda: api.wanted(path), gitlab.SECRET, index=index)


def _graph() -> Case:
    api = graph.Graph()
    token = "/contoso.onmicrosoft.com/oauth2/v2.0/token"
    return Case({"/v1.0/users": api.list_users, token: api.token}, lambda: api.users, graph.SECRET)


def _socrata() -> Case:
    rows = socrata.DataSet()
    return Case({socrata.PATH: rows}, lambda: rows.rows, socrata.SECRET, query={"$limit": 10})


def _shopify() -> Case:
    shop = shopify.Shop()
    wanted = lambda: [shop.orders[n] for n in reversed(range(45))]  # noqa: E731
    return Case({shopify.PATH: shop}, wanted, shopify.SECRET)


def _csv_export() -> Case:
    export = test_csv_export.Export()
    return Case({test_csv_export.PATH: export}, lambda: export.rows, test_csv_export.SECRET)


def _rss() -> Case:
    feed = rss.Feed()
    return Case({rss.PATH: feed}, lambda: feed.items[: rss.LATEST])


def _airtable() -> Case:
    api = test_airtable.Airtable()
    return Case({"/v0/appExample1234567/Tasks": api}, lambda: api.tasks, test_airtable.SECRET)


def _hubspot() -> Case:
    api = hubspot.HubSpot()
    path = "/crm/v3/objects/contacts/search"
    return Case({path: api}, lambda: hubspot.changed_since(api), hubspot.SECRET)


def _jira() -> Case:
    api = jira.Jira()
    return Case({"/rest/api/3/search/jql": api}, lambda: api.issues, jira.SECRET)


def _notion() -> Case:
    api = notion.Notion()
    return Case({notion.PATH: api}, lambda: notion.edited_since(api), notion.SECRET)


def _nvd() -> Case:
    api = nvd.Nvd()
    return Case({"/rest/json/cves/2.0": api}, lambda: api.cves, nvd.SECRET, query={"resultsPerPage": 4})


def _salesforce() -> Case:
    api = salesforce.Salesforce()
    pages: dict[str, Behaviour] = {
        f"{salesforce.LOCATOR}-{n}": api for n in range(salesforce.SERVED, 60, salesforce.SERVED)
    }
    first: dict[str, Behaviour] = {salesforce.QUERY: api, "/services/oauth2/token": api.token}
    return Case({**first, **pages}, lambda: api.accounts, salesforce.SECRET)


def _slack() -> Case:
    return Case({"/api/conversations.history": slack.Slack()}, lambda: slack.EXPECTED, slack.SECRET)


def _zendesk() -> Case:
    return Case({zendesk.PATH: zendesk.Zendesk()}, lambda: zendesk.EXPECTED, zendesk.SECRET)


def _geojson(index: int) -> Case:
    collection = geojson.Collection(("offset", "cursor")[index])
    path = (geojson.STATIONS, geojson.VINEYARDS)[index]
    return Case({path: collection}, lambda: collection.features, index=index)


CASES: dict[str, Callable[[], Case]] = {
    "usgs-earthquakes": _usgs,
    "world-bank": _world_bank,
    "mediawiki": _mediawiki,
    "stripe": _stripe,
    "github": _github,
    "gitlab": lambda: _gitlab(0),
    "gitlab-1": lambda: _gitlab(1),
    "microsoft-graph": _graph,
    "socrata": _socrata,
    "shopify": _shopify,
    "csv-export": _csv_export,
    "rss-feed": _rss,
    "elasticsearch": lambda: _searched(test_elasticsearch.with_key, test_elasticsearch.SECRET),
    "opensearch": lambda: _searched(lambda index: signed(index, opensearch.SIGNER), {}),
    "airtable": _airtable,
    "hubspot": _hubspot,
    "jira": _jira,
    "notion": _notion,
    "nvd": _nvd,
    "salesforce": _salesforce,
    "slack": _slack,
    "zendesk": _zendesk,
    "geojson-features": lambda: _geojson(0),
    "geojson-features-1": lambda: _geojson(1),
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
    """As the printed block has it, read back from TOML."""
    with served(name) as (source, case, _):
        found = looked(source, case)
        (proposed,) = tomllib.loads(block(found.settings, found.doubts))["sources"]
        stream = ingest(proposed, secret=case.secret)

    assert in_order(name, stream.values) == in_order(name, case.wanted()), (found.settings, found.doubts)


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"csv-export", "rss-feed"}))
def test_a_second_request_brought_other_records(name: str) -> None:
    """What is proposed for a source of several pages was tried."""
    with served(name) as (source, case, _):
        found = looked(source, case)

    assert found.is_verified, found.doubts


@pytest.mark.parametrize("name", CASES)
def test_the_proposal_is_accepted_by_pipeline_toml(name: str) -> None:
    """With the doubts as comments."""
    with served(name) as (source, case, _):
        found = looked(source, case)

    assert source_problems(tomllib.loads(block(found.settings, found.doubts))["sources"]) == []


@pytest.mark.parametrize("name", CASES)
def test_no_more_requests_are_sent_than_are_said(name: str) -> None:
    """Counted where they arrive, token servers included."""
    with served(name) as (source, case, server):
        looked(source, case)

    assert 1 <= len(server.requests) <= MAX_REQUESTS


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
        "geojson-features-1",
    ],
)  # fmt: skip
def test_a_url_alone_is_enough(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With headers and the secret in the environment; what is printed ingests every record."""
    with served(name) as (source, case, server):
        query = f"?{urlencode(source['query'])}" if source.get("query") else ""
        headers = [f"--header={key}: {value}" for key, value in source.get("headers", {}).items()]
        main(["--url", f"{source['url']}{query}", *headers], environment(source, case.secret))
        probed = len(server.requests)
        said = capsys.readouterr().out
        (proposed,) = tomllib.loads(said.rpartition("\n\n")[2])["sources"]
        stream = ingest(proposed, secret=case.secret)

    assert in_order(name, stream.values) == in_order(name, case.wanted()), said
    assert (probed <= MAX_REQUESTS, [each for each in case.secret.values() if each in said]) == (True, [])


def environment(source: Mapping[str, Any], secret: Mapping[str, str]) -> dict[str, str]:
    """The variables that a user sets for the secret."""
    if "token" in secret:
        return {"PROBE_AUTHORIZATION": f"Bearer {secret['token']}"}
    if "api_key" in secret:
        return {"PROBE_API_KEY": f"{source['auth']['name']}: {secret['api_key']}"}
    if "password" in secret:
        text = f"{secret['username']}:{secret['password']}"
        return {"PROBE_AUTHORIZATION": f"Basic {b64encode(text.encode()).decode()}"}
    return {}

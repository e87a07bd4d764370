"""The module's checks of its sources beside those of pipeline.toml: one schema, the same fields."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from ingestion_pipeline.settings.reach import unreachable
from ingestion_pipeline.settings.sources.permissions import SCHEMA
from ingestion_pipeline.settings.sources.sources import source_problems
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from tests.e2e.consumer import Consumer
from tests.test_sources_doc import EXAMPLES
from tools.module import hcl
from tools.module.checks import source_tables as source_checks
from tools.module.checks.source_tables import UnknownKeyword, source_tables
from tools.module.checks.validations import UnknownPattern
from tools.module.emit import TEMPLATES
from tools.module.local_values import source_rules

URL = "https://example.com/records"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ours-AbCdEf"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/ours"
BEARER = {"kind": "bearer", "secret_arn": ARN}
WINDOWS = {"from_parameter": "a", "to_parameter": "b", "start": "2024-01-01T00:00:00Z", "days": 1}


def source(**keys: Any) -> list[dict[str, Any]]:
    """One source with a URL and these keys."""
    return [{"url": URL, **keys}]


BAD: dict[str, Any] = {
    "no URL": [{"name": "a"}],
    "an empty source": [{}],
    "half a URL": source(url="https://"),
    "another scheme": source(url="ftp://example.com"),
    "a number for a URL": source(url=5),
    "a list for a URL": source(url=[URL]),
    "a URL without end": source(url=URL + "x" * 8192),
    "a name in upper case": source(name="Big"),
    "a name with a space": source(name="two words"),
    "a long name": source(name="a" * 64),
    "a misspelt key": source(pagintion={"kind": "page"}),
    "two misspelt keys": source(pagintion={"kind": "page"}, Name="a"),
    "a format nobody knows": source(format="yaml"),
    "a method nobody knows": source(method="PUT"),
    "a header that is a number": source(headers={"X-Tenant": 7}),
    "a secret in the query": source(query={"Api-Key": "s3cret"}),
    "headers that are a list": source(headers=["X-Tenant: 7"]),
    "a query of tables": source(query={"filter": {"a": 1}}),
    "a body that is a number": source(method="POST", body=5),
    "a body that is a list": source(method="POST", body=[1]),
    "a long record path": source(record_path="a" * 513),
    "no kind of authentication": source(auth={"secret_arn": ARN}),
    "an unknown kind": source(auth={"kind": "magic", "secret_arn": ARN}),
    "a kind that is a number": source(auth={"kind": 5}),
    "authentication that is a word": source(auth="bearer"),
    "no secret": source(auth={"kind": "bearer"}),
    "no ARN": source(auth={**BEARER, "secret_arn": "not an arn"}),
    "an ARN of another service": source(auth={**BEARER, "secret_arn": KEY}),
    "a key of another kind": source(auth={**BEARER, "username_key": "user"}),
    "no ARN of a key": source(auth={**BEARER, "kms_key": "alias/ours"}),
    "an empty key": source(auth={**BEARER, "secret_key": ""}),
    "a token server without a host": source(
        auth={"kind": "oauth2_client_credentials", "secret_arn": ARN, "token_url": "https://"}
    ),
    "pages as text": source(pagination={"kind": "page", "size": "100"}),
    "half a page": source(pagination={"kind": "page", "size": 1.5}),
    "pages before the first": source(pagination={"kind": "page", "first": -1}),
    "a truth as text": source(pagination={"kind": "page", "stop_on_short_page": "true"}),
    "a page's key at a cursor": source(pagination={"kind": "cursor", "size": 5}),
    "no pagination but a list": source(pagination=["page"]),
    "records as text": source(limits={"max_records": "5"}),
    "a truth for a number": source(limits={"max_records": True}),
    "no nesting": source(limits={"max_nesting": 0}),
    "a record over the stream's": source(limits={"max_record_kib": 1001}),
    "no time": source(limits={"timeout_seconds": 0}),
    "a limit nobody knows": source(limits={"max_pages": 5}),
    "limits that are a number": source(limits=5),
    "a long wait": source(rate={"min_interval_seconds": 61}),
    "too many attempts": source(retry={"max_attempts": 21}),
    "two characters between fields": source(csv={"delimiter": ";;"}),
    "a line end between fields": source(csv={"delimiter": "\n"}),
    "a character and a line end": source(csv={"quote": "'\n"}),
    "a column for a list": source(csv={"columns": "name"}),
    "a column that is a number": source(csv={"columns": ["name", 5]}),
    "an empty column": source(csv={"columns": ["name", ""]}),
    "a key nobody knows in CSV": source(csv={"seperator": ";"}),
    "a condition for a list": source(fail_when={"path": "ok", "equals": False}),
    "a word among conditions": source(record_path="a", fail_when=["ok"]),
    "a misspelt key of a condition": source(
        record_path="a", fail_when=[{"path": "a", "exists": True}, {"path": "b", "equal": 1, "exists": True}]
    ),
    "a condition on a list": source(record_path="a", fail_when=[{"path": "a", "equals": [1]}]),
    "a table among values": source(record_path="a", fail_when=[{"path": "a", "in": [1, {}]}]),
    "a condition on nothing": source(fail_when=[{"status": 404}, {}], empty_when=[{"message_path": "a"}]),
    "a condition on an empty path": source(retry_when=[{"path": "", "status": None}]),
    "a condition without a test": source(record_path="a", fail_when=[{"path": "a"}]),
    "a condition with an empty test": source(record_path="a", fail_when=[{"path": "a", "in": []}]),
    "a condition with two tests": source(
        record_path="a", fail_when=[{"path": "a", "in": [1], "exists": False}]
    ),
    "a test without a path": source(record_path="a", fail_when=[{"status": 404, "equals": 1, "in": ["a"]}]),
    "many values": source(record_path="a", fail_when=[{"path": "a", "in": list(range(101))}]),
    "many conditions": source(record_path="a", retry_when=[{"path": "a", "exists": True}] * 21),
    "half a path": source(record_path="/a~"),
    "windows without end": source(windows={**WINDOWS, "days": 0}),
    "a day for a time": source(windows={**WINDOWS, "start": "2024-01-01"}),
    "windows without a start": source(windows={"from_parameter": "a", "to_parameter": "b", "days": 1}),
    "windows that are a word": source(windows="daily"),
    "a page's number without pages": source(query={"q": "x {page}"}),
    "a cursor among pages": source(headers={"X-A": "{cursor}"}, pagination={"kind": "page"}),
    "an offset in a body": source(method="POST", body={"a": [{"b": ["SELECT {{{offset}"]}]}),
    "a window without windows": source(url=URL + "/{since}"),
    "a placeholder for a host": source(url="https://{page}.example.com/", pagination={"kind": "page"}),
    "windows of a week of seconds": source(
        windows={**{k: v for k, v in WINDOWS.items() if k != "days"}, "seconds": 604_800}
    ),
    "children elsewhere": source(children={"url": "https://b.example/{parent.id}"}),
    "children at another port": source(children={"url": "https://api.example:8443/{parent.id}"}),
    "children without their parent": source(children={"url": URL, "query": {"a": "{{parent.id}"}}),
    "children that are a word": source(children="items"),
    "a misspelt key of children": source(children={"url": URL + "/{parent.id}", "feilds": []}),
    "no URL of children": source(children={"query": {"a": "{parent.id}"}}),
    "no parents": source(children={"url": URL + "/{parent.id}", "max_parents": 0}),
    "a schedule in words": source(name="a", schedule="every hour"),
    "a schedule by seconds": source(name="a", schedule="rate(30 seconds)"),
    "a schedule of one hours": source(name="a", schedule="rate(1 hours)"),
    "a schedule of five fields": source(name="a", schedule="cron(0 8 * * ?)"),
    "a schedule on two days": source(name="a", schedule="cron(0 8 1 * MON *)"),
    "a schedule on any day twice": source(name="a", schedule="cron(0 8 ? * ? *)"),
    "a schedule in lower case": source(name="a", schedule="cron(0 8 ? * mon *)"),
    "a schedule without a name": source(schedule="rate(1 hour)"),
    "a schedule with an empty name": source(name="", schedule="rate(1 hour)"),
    "a time zone in words": source(name="a", schedule="rate(1 hour)", time_zone="Central Europe"),
    "two days of flexibility": source(name="a", schedule="rate(1 hour)", flexible_minutes=2880),
    "a switch in words": source(name="a", schedule="rate(1 hour)", enabled="yes"),
    "two of one name": [{"name": "a", "url": URL}, {"name": "a", "url": URL}, {"name": "b", "url": URL}],
    "mistakes in two sources": [{"url": "x", "name": "A"}, {"url": URL}, {"speed": 1}],
    "a key for a certificate": source(
        ca_certificates="-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"
    ),
    "a file for a certificate": source(ca_certificates="ca.pem"),
    "many certificates": source(ca_certificates="\n" * 65_537),
    "several mistakes in one": source(
        url="x", name="A", retry={"max_attempts": 0, "tries": 1}, auth={"kind": "x"}
    ),
    "words for sources": ["https://example.com", URL],
    "a word among sources": [{"url": URL}, "https://example.com"],
    "a list of lists": [[{"url": URL}]],
    "a table for a list": {"a": {"url": URL}},
    "one source for a list": {"url": URL},
    "a word": "https://example.com",
    "a number": 5,
    "a truth": True,
}
"""Sources that nobody means, by what is wrong with them."""

GOOD: dict[str, Any] = {
    "children at the same port": [
        {"url": "https://a.example/", "children": {"url": "https://A.example.:443/{parent.id}"}}
    ],
    "none": [],
    "nulls": source(
        auth=None, name=None, headers=None, limits={"max_records": None}, method="POST", body={"a": None}
    ),
    "nulls of another kind": source(pagination={"kind": "cursor", "size": None, "header": None}),
    "a null for a source": [None, {"url": URL}],
    "two without a name": [{"url": URL}, {"url": URL, "name": ""}, {"url": URL, "name": ""}],
    "values of every type": source(
        query={"a": 1, "b": "c", "d": True, "e": 1.5}, headers={"Accept": "text/csv"}
    ),
    "limits at their ends": source(
        limits={"max_records": 1_000_000_000, "timeout_seconds": 0.001, "max_nesting": 500}
    ),
    "no windows": source(windows=None),
    "placeholders with their values": source(
        url=URL + "/{since}?a={{page}",
        method="POST",
        query={"q": "x {cursor}", "n": 1},
        body={"a": [{"b": ["{until}", "{ page }", 1]}]},
        pagination={"kind": "cursor"},
        windows={"start": "2024-01-01T00:00:00Z", "seconds": 3600},
    ),
    "children": source(
        children={
            "url": URL + "/{parent./a~1b}/{cursor}",
            "pagination": {"kind": "cursor", "first": "0"},
            "fields": ["a.b"],
            "deliver_parents": False,
        }
    ),
    "signs of CSV": source(csv={"delimiter": "\t", "quote": "", "escape": "\\", "columns": []}),
    "values of every type in a condition": source(
        record_path="a",
        fail_when=[{"path": "/a~1b", "in": [1, "c", True, 1.5]}, {"path": "a", "equals": 1.5}],
    ),
    "tests that are not given": source(
        record_path="a",
        fail_when=[
            {"path": "a", "equals": None, "in": [], "exists": False},
            {"path": None, "status": 404, "equals": None, "in": []},
        ],
    ),
    "no schedule": source(schedule="", time_zone=None, flexible_minutes=None, enabled=None),
    "a schedule and nothing else": source(
        name="a", schedule="rate(1 day)", time_zone=None, flexible_minutes=None, enabled=None
    ),
    "a schedule with all": source(
        name="a",
        schedule="cron(0/15 8-17 ? JAN,FEB MON#1 2026-2199)",
        time_zone="America/Argentina/Buenos_Aires",
        flexible_minutes=1440,
        enabled=False,
    ),
    "a key": source(auth={**BEARER, "kms_key": KEY}),
    "no key": source(auth={**BEARER, "kms_key": ""}),
    **{f"{number}: {example['name']}": [example] for number, example in enumerate(EXAMPLES)},
    "every example": list({example["name"]: example for example in EXAMPLES}.values()),
}
"""Sources that are right, the examples of docs/sources.md among them."""

TYPED = {
    "a set": ('toset([{ url = "x" }])', ["sources[0].url"]),
    "a map of sources": ('tomap({ a = { url = "x" } })', ["sources"]),
    "a list of maps": (
        'tolist([tomap({ url = "https://a.example", format = "yaml" })])',
        ["sources[0].format"],
    ),
    "null": ("null", ["sources"]),
    "a list of nulls": ("[null, null]", []),
    "a list of strings": ('tolist(["a"])', ["sources[0]"]),
}
"""What only Terraform's types can be, and the fields that are refused."""


CLOSED, LISTED = "closed: ", "listed: "
"""How cases begin in which neither http nor private networks, or only some hosts, are allowed."""

PUBLIC = (
    *("10.example.com", "8.8.8.8", "192.0.1.1", "198.52.0.1", "localhost.example", "0xab.example"),
    *("[2606:4700::1111]", "[2001:4860:4860::8888]", "[3fff:1::1]"),
)

REACH: dict[str, Any] = {
    f"{CLOSED}{url}": source(url=url)
    for url in (
        *(
            "http://a.example/",
            "https://10.1.2.3/",
            "https://LOCALHOST./x",
            "https://127.1/",
            "https://0x7f.1/",
        ),
        *("https://2130706433/", "https://[::1]/", "https://[fd00::1]:8443/", "https://[::ffff:10.0.0.1]/"),
        *("https://169.254.169.254/latest", "https://100.64.0.1/", "https://172.31.0.1/?a=b"),
        *(
            "https://10.example.com/",
            "https://8.8.8.8/",
            "https://[2001:db8::1]/",
            "https://localhost.example/",
        ),
    )
} | {
    f"{LISTED}{url}": source(url=url)
    for url in (
        "https://api.example/x",
        "https://a.b.example.org",
        "https://example.org",
        "https://API.example:443",
    )
}
REACH |= {
    f"{CLOSED}token server": source(
        auth={"kind": "oauth2_client_credentials", "secret_arn": ARN, "token_url": "https://10.0.0.1/token"}
    ),
    f"{CLOSED}children": source(children={"url": "http://a.example/{parent.id}"}),
}
"""Sources that may be out of reach, by what is allowed and their URL."""
OPEN = {"allow_http": True, "allow_private_networks": True}
LIST = ["api.example", "*.example.org"]

CHECKS = """
variable "fetch_allow_http" {
  default = true
}

variable "fetch_allow_private_networks" {
  default = true
}

variable "fetch_allowed_hosts" {
  default = []
}

variable "sources" {
  type = any
}

output "problems" {
  value = local.source_problems
}
"""
ROOT_MODULE = """
locals {
  cases = CASES
}

module "case" {
  source   = "./checks"
  for_each = local.cases
  sources  = each.value

  fetch_allow_http             = !startswith(each.key, "CLOSED")
  fetch_allow_private_networks = !startswith(each.key, "CLOSED")
  fetch_allowed_hosts          = startswith(each.key, "LISTED") ? LIST : []
}

output "problems" {
  value = { for name, case in module.case : name => case.problems }
}
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the module's own checks say of everything above: one apply, without a provider."""
    typed = ", ".join(f"{json.dumps(name)} = {text}" for name, (text, _) in TYPED.items())
    cases = f"merge(jsondecode({hcl.quoted(json.dumps({**BAD, **GOOD, **REACH}))}), {{ {typed} }})"
    return told(tmp_path_factory.mktemp("sources") / "root", cases)


def told(folder: Path, cases: str) -> dict[str, list[str]]:
    """Every line that the module's own checks say of some sources, by their name.

    Args:
        folder: Where to apply; it is made.
        cases: Sources by name, as an expression of Terraform's.
    """
    checks = folder / "checks"
    checks.mkdir(parents=True)
    shutil.copy(TEMPLATES / "source_checks.tf", checks)
    (checks / "sources.tf").write_text(hcl.locals_([source_rules()]), encoding="utf-8")
    root_module = ROOT_MODULE
    for name, text in {"LISTED": LISTED, "CLOSED": CLOSED, " LIST ": f" {json.dumps(LIST)} "}.items():
        root_module = root_module.replace(name, text)
    (checks / "main.tf").write_text(CHECKS, encoding="utf-8")
    (folder / "main.tf").write_text(root_module.replace("CASES", cases), encoding="utf-8")
    root = Consumer(folder)
    root.must(None, "init", "-input=false")
    root.must(None, "apply", "-auto-approve", "-input=false")
    return {
        name: [line for lines in problems.values() for line in lines.splitlines()]
        for name, problems in root.outputs()["problems"].items()
    }


def fields_of(problems: list[str]) -> list[str]:
    """The field that each line names."""
    return sorted({re.split(r": | = ", problem)[0] for problem in problems})


@pytest.mark.terraform
@pytest.mark.parametrize("case", BAD)
def test_what_pipeline_toml_refuses_the_module_refuses(found: dict[str, list[str]], case: str) -> None:
    """Both name the same fields."""
    fields = sorted({problem.field for problem in source_problems(BAD[case])})

    assert fields
    assert fields_of(found[case]) == fields


@pytest.mark.terraform
@pytest.mark.parametrize("case", GOOD)
def test_what_pipeline_toml_takes_the_module_takes(found: dict[str, list[str]], case: str) -> None:
    """Neither is stricter."""
    assert (found[case], source_problems(GOOD[case])) == ([], [])


@pytest.mark.terraform
@pytest.mark.parametrize("case", REACH)
def test_what_pipeline_toml_cannot_reach_the_module_cannot(found: dict[str, list[str]], case: str) -> None:
    """Both refuse the same URLs by what `fetch` allows."""
    allowed: dict[str, Any] = {} if case.startswith(CLOSED) else OPEN
    fetch = FetchSettings(**allowed, allowed_hosts=tuple(LIST) if case.startswith(LISTED) else ())

    refused = sorted({each.field for each in unreachable(REACH[case], fetch)})

    assert fields_of(found[case]) == refused
    if case.startswith(CLOSED):
        assert bool(refused) == (case.removeprefix(f"{CLOSED}https://").strip("/") not in PUBLIC)


@pytest.mark.terraform
@pytest.mark.parametrize("case", TYPED)
def test_whatever_type_is_given_the_fields_are_named(found: dict[str, list[str]], case: str) -> None:
    """A collection of Terraform's own is checked as a tuple of objects is."""
    assert fields_of(found[case]) == TYPED[case][1]


@pytest.mark.terraform
def test_a_mistake_has_the_value_and_the_way_out(found: dict[str, list[str]]) -> None:
    """A line is like pipeline.toml's own."""
    cases = [
        *("half a URL", "no nesting", "a limit nobody knows", "a key for a certificate"),
        *("a condition on an empty path", "a condition without a test", "a test without a path"),
    ]
    assert [line for case in cases for line in found[case]] == [
        'sources[0].url = "https://": must be an https:// or http:// URL (README.md)',
        "sources[0].limits.max_nesting = 0: must be at least 1 (README.md)",
        "sources[0].limits.max_pages: is not a key; there are connect_timeout_seconds, max_body_mib, "
        "max_decompressed_mib, max_nesting, max_record_kib, max_records, read_timeout_seconds, "
        "timeout_seconds",
        "sources[0].ca_certificates = (hidden): must be certificates in PEM, -----BEGIN CERTIFICATE-----, "
        "and nothing else (README.md)",
        "sources[0].retry_when.0: needs status, because `path` is not set (README.md)",
        "sources[0].fail_when.0: needs exactly one of equals, in, exists, because `path` is set (README.md)",
        "sources[0].fail_when.0.equals: must not be set, because `path` is not set (README.md)",
        "sources[0].fail_when.0.in: must not be set, because `path` is not set (README.md)",
    ]


def amend(monkeypatch: pytest.MonkeyPatch, folder: Path, **keys: dict[str, Any]) -> None:
    """Have the checks made from a schema in which a source has these keys too."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema["$defs"]["Source"]["properties"] |= keys
    (folder / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    monkeypatch.setattr(source_checks, "SCHEMA", folder / "schema.json")


@pytest.mark.terraform
def test_a_map_is_checked_with_its_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The number of its keys, the form of their names, and each value have rules of their own."""
    names = {"pattern": "^[a-z]+$", "not": {"pattern": "^(?i:host)$"}}
    values = {"type": "string", "minLength": 1}
    rule = {"type": "object", "propertyNames": names, "additionalProperties": values}
    amend(monkeypatch, tmp_path, map={**rule, "minProperties": 1, "maxProperties": 2})
    maps = {"right": {"a": "x"}, "few": {}, "many": {"a": "x", "b": "x", "c": "x"}, "name": {"A": "x"}}
    cases = {name: source(map=given) for name, given in maps.items()}
    cases |= {"forbidden": source(map={"host": "x"}), "value": source(map={"a": ""})}
    lines = told(tmp_path / "root", f"jsondecode({hcl.quoted(json.dumps(cases))})")

    assert {name: [line.removesuffix(" (README.md)") for line in found] for name, found in lines.items()} == {
        "right": [],
        "few": ["sources[0].map = {  }: must have at least 1 keys"],
        "many": ["sources[0].map = { a, b, c }: must have at most 2 keys"],
        "name": ['sources[0].map.A = "A": must match ^[a-z]+$'],
        "forbidden": ['sources[0].map.host = "host": must not match ^(?i:host)$'],
        "value": ['sources[0].map.a = "": must have at least 1 characters'],
    }


def test_a_limit_that_would_not_be_checked_stops_the_emitter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A schema that says more than the module can check is never loosened unnoticed."""
    amend(monkeypatch, tmp_path, size={"type": "integer", "multipleOf": 2})

    with pytest.raises(UnknownKeyword, match="size: the schema has multipleOf"):
        source_tables()


def test_a_condition_of_another_kind_stops_the_emitter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of what a table says as a whole, only what is named as left to the function is not checked."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema["$defs"]["Csv"]["dependentRequired"] = {"quote": ["escape"]}
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    monkeypatch.setattr(source_checks, "SCHEMA", tmp_path / "schema.json")

    with pytest.raises(UnknownKeyword, match="Csv: the schema has dependentRequired"):
        source_tables()


def test_a_pattern_that_terraform_does_not_know_stops_the_emitter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """RE2 looks neither ahead nor behind."""
    amend(monkeypatch, tmp_path, word={"type": "string", "pattern": "^(?!no)"})

    with pytest.raises(UnknownPattern):
        source_tables()

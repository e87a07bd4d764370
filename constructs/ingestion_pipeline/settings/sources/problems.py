"""Checks one source against the function's schema, and says what is allowed."""

import json
import re
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from ingestion_pipeline.settings.rules import Problem, is_token, meant
from ingestion_pipeline.settings.sources.permissions import SCHEMA
from ingestion_pipeline.settings.sources.schedules import schedule_problems

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

UncheckedSource = Mapping[str, Any]
"""One source as somebody wrote it; `Source` is what it should be."""

HIDDEN = frozenset({"ca_certificates"})
"""Keys whose wrong values are not shown: what is no certificate may be a private key."""

_IN_WORDS = {
    "ca_certificates": "must be certificates in PEM, -----BEGIN CERTIFICATE-----, and nothing else",
    "delimiter": "must be one ASCII character, such as ; or a tab, and no line end",
    "quote": "must be one ASCII character and no line end, or empty for none",
    "escape": "must be one ASCII character and no line end, or empty for none",
    "schedule": "must be a rate such as rate(15 minutes), or AWS's cron such as cron(0 8 ? * MON-FRI *)",
    "time_zone": "must be a time zone's name such as Europe/Berlin",
}

CHECKED_BY_TERRAFORM = {
    *("enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum")
}
"""The rules of the schema that a value breaks while CDKTF's reference stands in its place."""


def problems_of(path: str, source: UncheckedSource) -> Iterable[Problem]:
    """Everything that is wrong with one source; what only Terraform will know is never wrong.

    Args:
        path: Place in the file, such as ``sources[0]``.
        source: The source as written.
    """
    first = [*_beyond_json(path, source), *_beyond_schema(path, source)]
    reported = {problem.field: problem for problem in first}
    yield from reported.values()
    for error in _validator().iter_errors(source):
        for cause in _causes(error):
            if is_token(cause.instance) and cause.validator in CHECKED_BY_TERRAFORM:
                continue
            found = _problem(".".join([path, *map(str, error.absolute_path)]), error, cause)
            yield from (problem for problem in found if problem.field not in reported)


@cache
def _validator() -> "Draft202012Validator":
    # 0.1 s, a tenth of a synth: not for settings without sources.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def named(source: UncheckedSource, problem: Problem) -> Problem:
    """The problem with its source's name, which is found sooner than the number."""
    name = source.get("name")
    if not isinstance(name, str) or not name or problem.field.endswith(".name"):
        return problem
    return replace(problem, advice=f"{problem.advice}, in the source {name[:63]!r}")


def _beyond_json(path: str, value: object) -> Iterable[Problem]:
    """Values of TOML and Python that JSON cannot hold: dates, infinite numbers, bytes, objects."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                yield Problem(f"{path}.{key}", inner, f"has the key {key!r}: write it as a string")
            yield from _beyond_json(f"{path}.{key}", inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _beyond_json(f"{path}.{index}", inner)
    elif not isinstance(value, str | int | float | None) or not isfinite(_number(value)):
        yield Problem(path, value, "has no form in JSON: write it as a string, as the source takes it")


def _beyond_schema(path: str, source: UncheckedSource) -> Iterable[Problem]:
    """Problems that no JSON schema can express, of the function's rules and of schedules."""
    yield from schedule_problems(path, source)
    yield from _csv_problems(path, source)
    yield from _child_problems(path, source)
    pem = source.get("ca_certificates")
    if isinstance(pem, str) and pem and not is_token(pem) and not _is_pem(pem):
        words = f"{_IN_WORDS['ca_certificates']}, each of them whole"
        yield Problem(f"{path}.ca_certificates", "…", f"{words} (docs/sources.md)")


def _csv_problems(path: str, source: UncheckedSource) -> Iterable[Problem]:
    """Two signs of a CSV that are the same one."""
    csv = source.get("csv")
    signs = {"delimiter": ",", "quote": '"', "escape": ""} | (dict(csv) if isinstance(csv, Mapping) else {})
    for name, other in (("quote", "delimiter"), ("escape", "delimiter"), ("escape", "quote")):
        if signs[name] and signs[name] == signs[other]:
            advice = f"is the {other}, too: they must differ (docs/sources.md)"
            yield Problem(f"{path}.csv.{name}", signs[name], advice)


def _is_pem(text: str) -> bool:
    """True if OpenSSL can read certificates in a text."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _child_problems(path: str, source: UncheckedSource) -> Iterable[Problem]:
    """Child requests that would all be the same, or that would take a secret to another origin."""
    children = source.get("children")
    if not isinstance(children, Mapping):
        return
    yield from _csv_problems(f"{path}.children", children)
    request = [children.get(key) for key in ("url", "query", "headers", "body")]
    if not re.search(r"(^|[^{])({{)*{parent[.}]", str(request)):
        advice = "must have a placeholder of its parent, such as {parent.id}, in the request"
        # Not all of it: a header may be a secret.
        yield Problem(f"{path}.children", {"url": children.get("url")}, f"{advice} (docs/sources.md)")
    urls = [source.get("url"), children.get("url")]
    known = [url.lower() for url in urls if isinstance(url, str) and not is_token(url)]
    origins = {
        (scheme, host, port or {"http": "80"}.get(scheme, "443"))
        for url in known
        for scheme, host, port in re.findall(r"^(https?)://([^/?#]*?)\.?(?::0*([0-9]+))?(?:[/?#]|$)", url)
    }
    if len(origins) > 1:
        yield Problem(f"{path}.children.url", urls[1], "must have the scheme, host and port of `url`")


def _number(value: object) -> float:
    return value if isinstance(value, float) else 0


def _causes(error: "ValidationError") -> list["ValidationError"]:
    """The errors worth showing: of a table with several kinds, those of its own kind."""
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context or []:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [inner for inner in branches.values() if not any(map(_is_of_another_kind, inner))]
    return [cause for inner in meant[0] for cause in _causes(inner)] if len(meant) == 1 else [error]


def _is_of_another_kind(error: "ValidationError") -> bool:
    """True if the value was meant to be of another kind, or of another type."""
    return "kind" in error.path or (error.validator == "type" and not error.path)


def _problem(path: str, error: "ValidationError", cause: "ValidationError") -> Iterable[Problem]:
    field = ".".join([path, *map(str, list(cause.absolute_path)[len(error.absolute_path) :])])
    if cause.validator == "additionalProperties":
        schema: Any = cause.schema
        given: Any = cause.instance
        known = sorted(schema["properties"])
        for key in sorted(set(given) - set(known)):
            yield Problem(
                f"{field}.{key}", given[key], f"is not a key; there are {', '.join(known)}{meant(key, known)}"
            )
        return
    limit, schema = cause.validator_value, cause.schema
    reason = f", {schema['$comment']}" if isinstance(schema, Mapping) and "$comment" in schema else ""
    token = " that Terraform fills in, such as `Token.as_number(…)`" if is_token(cause.instance) else ""
    words = {
        "anyOf": f"must be {_alternatives(cause)}",
        "enum": f"must be one of {limit}",
        "minimum": f"must be at least {limit}",
        "exclusiveMinimum": f"must be above {limit}",
        "maximum": f"must be at most {limit}",
        "minLength": f"must have at least {limit} characters",
        "maxLength": f"must have at most {limit} characters",
        "minProperties": f"must have at least {limit} entries",
        "maxProperties": f"must have at most {limit} entries",
        "pattern": _written(field, str(limit), schema),
        "type": f"must be of type {limit}{token}",
        "const": f"must be {limit!r}",
        "oneOf": f"needs exactly one of {', '.join(_keys_asked_for(limit))}",
        "not": _excluded(field, limit),
        "uniqueItems": "must differ",
    }
    advice = words.get(str(cause.validator), cause.message)
    # A header, or a user in a URL, may be a secret.
    key = field.rpartition(".")[2]
    is_hidden = key in HIDDEN or ".headers." in field or (key.endswith("url") and "@" in str(cause.instance))
    if "propertyNames" in cause.absolute_schema_path:
        # The name itself is wrong; its value, which may be secret, is not shown.
        yield Problem(f"{field}.{cause.instance}", "…", f"{advice}{reason} (docs/sources.md)")
        return
    value = "…" if is_hidden else cause.instance
    yield Problem(field, value, f"{advice}{reason} (docs/sources.md)")


def _keys_asked_for(branches: object) -> Sequence[str]:
    """The keys of which each branch of a schema asks for one; none where they ask for anything else."""
    found = branches if isinstance(branches, list) else []
    return [each["required"][0] for each in found if isinstance(each, dict) and "required" in each]


def _excluded(field: str, schema: object) -> str:
    """The problem of a name, or of keys, that a schema excludes."""
    if isinstance(schema, dict) and "pattern" in schema:
        if field.endswith("url"):
            return (
                'must be without a user or a password, which belong into a secret with auth.kind = "basic", '
                "without spaces and control characters, and its port one of 80, 443 and 1024 to 65535"
            )
        if field.endswith("query"):
            return 'may hold a secret: keep it in Secrets Manager, and set `auth` with `location = "query"`'
        return "is set by the client itself, has a key of its own or may be secret: keep a secret in `auth`"
    return "has two keys of which only one may be set"


def _written(field: str, pattern: str, schema: Any) -> str:
    """The form of a text that must match a pattern, in the words of its schema or key."""
    if isinstance(schema, Mapping) and "description" in schema:
        return f"must be {schema['description']}"
    return form_in_words(field.rpartition(".")[2]) or f"must match {pattern}"


def form_in_words(key: str) -> str:
    """The form of a key's value in words, where its pattern is hard to read; empty for others."""
    if key in _IN_WORDS:
        return _IN_WORDS[key]
    if key.endswith("url"):
        return "must be an https:// or http:// URL"
    if key.endswith(("path", "parameter")):
        return (
            'must be keys joined by dots ("meta.next"), or a JSON Pointer ("/@odata.nextLink"), in which ~0 '
            "is ~ and ~1 is /"
        )
    return ""


def _alternatives(error: "ValidationError") -> str:
    """The choices for a value: the kinds of a table, or types."""
    inner = error.context or []
    allowed: list[Any] = [cause.validator_value for cause in inner if "kind" in cause.path]
    schema: Any = error.schema
    # A table without a `kind` fails each kind alike, and none of them says which there are.
    kinds = [str(values[0]) for values in allowed] or list(schema.get("discriminator", {}).get("mapping", {}))
    types = [str(cause.validator_value) for cause in inner if cause.validator == "type"]
    return f"of a kind of {', '.join(kinds)}" if kinds else f"of type {' or '.join(types)}"

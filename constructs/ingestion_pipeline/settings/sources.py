"""The sources: held against the function's own schema, then handed to it as they are.

``source.schema.json`` is generated from the function's schema by ``make docs``, so there is one
schema for pipeline.toml, for programs in Python and for events, although neither side imports the other.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeGuard

from ingestion_pipeline.settings.expressions import Condition, Unknown
from ingestion_pipeline.settings.rules import Problem, is_token
from ingestion_pipeline.settings.source_permissions import SCHEMA, as_resources, permitted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

UncheckedSource = Mapping[str, Any]
"""One source as somebody wrote it; `Source` is what it should be."""

MAX_SOURCES_BYTES = 1024 * 1024
"""Of all sources together, ours: the function reads them into memory when it starts."""

CONFIG_FOLDER = "config/"
"""Where in the bucket the sources lie."""

MAX_SECRET_POLICIES = 10
"""Managed policies of one role: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""

SECRET_GROUP_CHARACTERS = 5_000
"""Of the ARNs in one managed policy, before the last: with it and the rest the policy stays below 6,144."""

MAX_PERMITTED_CHARACTERS = 4_000
"""Of the ARNs that sources want more than to read: they are in the role's inline policy, of 10,240."""

_CHARACTERS = {
    "delimiter": "must be one ASCII character, such as ; or a tab, and no line end",
    "quote": "must be one ASCII character and no line end, or empty for none",
    "escape": "must be one ASCII character and no line end, or empty for none",
}

CHECKED_BY_TERRAFORM = {
    *("enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum")
}
"""The rules of the schema that a value breaks while CDKTF's reference stands in its place."""


TABLES_FORM = "each written [[sources]]; in Python a list of dictionaries"

SecretGroups = Mapping[str, Sequence[str]] | Unknown


def source_problems(sources: object, paths: Sequence[str] = ()) -> list[Problem]:
    """Everything that is wrong with sources; a value that only Terraform will know is never wrong.

    Args:
        sources: Of pipeline.toml or of a program in Python.
        paths: Where each of them stands in the file; default: ``sources[0]`` and so on.
    """
    if not isinstance(sources, list | tuple):
        return [Problem("sources", sources, f"must be tables, {TABLES_FORM}")]
    places = paths or [f"sources[{index}]" for index in range(len(sources))]
    placed = [(place, each) for place, each in zip(places, sources, strict=True) if each is not None]
    problems = [
        Problem(place, each, f"must be one of tables, {TABLES_FORM}")
        for place, each in placed
        if not isinstance(each, dict)
    ]
    if problems:
        return problems
    sources = [without_nulls(each) for _, each in placed]
    problems = [p for (place, _), each in zip(placed, sources, strict=True) for p in _problems(place, each)]
    names = [str(source["name"]) for source in sources if source.get("name")]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [
        Problem("sources.name", name, "is the name of two sources; names must differ") for name in twice
    ]
    return problems or _too_many(sources)


def are_tables(value: object) -> TypeGuard[Sequence[UncheckedSource]]:
    """Whether ``value`` is a list of tables, whatever these hold."""
    return isinstance(value, list | tuple) and all(isinstance(table, dict) for table in value)


def _too_many(sources: Sequence[UncheckedSource]) -> list[Problem]:
    """Sources that are valid alone, but too many together."""
    size, groups = len(as_json(sources).encode()), ConfiguredSources(sources).secret_groups
    problems = []
    if size > MAX_SOURCES_BYTES:
        advice = f"take {size:,} bytes as JSON, of {MAX_SOURCES_BYTES:,}: make several pipelines of them"
        problems.append(Problem("sources", f"{len(sources)} tables", advice))
    if isinstance(groups, Mapping) and len(groups) > MAX_SECRET_POLICIES:
        advice = (
            f"name secrets that take {len(groups)} managed policies, and a role has {MAX_SECRET_POLICIES}: "
            "let sources share secrets, or make several pipelines of them"
        )
        problems.append(Problem("sources", f"{len(sources)} tables", advice))
    characters = sum(len(arn) + len('"",') for arns in permitted(sources).values() for arn in arns)
    if characters > MAX_PERMITTED_CHARACTERS:
        advice = (
            f"name ARNs to use or to write of {characters:,} characters, and a policy has room for "
            f"{MAX_PERMITTED_CHARACTERS:,}: let sources share them, or make several pipelines of them"
        )
        problems.append(Problem("sources", f"{len(sources)} tables", advice))
    return problems


@dataclass(frozen=True)
class ConfiguredSources:
    """The sources as they reach the function.

    Attributes:
        sources: Checked by `source_problems`.
    """

    sources: Sequence[UncheckedSource]

    @property
    def json(self) -> str:
        """A compact JSON array, as the function reads it; Terraform takes it as it is."""
        return literal(as_json(self._given))

    @property
    def are_known(self) -> bool:
        """Whether no value is one that only Terraform will know."""
        return not _has_token(self.sources)

    @property
    def key(self) -> str:
        """Where in the bucket they lie if they are known: a name that other sources do not have."""
        return object_key(hashlib.sha256(as_json(self._given).encode()).hexdigest())

    @property
    def secret_arns(self) -> Sequence[str]:
        """What a policy names to permit the sources' secrets, each once."""
        return as_resources(auth["secret_arn"] for auth in self._auths if "secret_arn" in auth)

    @property
    def permitted(self) -> Sequence[tuple[str, Sequence[str], Condition]]:
        """Each action that a kind of authentication may need, what it is permitted on, and whether it is."""
        return [(action, arns, bool(arns)) for action, arns in permitted(self.sources).items()]

    @property
    def secret_groups(self) -> SecretGroups:
        """The same in groups of which each fits into a managed policy."""
        groups: dict[str, list[str]] = {}
        characters = 0
        for arn in self.secret_arns:
            groups.setdefault(str(characters // SECRET_GROUP_CHARACTERS), []).append(arn)
            characters += len(arn) + len('"",')
        return groups

    @property
    def secret_keys(self) -> Sequence[str]:
        """The keys that the secrets are encrypted with, if they are the user's own."""
        return list(dict.fromkeys(auth["kms_key"] for auth in self._auths if auth.get("kms_key")))

    @property
    def have_secrets(self) -> Condition:
        """Whether a source authenticates with a secret."""
        return bool(self.secret_arns)

    @property
    def have_secret_keys(self) -> Condition:
        """Whether a secret has a key of the user's own."""
        return bool(self.secret_keys)

    @property
    def _auths(self) -> list[Mapping[str, Any]]:
        return [source.get("auth", {}) for source in self._given]

    @property
    def _given(self) -> list[UncheckedSource]:
        """The sources with what is given of them: None is as good as absent."""
        sources: Sequence[UncheckedSource | None] = self.sources
        return [without_nulls(source) for source in sources if source is not None]


def without_nulls(value: Any) -> Any:
    """Settings without None, which means that nothing is given; in a source's ``body`` it stays, as null."""
    if isinstance(value, dict):
        return {
            key: each if key == "body" else without_nulls(each)
            for key, each in value.items()
            if each is not None
        }
    return value


def object_key(sha256: str) -> str:
    """Where in the bucket sources of a hash lie; the function compares the hash."""
    return f"{CONFIG_FOLDER}sources-{sha256}.json"


def as_json(sources: Sequence[UncheckedSource]) -> str:
    """The sources as a compact JSON array."""
    return json.dumps(sources, separators=(",", ":"), ensure_ascii=False)


def literal(text: str) -> str:
    """``text`` for Terraform to take as it is, should it look like a template; CDKTF's references stay."""
    return re.sub(r"\$\{(?!TfToken\[)|%\{", lambda template: template[0][0] + template[0], text)


def _has_token(value: object) -> bool:
    """Whether something in a value is only known to Terraform."""
    if isinstance(value, Mapping):
        return any(map(_has_token, value.values()))
    return any(map(_has_token, value)) if isinstance(value, list | tuple) else is_token(value)


def _problems(path: str, source: UncheckedSource) -> Iterable[Problem]:
    told = {
        problem.field: problem for problem in [*_beyond_json(path, source), *_beyond_schema(path, source)]
    }
    yield from told.values()
    for error in _validator().iter_errors(source):
        for cause in _causes(error):
            if is_token(cause.instance) and cause.validator in CHECKED_BY_TERRAFORM:
                continue
            found = _problem(".".join([path, *map(str, error.absolute_path)]), error, cause)
            yield from (problem for problem in found if problem.field not in told)


@cache
def _validator() -> "Draft202012Validator":
    # 0.1 s, a tenth of a synth: not for settings without sources.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


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
    """What the function refuses and no JSON schema can say."""
    csv = source.get("csv")
    signs = {"delimiter": ",", "quote": '"', "escape": ""} | (dict(csv) if isinstance(csv, Mapping) else {})
    for name, other in (("quote", "delimiter"), ("escape", "delimiter"), ("escape", "quote")):
        if signs[name] and signs[name] == signs[other]:
            advice = f"is the {other}, too: they must differ (docs/sources.md)"
            yield Problem(f"{path}.csv.{name}", signs[name], advice)


def _number(value: object) -> float:
    return value if isinstance(value, float) else 0


def _causes(error: "ValidationError") -> list["ValidationError"]:
    """The errors worth showing: of a table with several kinds, those of its own kind."""
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context or []:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [inner for inner in branches.values() if not any(map(_is_of_another_kind, inner))]
    return meant[0] if len(meant) == 1 else [error]


def _is_of_another_kind(error: "ValidationError") -> bool:
    """Whether what is refused was never meant to be of this kind, or even of this type."""
    return "kind" in error.path or (error.validator == "type" and not error.path)


def _problem(path: str, error: "ValidationError", cause: "ValidationError") -> Iterable[Problem]:
    field = ".".join([path, *map(str, list(cause.absolute_path)[len(error.absolute_path) :])])
    if cause.validator == "additionalProperties":
        schema: Any = cause.schema
        given: Any = cause.instance
        known = sorted(schema["properties"])
        for key in sorted(set(given) - set(known)):
            yield Problem(f"{field}.{key}", given[key], f"is not a key; there are {', '.join(known)}")
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
        "not": _excluded(limit),
        "uniqueItems": "must differ",
    }
    advice = words.get(str(cause.validator), cause.message)
    yield Problem(field, cause.instance, f"{advice}{reason} (docs/sources.md)")


def _keys_asked_for(branches: object) -> Sequence[str]:
    """The keys of which each branch of a schema asks for one; none where they ask for anything else."""
    found = branches if isinstance(branches, list) else []
    return [each["required"][0] for each in found if isinstance(each, dict) and "required" in each]


def _excluded(schema: object) -> str:
    """What is wrong with a name, or with keys, that a schema excludes."""
    if isinstance(schema, dict) and "pattern" in schema:
        return "is set by the client itself, has a key of its own or may be secret"
    return "has two keys of which only one may be set"


def _written(field: str, pattern: str, schema: Any) -> str:
    """How a text that must match a pattern is written, as its schema or its key says."""
    if isinstance(schema, Mapping) and "description" in schema:
        return f"must be {schema['description']}"
    return form_in_words(field.rpartition(".")[2]) or f"must match {pattern}"


def form_in_words(key: str) -> str:
    """What is said of a key's value whose pattern is hard to read; empty for others."""
    if key in _CHARACTERS:
        return _CHARACTERS[key]
    if key.endswith("url"):
        return "must be an https:// or http:// URL"
    if key.endswith(("path", "parameter")):
        return (
            'must be keys joined by dots ("meta.next"), or a JSON Pointer ("/@odata.nextLink"), in which ~0 '
            "is ~ and ~1 is /"
        )
    return ""


def _alternatives(error: "ValidationError") -> str:
    """What a value may be if there is a choice: a table's kinds, or types."""
    inner = error.context or []
    allowed: list[Any] = [cause.validator_value for cause in inner if "kind" in cause.path]
    schema: Any = error.schema
    # A table without a `kind` fails each kind alike, and none of them says which there are.
    kinds = [str(values[0]) for values in allowed] or list(schema.get("discriminator", {}).get("mapping", {}))
    types = [str(cause.validator_value) for cause in inner if cause.validator == "type"]
    return f"of a kind of {', '.join(kinds)}" if kinds else f"of type {' or '.join(types)}"

"""The sources of pipeline.toml: held against the function's own schema, then handed to it as they are.

``source.schema.json`` is generated from the function's schema by ``make docs``, so there is one
schema for pipeline.toml and for events, although neither side imports the other.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from math import isfinite
from typing import TYPE_CHECKING, Any

from ingestion_pipeline.settings.expressions import Condition, Unknown
from ingestion_pipeline.settings.rules import Problem
from ingestion_pipeline.settings.source_permissions import SCHEMA, as_resources, permitted

if TYPE_CHECKING:
    from jsonschema import ValidationError

Source = Mapping[str, Any]
"""One source, as in pipeline.toml."""

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

SecretGroups = Mapping[str, Sequence[str]] | Unknown


def source_problems(sources: object, paths: Sequence[str] = ()) -> list[Problem]:
    """Everything that is wrong with the ``[[sources]]`` of a file.

    Args:
        sources: As in pipeline.toml.
        paths: Where each of them stands in the file; default: ``sources[0]`` and so on.
    """
    if not isinstance(sources, Sequence) or not all(isinstance(source, Mapping) for source in sources):
        return [Problem("sources", sources, "must be tables, each written [[sources]]")]
    places = paths or [f"sources[{index}]" for index in range(len(sources))]
    problems = [p for place, source in zip(places, sources, strict=True) for p in _problems(place, source)]
    names = [str(source["name"]) for source in sources if source.get("name")]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [
        Problem("sources.name", name, "is the name of two sources; names must differ") for name in twice
    ]
    return problems or _too_many(sources)


def _too_many(sources: Sequence[Source]) -> list[Problem]:
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
        sources: As in pipeline.toml.
    """

    sources: Sequence[Source]

    @property
    def json(self) -> str:
        """A compact JSON array, as the function reads it; Terraform takes it as it is."""
        return literal(as_json(self.sources))

    @property
    def key(self) -> str:
        """Where in the bucket they lie: a name that other sources do not have."""
        text = as_json(self.sources)
        if "TfToken[" not in text:
            return f"{CONFIG_FOLDER}sources-{hashlib.sha256(text.encode()).hexdigest()}.json"
        # What only Terraform will know is hashed by it.
        from cdktf import Fn

        return f"{CONFIG_FOLDER}sources-{Fn.sha256(self.json)}.json"

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
        return [source.get("auth") or {} for source in self.sources]


def as_json(sources: Sequence[Source]) -> str:
    """The sources as a compact JSON array."""
    return json.dumps(sources, separators=(",", ":"), ensure_ascii=False)


def literal(text: str) -> str:
    """``text`` for Terraform to take as it is, should it look like a template; CDKTF's references stay."""
    return re.sub(r"\$\{(?!TfToken\[)|%\{", lambda template: template[0][0] + template[0], text)


def _problems(path: str, source: Source) -> Iterable[Problem]:
    # 0.1 s, a tenth of a synth.
    from jsonschema import Draft202012Validator

    told = {
        problem.field: problem for problem in [*_beyond_json(path, source), *_beyond_schema(path, source)]
    }
    yield from told.values()
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for error in validator.iter_errors(source):
        for cause in _causes(error):
            found = _problem(".".join([path, *map(str, error.absolute_path)]), error, cause)
            yield from (problem for problem in found if problem.field not in told)


def _beyond_json(path: str, value: object) -> Iterable[Problem]:
    """Values of TOML that JSON cannot hold: dates, times, infinite numbers."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _beyond_json(f"{path}.{key}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _beyond_json(f"{path}.{index}", inner)
    elif isinstance(value, date | time) or (isinstance(value, float) and not isfinite(value)):
        yield Problem(path, value, "has no form in JSON: write it as a string, as the source takes it")


def _beyond_schema(path: str, source: Source) -> Iterable[Problem]:
    """What the function refuses and no JSON schema can say."""
    csv = source.get("csv")
    signs = {"delimiter": ",", "quote": '"', "escape": ""} | (dict(csv) if isinstance(csv, Mapping) else {})
    for name, other in (("quote", "delimiter"), ("escape", "delimiter"), ("escape", "quote")):
        if signs[name] and signs[name] == signs[other]:
            advice = f"is the {other}, too: they must differ (docs/sources.md)"
            yield Problem(f"{path}.csv.{name}", signs[name], advice)


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
        "type": f"must be of type {limit}",
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
    name = field.rpartition(".")[2]
    if isinstance(schema, Mapping) and "description" in schema:
        return f"must be {schema['description']}"
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    if name.endswith("url"):
        return "must be an https:// or http:// URL"
    if name.endswith(("path", "parameter")):
        return (
            'must be keys joined by dots ("meta.next"), or a JSON Pointer ("/@odata.nextLink"), in which ~0 '
            "is ~ and ~1 is /"
        )
    return f"must match {pattern}"


def _alternatives(error: "ValidationError") -> str:
    """What a value may be if there is a choice: a table's kinds, or types."""
    inner = error.context or []
    allowed: list[Any] = [cause.validator_value for cause in inner if "kind" in cause.path]
    kinds = [str(values[0]) for values in allowed]
    types = [str(cause.validator_value) for cause in inner if cause.validator == "type"]
    return f"of a kind of {', '.join(kinds)}" if kinds else f"of type {' or '.join(types)}"

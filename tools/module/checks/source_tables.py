"""The checks of the variable `sources`, from the schema that the function decodes its sources with."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingestion_pipeline.settings.sources.permissions import SCHEMA
from ingestion_pipeline.settings.sources.problems import HIDDEN, form_in_words
from ingestion_pipeline.settings.sources.sources import MAX_SECRET_POLICIES, MAX_SOURCES_BYTES
from tools.module.checks.validations import UnknownPattern, Validation

LATE = (("url",), ("auth",), ("headers", "query", "body"))
"""Keys of which a value is often known only at apply: until then it hides no mistake in the other keys."""

LIMITS = {
    "enum": "choices",
    "minimum": "minimum",
    "exclusiveMinimum": "above",
    "maximum": "maximum",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minProperties": "min_keys",
    "maxProperties": "max_keys",
    "minItems": "min_items",
    "maxItems": "max_items",
    "pattern": "pattern",
}
"""The module's names for the limits of JSON Schema."""

READ = {
    "type",
    "anyOf",
    "additionalProperties",
    "properties",
    "propertyNames",
    "required",
    "not",
    "$ref",
    "items",
}
"""Other keywords that the module checks."""

ABOUT = {"default", "description", "title", "discriminator", "permits"}
"""Keywords that limit nothing."""

LEFT_TO_THE_FUNCTION = {"allOf", "oneOf", "uniqueItems"}
"""Keywords that the module does not check: what depends on other keys or on other items.

Each would need an engine of JSON Schema in Terraform, or a copy of the schema's conditions that nothing keeps
current. pipeline.toml, the constructs and the function check them, the function when it starts. Only of items
of a list the module checks which keys need or exclude each other, see `_between_keys`.
"""

NOT_GIVEN = ("null", '""', "[]")
"""Values, as JSON, that stand for a key that is not given."""

OF_TABLES = {"additionalProperties", "description", "properties", "required", "title", "type"}
"""Keywords of a table that the module reads."""

BEFORE_A_LINE_END = r"(?!\n)$"
"""End of a text in Python's patterns. Python's `$` also matches before a last line end, RE2's does not."""

BEYOND_RE2 = re.compile(r"\(\?(?:[=!]|<[=!]|P=)|\\[1-9]")
"""Parts of a pattern that RE2 does not have: lookaround and references to a group."""

SECRETS_IN_POLICY = 40
"""Sources with a secret for which there is one policy; an ARN has about 100 characters."""

KEYS_IN_POLICY = 60
"""Sources whose secret may have a key for which there is one policy; an ARN has about 75 characters."""

ROOM_FOR_ARNS, SIGNS_PER_ARN = 5_250, 11
"""Characters of a managed policy's 6,144 before its last ARN, and the extra characters of each."""

Schema = Mapping[str, Any]


class UnknownKeyword(ValueError):
    """When the schema limits a value in a way that the module would not check."""


def source_tables() -> dict[str, dict[str, Any]]:
    """The rules of each table of a source: its required keys, a rule for each key, its maps and lists.

    A map or a list is a table too, with a rule for any value; the names of a map's keys are another.

    Raises:
        UnknownKeyword: When the schema says something that the module would not check.
        UnknownPattern: When a pattern is more than Terraform's regular expressions know.
    """
    found, items = {}, source_lists().values()
    for name, table in _tables():
        found[name] = _table(table) | ({"between": _between_keys(table)} if name in items else {})
        for key in [*found[name]["maps"], *found[name]["lists"]]:
            schema = table["properties"][key]
            found[f"{name}_{key}"] = _map(_rule(key, schema.get("items") or schema["additionalProperties"]))
            if names := schema.get("propertyNames"):
                found[f"{name}_{key}_names"] = _map(_rule(key, {"type": "string", **names}))
    return found


def source_lists() -> dict[str, str]:
    """The keys of a source that are lists of tables, each with the name of its items' table."""
    properties = _source()["properties"].items()
    references = {key: schema["items"].get("$ref", "") for key, schema in properties if "items" in schema}
    return {key: _table_name(reference) for key, reference in references.items() if reference}


def source_placeholders() -> dict[str, dict[str, str]]:
    """Each placeholder's pattern, and the table that gives it a value."""
    kinds = _source()["properties"]["pagination"]["discriminator"]["mapping"]
    return {
        name: {"pattern": has["anyOf"][0]["pattern"], "needs": "pagination" if name in kinds else "windows"}
        for name, has in _schema()["texts"].items()
    }


def source_groups() -> dict[str, tuple[str, ...]]:
    """The keys of a source in groups that are checked apart; "" stands for the source as a whole."""
    late = {key for group in LATE for key in group}
    others = tuple(key for key in _source()["properties"] if key not in late)
    return {"source": ("", *others), **{group[0]: group for group in LATE}}


def source_preconditions() -> list[dict[str, str]]:
    """The preconditions of the object with the sources, in Terraform's JSON."""
    problems = [f"local.source_problems.{group}" for group in source_groups()]
    return [{"condition": f'${{{each} == ""}}', "error_message": f"${{{each}}}"} for each in problems]


def source_validations() -> tuple[Validation, ...]:
    """The checks of the variable as a whole."""
    size = "3 * length(base64encode(jsonencode(var.sources))) / 4"
    return (
        Validation(
            f"{size} <= {MAX_SOURCES_BYTES}",
            f"sources may take {MAX_SOURCES_BYTES:,} bytes as JSON: make several pipelines of them",
        ),
        _room_for_secrets(),
    )


def _room_for_secrets() -> Validation:
    """Checks that the policies for so many sources have room for the ARNs of their secrets."""
    auths = "[for source in var.sources : source.auth if try(source.auth.secret_arn, null) != null]"
    secrets = f"[for auth in {auths} : auth.secret_arn]"
    keys = f"[for auth in {auths} : auth.kms_key if try(auth.kms_key, null) != null]"
    size = f"sum([for arn in distinct(concat({secrets}, {keys})) : length(arn) + {SIGNS_PER_ARN}])"
    policies = policies_needed(auths)
    return Validation(
        f"try({size} <= {ROOM_FOR_ARNS} * {policies}, true)",
        f"sources: the ARNs of their secrets and keys do not fit into managed policies, of which a role has "
        f"{MAX_SECRET_POLICIES} with room for {ROOM_FOR_ARNS:,} characters, and every {SECRETS_IN_POLICY} "
        "sources have one: let sources share them, give secrets shorter names, or make several pipelines",
    )


def policies_needed(auths: str) -> str:
    """How many managed policies authentications with a secret need, an expression.

    The name of a key counts, not its value, which may be known only at apply.
    """
    keyed = f'[for auth in {auths} : auth if contains(keys(auth), "kms_key")]'
    needed = f"ceil(length({auths}) / {SECRETS_IN_POLICY} + length({keyed}) / {KEYS_IN_POLICY})"
    return f"min({MAX_SECRET_POLICIES}, {needed})"


def secret_kinds() -> list[str]:
    """The kinds of authentication that name a secret."""
    prefix = "auth_"
    return [
        name.removeprefix(prefix)
        for name, table in _tables()
        if name.startswith(prefix) and "secret_arn" in table["properties"]
    ]


def _tables() -> Iterator[tuple[str, Schema]]:
    """Each table by its name: `source`, its key, or its key and kind."""
    source = _source()
    yield "source", source
    for key, schema in source["properties"].items():
        if "discriminator" in schema:
            for kind, reference in schema["discriminator"]["mapping"].items():
                yield f"{key}_{kind}", _definition(reference)
        elif reference := _reference(schema):
            yield key, _definition(reference)
    items = {schema["items"].get("$ref", "") for schema in source["properties"].values() if "items" in schema}
    yield from ((_table_name(each), _definition(each)) for each in sorted(items - {""}))


def _reference(schema: Schema) -> str:
    """The table that a value is if it is not null; empty for any other value."""
    references = [each["$ref"] for each in _but_null(schema) if "$ref" in each]
    return references[0] if len(references) == 1 else ""


def _but_null(schema: Schema) -> list[Schema]:
    """The schemas of a given value: null stands for one that is not given."""
    return [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]


def _table(table: Schema) -> dict[str, Any]:
    if unknown := set(table) - OF_TABLES - LEFT_TO_THE_FUNCTION:
        raise UnknownKeyword(f"{table['title']}: the schema has {', '.join(sorted(unknown))}")
    if table["additionalProperties"] is not False:
        raise UnknownKeyword(f"{table['title']} takes keys of any name")
    keys = {key: _rule(key, schema) for key, schema in sorted(table["properties"].items())}
    maps = [key for key in keys if isinstance(table["properties"][key].get("additionalProperties"), Mapping)]
    lists = [key for key in keys if "items" in table["properties"][key]]
    return _map(None) | {"required": table["required"], "maps": maps, "lists": lists, "keys": keys}


def _map(rule: dict[str, object] | None) -> dict[str, Any]:
    return {"required": [], "maps": [], "lists": [], "keys": {}, "any": rule, "between": []}


def _between_keys(table: Schema) -> list[dict[str, object]]:
    """The keys of which exactly one is needed, and those that are excluded, with a key and without it.

    Raises:
        UnknownKeyword: When a condition has another form than "if this key is given".
    """
    found: list[dict[str, object]] = []
    for each in table.get("allOf", ()):
        (key, *others) = each["if"]["required"]
        if others or each["if"] != {"properties": {key: {"minLength": 1}}, "required": [key]}:
            raise UnknownKeyword(f"{table['title']}: the schema has a condition on more than one key")
        for word, is_given in (("then", True), ("else", False)):
            branch = each.get(word, {})
            one_of = [one["required"][0] for one in branch.get("oneOf", ())] or branch.get("required", [])
            excluded = [name for name, schema in branch.get("properties", {}).items() if "const" in schema]
            rule = {"key": key, "is_given": is_given, "one_of": one_of, "excluded": excluded}
            found += [rule] if one_of or excluded else []
    return found


def _rule(key: str, schema: Schema) -> dict[str, object]:
    """The rule of a value."""
    if unknown := set(schema) - set(LIMITS) - READ - ABOUT - LEFT_TO_THE_FUNCTION:
        raise UnknownKeyword(f"{key}: the schema has {', '.join(sorted(unknown))}")
    if "discriminator" in schema:
        return {"type": "object", "kinds": list(schema["discriminator"]["mapping"])}
    if _reference(schema):
        return {"type": "object"}
    rule: dict[str, object] = {"type": _type(schema)}
    # The limits of an optional value stand beside the null.
    given = _but_null(schema)
    schema = {**schema, **given[0]} if len(given) == 1 else schema
    rule |= {LIMITS[word]: schema[word] for word in LIMITS if word in schema}
    if form := form_in_words(key):
        rule["form"] = form.removeprefix("must ")
    if key in HIDDEN:
        rule["hidden"] = True
    if forbidden := schema.get("not"):
        rule["forbidden"] = forbidden["pattern"]
    return rule | {word: _pattern(str(rule[word])) for word in ("pattern", "forbidden") if word in rule}


def _pattern(python: str) -> str:
    """The pattern for RE2."""
    pattern = python.removesuffix(BEFORE_A_LINE_END) + "$" * python.endswith(BEFORE_A_LINE_END)
    if BEYOND_RE2.search(pattern):
        raise UnknownPattern(f"{pattern!r}: Terraform's regular expressions have no such group")
    return pattern


def _type(schema: Schema) -> str:
    """The types of a value; words to choose from are strings."""
    return " or ".join(
        str(each.get("type", "string" if "enum" in each else "")) for each in _but_null(schema)
    )


def json_types(words: str) -> list[str]:
    """The types of JSON that a rule's type stands for; a whole number is a number too."""
    types = words.split(" or ")
    return [*types, "integer"] if "number" in types and "integer" not in types else types


def _table_name(reference: str) -> str:
    return reference.rpartition("/")[2].lower()


def _source() -> Schema:
    return _definition(_schema()["$ref"])


def _definition(reference: str) -> Schema:
    return _schema()["$defs"][reference.rpartition("/")[2]]  # type: ignore[no-any-return]


def _schema() -> Schema:
    return json.loads(SCHEMA.read_text(encoding="utf-8"))  # type: ignore[no-any-return]

"""The keys of a source as tables of the README: forms from the schema, meanings from docs/sources."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingestion_pipeline.settings.sources.permissions import SCHEMA
from tools.ground.paths import ROOT

PAGES = (ROOT / "docs" / "sources.md", *sorted((ROOT / "docs" / "sources").glob("*.md")))
KIND = "kind"
CHAPTERS = {
    "Formats": ("csv",),
    "Authentication": ("auth",),
    "Pagination": ("pagination",),
    "Windows of time": ("windows",),
    "Child requests": ("children",),
    "Errors in good answers": ("fail_when", "retry_when", "empty_when"),
    "Limits": ("rate", "limits", "retry"),
}
"""Keys with an object, by the words of the pages' links to them, which are headings of the README."""

ITEMS = "condition"
"""The pages' word for each item of a list of objects."""

HEADER = "| Key | Description | Type | Default |\n|-----|-------------|------|---------|\n"
LINK = re.compile(r"\[([^]]+)\]\([^)]*\)")
ROW = re.compile(r"^\| `(\w+)` \| [^|]* \| (.*) \|$", re.MULTILINE)
FORMS = {"integer": "number", "boolean": "bool", "object": "map"}
"""Terraform's word for a type, where it is another than JSON's."""


class Undocumented(AssertionError):
    """When no page of docs/sources has a key of the schema."""


def source_keys() -> str:
    """Markdown: a table for a source and for each object in it.

    Raises:
        Undocumented: When no page of docs/sources has a key of the schema.
    """
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    objects = schema["$defs"]
    source = objects[_name(schema)]
    parts = [_table(source, "`source`")]
    for title, keys in CHAPTERS.items():
        parts.append(f"### {title}\n")
        nested = [part for key in keys for part in _nested(key, source["properties"][key], objects)]
        parts += dict.fromkeys(nested)
    return "\n".join(parts)


def _nested(key: str, about: Mapping[str, Any], objects: Mapping[str, Any]) -> Iterator[str]:
    """A table for each kind that the object may be, or the one that it is."""
    references = [each for each in about.get("anyOf", [about.get("items", about)]) if "$ref" in each]
    if len(references) == 1:
        nested, title = objects[_name(references[0])], ITEMS if "items" in about else key
        yield f"`{title}`: {_sentence(nested)}\n"
        yield _table(nested, f"`{title}`")
        return
    for reference in references:
        nested = objects[_name(reference)]
        (kind,) = nested["properties"][KIND]["enum"]
        yield f'`{key} = {{ kind = "{kind}" }}`: {_sentence(nested)}\n'
        if len(nested["properties"]) > 1:
            yield _table(nested, f"`{key}`: `{kind}`")


def _table(about: Mapping[str, Any], heading: str) -> str:
    meanings = dict(ROW.findall(_section(heading)))
    if heading == "`children`":
        # Their page leaves out the keys that a source has, too.
        meanings |= {key: text for key, text in ROW.findall(_section("`source`")) if key not in meanings}
    properties = {key: each for key, each in about["properties"].items() if key != KIND}
    required = [key for key in about["required"] if key in properties]
    ordered = [*required, *(key for key in meanings if key in properties and key not in required)]
    if missing := {*properties} - {*ordered} | {*required} - {*meanings}:
        raise Undocumented(f"docs/sources, {heading}: does not have {', '.join(sorted(missing))}")
    rows = (
        (f"`{key}`", _plain(meanings[key]), _form(each), "required" if key in required else _default(each))
        for key, each in ((key, properties[key]) for key in ordered)
    )
    return HEADER + "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _section(heading: str) -> str:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return text.partition(f"# {heading}\n")[2].partition("\n#")[0]


def _plain(meaning: str) -> str:
    """A description whose links lead to headings of the README; those that lead elsewhere become text."""

    def within(link: re.Match[str]) -> str:
        return f"[{link[1]}](#{link[1].lower().replace(' ', '-')})" if link[1] in CHAPTERS else link[1]

    return LINK.sub(within, meaning)


def _form(about: Mapping[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(f'`"{choice}"`' for choice in about["enum"])
    if "$ref" in about or "discriminator" in about:
        return "`object`"
    if "anyOf" in about:
        forms = dict.fromkeys(_form(each) for each in about["anyOf"] if each.get("type") != "null")
        return " or ".join(forms)
    if "items" in about:
        return f"`list` of {_form(about['items'])}"
    form = f"`{FORMS.get(about['type'], about['type'])}`"
    low, high = about.get("minimum", about.get("exclusiveMinimum")), about.get("maximum")
    if low is None or high is None:
        return form
    return f"{form}, {'above ' if 'exclusiveMinimum' in about else ''}{low:,} to {high:,}"


def _default(about: Mapping[str, Any]) -> str:
    if "default" not in about:
        return '`{ kind = "none" }`' if "discriminator" in about else "`{}`"
    return f"`{json.dumps(about['default']).removesuffix('.0')}`"


def _sentence(about: Mapping[str, Any]) -> str:
    return str(about["description"]).replace("``", "`")


def _name(about: Mapping[str, Any]) -> str:
    return str(about["$ref"]).rpartition("/")[2]

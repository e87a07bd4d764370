"""The generated tables of the documentation: one row for each setting and each output."""

import inspect
from dataclasses import Field, fields, is_dataclass
from typing import Any

import ingestion_pipeline
from ingestion_pipeline.outputs import all_outputs
from ingestion_pipeline.settings.rules import default_of, rule_of
from ingestion_pipeline.settings.settings import all_settings

SETTINGS_HEADER = "| setting | default | allowed | meaning |\n|---|---|---|---|\n"
NAMES_HEADER = "| name | what it is | arguments |\n|---|---|---|\n"
OUTPUTS_HEADER = "| output | since | meaning |\n|---|---|---|\n"


def outputs_table() -> str:
    """A Markdown table with one row for each output."""
    return OUTPUTS_HEADER + "".join(
        f"| `{output.name}` | {output.since} | {output.meaning} |\n" for output in all_outputs()
    )


def settings_table() -> str:
    """A Markdown table with one row for each setting, in the order of pipeline.toml's tables."""
    return SETTINGS_HEADER + "".join(_row(name, column) for name, column in all_settings())


def public_names_table() -> str:
    """A Markdown table with one row for each name that the package offers, and its arguments.

    A union of types has the kinds of a source's key, which are documented there.
    """
    rows = []
    for name in ingestion_pipeline.__all__:
        found = getattr(ingestion_pipeline, name)
        kinds = f"Type of a source's `{name.lower()}`: a dictionary with the keys of one of its kinds."
        meaning = (inspect.getdoc(found) or "").partition("\n\n")[0] if isinstance(found, type) else kinds
        arguments = (
            ", ".join(f"`{field.name}`" for field in fields(found) if field.name != "in_terraform")
            if is_dataclass(found)
            else ""
        )
        rows.append(f"| `{name}` | {' '.join(meaning.split())} | {arguments} |\n")
    return NAMES_HEADER + "".join(rows)


def _row(name: str, column: Field[Any]) -> str:
    rule = rule_of(column)
    allowed = rule.allowed().replace("|", "\\|")
    source = f" ([limit]({rule.source}))" if rule.source else ""
    return f"| `{name}.{column.name}` | {_default(column)} | {allowed}{source} | {rule.meaning} |\n"


def _default(column: Field[Any]) -> str:
    value = default_of(column)
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        pairs = ", ".join(f'{key} = "{text}"' for key, text in value.items())
        return f"`{{ {pairs} }}`"
    return f"`{value}`"

"""The generated tables of the documentation: one row for each setting and each output."""

from dataclasses import MISSING, Field, fields
from typing import Any

from ingestion_pipeline.outputs import all_outputs
from ingestion_pipeline.settings.rules import rule_of
from ingestion_pipeline.settings.settings import TABLES

SETTINGS_HEADER = "| setting | default | allowed | meaning |\n|---|---|---|---|\n"
OUTPUTS_HEADER = "| output | since | meaning |\n|---|---|---|\n"


def outputs_table() -> str:
    """A Markdown table with one row for each output."""
    return OUTPUTS_HEADER + "".join(
        f"| `{output.name}` | {output.since} | {output.meaning} |\n" for output in all_outputs()
    )


def settings_table() -> str:
    """A Markdown table with one row for each setting, in the order of pipeline.toml's tables."""
    rows = [_row(name, column) for name, settings in TABLES.items() for column in fields(settings)]  # type: ignore[arg-type]
    return SETTINGS_HEADER + "".join(rows)


def _row(name: str, column: Field[Any]) -> str:
    rule = rule_of(column)
    allowed = rule.allowed().replace("|", "\\|")
    source = f" ([limit]({rule.source}))" if rule.source else ""
    return f"| `{name}.{column.name}` | {_default(column)} | {allowed}{source} | {rule.meaning} |\n"


def _default(column: Field[Any]) -> str:
    value = column.default_factory() if column.default_factory is not MISSING else column.default
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        pairs = ", ".join(f'{key} = "{text}"' for key, text in value.items())
        return f"`{{ {pairs} }}`"
    return f"`{value}`"

"""Writes every generated file: diagrams, tables, the schema and types of sources, the function's variables.

``make docs`` runs it. A test compares the committed files with what this would write.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingestion_pipeline.settings.sources.permissions import SCHEMA
from tools.ground.paths import LAMBDA, ROOT
from tools.ground.terraform import environment, synthesize

README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
SETTINGS = ROOT / "docs" / "settings.md"
ALARMS = ROOT / "docs" / "alarms.md"
DASHBOARD = ROOT / "docs" / "dashboard.svg"
COST = ROOT / "docs" / "cost.md"
OUTPUTS = ROOT / "docs" / "outputs.md"
WHEEL = ROOT / "examples" / "cdktf-app" / "README.md"
VARIABLES = LAMBDA / "url_fetcher" / "settings_variables.py"
SOURCE_TYPES = SCHEMA.with_name("types.py")


def documents() -> dict[Path, str]:
    """The text that every generated file should have, by its path."""
    from tools.docs.alarms import alarms_table, dashboard_picture
    from tools.docs.cost import cost_summary, cost_table, packing_summary, packing_table, prices_table
    from tools.docs.diagram import mermaid
    from tools.docs.function_variables import variables_module
    from tools.docs.source_types import source_types_module
    from tools.docs.tables import outputs_table, public_names_table, settings_table

    stack, schema = _stack(), _schema()
    parts = {
        README: {
            "diagram": f"```mermaid\n{mermaid(stack, short=True)}```\n",
            "cost": cost_summary() + packing_summary(),
        },
        ARCHITECTURE: {"diagram": f"```mermaid\n{mermaid(stack)}```\n"},
        SETTINGS: {"settings": settings_table()},
        OUTPUTS: {"outputs": outputs_table()},
        WHEEL: {"names": public_names_table()},
        ALARMS: {"alarms": alarms_table()},
        COST: {"cost": cost_table(), "packing": packing_table(), "prices": prices_table()},
    }
    return {
        **{path: with_parts(path.read_text(encoding="utf-8"), given) for path, given in parts.items()},
        DASHBOARD: dashboard_picture(),
        SCHEMA: schema,
        SOURCE_TYPES: source_types_module(schema),
        VARIABLES: variables_module(),
    }


def with_parts(text: str, parts: Mapping[str, str]) -> str:
    """The text with each part written between its ``<!-- name -->`` and ``<!-- /name -->``.

    Args:
        text: A document.
        parts: The new text of each part, by its name.

    Raises:
        ValueError: When the document has no such pair of marks.
    """
    for name, part in parts.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not place.search(text):
            raise ValueError(f"the document has no <!-- {name} --> … <!-- /{name} -->")
        text = place.sub(lambda match, new=part: match[1] + new + match[2], text)  # type: ignore[misc]
    return text


def _stack() -> dict[str, Any]:
    """The synthesized JSON of ``dev``."""
    with tempfile.TemporaryDirectory() as folder:
        stack = synthesize(environment({"ENV": "dev"}), output=Path(folder))
        return json.loads((stack / "cdk.tf.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _schema() -> str:
    """The function's schema of a source, from a process of its own: neither package imports the other."""
    code = (
        "import json, url_fetcher.source.schema as s;"
        "print(json.dumps(s.json_schema(), indent=2, sort_keys=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**environment(), "PYTHONPATH": str(LAMBDA)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def main() -> None:
    """Write every generated file that is not current."""
    for path, text in documents().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

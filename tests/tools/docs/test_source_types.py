"""The types of a source follow its schema: nothing of them is written by hand."""

import json

from ingestion_pipeline.settings.sources.permissions import SCHEMA
from tools.docs.source_types import source_types_module


def test_a_new_kind_needs_nothing_else() -> None:
    """A kind that the schema gets is a type with its keys, and one more choice of the key that takes it."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema["$defs"]["SpiralPagination"] = {
        "description": "Pages are on a spiral.",
        "properties": {
            "kind": {"enum": ["spiral"]},
            "turns": {"type": "integer", "minimum": 1, "maximum": 2_000, "default": 3},
        },
        "required": ["kind"],
    }
    choices = schema["$defs"]["Source"]["properties"]["pagination"]["anyOf"]
    choices.append({"$ref": "#/$defs/SpiralPagination"})
    text = source_types_module(json.dumps(schema))

    assert "    | SpiralPagination\n)" in text
    assert (
        "class SpiralPagination(TypedDict, total=False):\n"
        '    """Pages are on a spiral.\n'
        "\n"
        "    Attributes:\n"
        "        turns: 1 to 2,000; default: 3.\n"
        '    """\n'
        "\n"
        '    kind: Required[Literal["spiral"]]\n'
        "    turns: int\n"
    ) in text

"""The block in both forms: what a source or a user gives stays text."""

import tomllib
from typing import Any

from tools.probe.block import hcl_block, toml_block

SOURCE: dict[str, Any] = {
    "name": "orders",
    "query": {"$limit": "10", "page[size]": 5},
    "body": {"query": 'a "b" ${c} %{d} \b\f\n\\ \x7f ü', "ids": [1, None, True], "none": {}},
}


def test_toml_is_read_back_as_it_was() -> None:
    """Null, which TOML has not, is left to the one who pastes the block."""
    given = {**SOURCE, "body": {"query": SOURCE["body"]["query"], "ids": [1, True]}}

    assert tomllib.loads(toml_block(given, ["unsure\n[x]"]))["sources"] == [given]


def test_hcl_has_no_expression_of_its_own() -> None:
    """Templates are escaped, and so is what HCL has no short escape for."""
    assert hcl_block(SOURCE, ["unsure\n[x]"]) == (
        "# unsure [x]\n"
        "sources = [\n"
        "  {\n"
        '    name  = "orders"\n'
        '    query = { "$limit" = "10", "page[size]" = 5 }\n'
        '    body  = { query = "a \\"b\\" $${c} %%{d} \\u0008\\u000c\\n\\\\ \\u007f ü", '
        "ids = [1, null, true], none = {} }\n"
        "  },\n"
        "]\n"
    )

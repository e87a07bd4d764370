"""The table of nested blocks compared with the provider's schema."""

import pytest

from tools.module.provider_schema import table
from tools.module.syntax.blocks import TABLE


@pytest.mark.terraform
def test_the_table_is_that_of_the_locked_provider() -> None:
    """Every kind of resource that the module has is in it, with the blocks that the provider knows."""
    assert TABLE.read_text(encoding="utf-8") == table()

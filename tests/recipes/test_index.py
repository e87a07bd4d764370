"""The list of recipes: every recipe is in it, and is a source that pipeline.toml takes."""

import pytest

from tests.recipes.recipe import RECIPES, recipe

NAMES = sorted(file.stem for file in RECIPES.glob("*.md") if file.stem != "README")


def test_there_are_thirty() -> None:
    """The recipes are there that were promised."""
    assert len(NAMES) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_listed_and_valid(name: str) -> None:
    """A reader finds it, and its block needs nothing but the secret."""
    assert f"]({name}.md) |" in (RECIPES / "README.md").read_text(encoding="utf-8")
    assert recipe(name)["url"].startswith("https://")

"""Adds ``--random-order-seed``: modules in random order, and the tests of each module in random order."""

import random

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Without the option the order stays."""
    parser.addoption(
        "--random-order-seed", type=int, help="shuffle modules, and the tests of each, by this seed"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffle; every worker of xdist gets the same order."""
    seed = config.getoption("--random-order-seed")
    if seed is None:
        return
    draw = random.Random(seed)
    modules = sorted({item.path for item in items})
    place = {module: draw.random() for module in modules}
    items.sort(key=lambda item: item.nodeid)
    draw.shuffle(items)
    items.sort(key=lambda item: place[item.path])

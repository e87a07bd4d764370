"""When the tests run, and what makes the programs that they start quick: a plugin of tests/conftest.py."""

import gc
import os
import sys

import pytest

SLOWEST = (
    "e2e/test_module.py",
    "e2e/test_wheel.py",
    "e2e/test_lifecycle.py",
    "e2e/test_readme.py",
    "e2e/test_terraform.py",
    "e2e/test_work_queue.py",
    "tools/module/test_scan.py",
    "test_cost_of_change.py",
    "tools/build/test_cdk_terrain.py",
    "e2e/test_packing.py",
    "e2e/test_plan_summary.py",
    "ingestion_pipeline/code/test_bundle.py",
)
"""Files below tests/ that take longest. Each begins while others are left to run beside it."""

# Without bytecode each worker rewrites the assertions of every file, and each program compiles its modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Until all tests are collected nothing becomes garbage, and later nobody needs to look at it again.
gc.disable()

# A third less CPU for Terraform and its provider, which allocate much and live for seconds.
os.environ.setdefault("GOGC", "400")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first; ``--dist loadfile --no-loadscope-reorder`` hands them out in this order."""
    items.sort(key=_rank)


def pytest_collection_finish() -> None:
    """Collect garbage from now on, but never look at the modules and the tests: they live to the end."""
    gc.freeze()
    gc.enable()


def _rank(item: pytest.Item) -> int:
    """The place of a test's file: those of `SLOWEST`, then what waits for other programs, then the rest."""
    file = item.nodeid.partition("::")[0].removeprefix("tests/")
    if file in SLOWEST:
        return SLOWEST.index(file)
    waits = item.get_closest_marker("e2e") or item.get_closest_marker("terraform")
    return len(SLOWEST) + (0 if waits else 1)

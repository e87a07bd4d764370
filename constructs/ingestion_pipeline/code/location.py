"""Where the function's code lies, and where its zips are kept: in a checkout, or installed from a wheel."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = PACKAGE / "lambda"
CHECKOUT = PACKAGE.parents[1]


def function_root() -> Path:
    """The archive's root: beside this package in a wheel, `lambda/` in a checkout."""
    return INSTALLED if INSTALLED.is_dir() else CHECKOUT / "lambda"


def bundle_cache() -> Path:
    """The folder of finished zips: the user's cache for a wheel, `build/` in a checkout; safe to delete.

    Never site-packages, which may be read-only and belong to a package manager.
    """
    if INSTALLED.is_dir():
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ingestion-pipeline")
    return CHECKOUT / "build" / "bundles"

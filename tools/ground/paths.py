"""Folders of this checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
OUTPUT = ROOT / "cdktf.out"
CONSTRUCTS = ROOT / "constructs"
"""A source root, as `LAMBDA` is: on the path of whoever imports the packages in it."""
LAMBDA = ROOT / "lambda"

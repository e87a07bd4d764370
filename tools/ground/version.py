"""The version of wheel and module, as pyproject.toml says it."""

import tomllib

from tools.ground.paths import ROOT


def version() -> str:
    """Three numbers with dots between."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])

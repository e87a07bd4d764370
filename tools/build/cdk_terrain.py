"""Rewrites a copy of the project, or an app, for CDK Terrain: other names of packages, and nothing else.

``python -m tools.build.cdk_terrain FOLDER`` changes the files in place; docs/adr/0001 says when to.
`tools.build.wheel` builds a wheel from such a copy.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

NAMES = {
    r"\bcdktf_cdktf_provider_aws\b": "cdktn_provider_aws",
    # Not cdktf.json and the like, which CDK Terrain has kept.
    r"\bcdktf\b(?!\.(json|out|log))": "cdktn",
}
"""Names in Python and JavaScript, and what CDK Terrain calls them."""

DISTRIBUTION = "ingestion-pipeline-cdktn"
PROJECT = {
    r'^name = "ingestion-pipeline"$': f'name = "{DISTRIBUTION}"',
    r"\bCDK for Terraform\b": "CDK Terrain",
    r'"cdktf>=[^"]*"': '"cdktn>=0.24,<0.25"',
    r'"cdktf-cdktf-provider-aws>=[^"]*"': '"cdktn-provider-aws>=25.8,<26"',
}
"""What pyproject.toml says of the wheel; the versions are those that the tests synthesize with."""


def move(root: Path) -> None:
    """Rewrite the constructs, main.py and pyproject.toml below ``root``, as far as they are there.

    Raises:
        ValueError: When pyproject.toml is the project's and has not got what should be replaced.
    """
    for file in _sources(root):
        file.write_text(moved(file.read_text(encoding="utf-8")), encoding="utf-8")
    project = root / "pyproject.toml"
    if (root / "constructs").is_dir() and project.exists():
        project.write_text(_moved_project(project.read_text(encoding="utf-8")), encoding="utf-8")


def moved(text: str) -> str:
    """Python or JavaScript with the names of CDK Terrain."""
    for name, successor in NAMES.items():
        text = re.sub(name, successor, text)
    return text


def _sources(root: Path) -> Iterator[Path]:
    yield from root.glob("*.py")
    yield from (root / "constructs").rglob("*.py")
    yield from (root / "constructs").rglob("*.js")


def _moved_project(text: str) -> str:
    for line, successor in PROJECT.items():
        text, count = re.subn(line, successor, text, flags=re.MULTILINE)
        if not count:
            raise ValueError(
                f"pyproject.toml has nothing that matches {line}; change tools/build/cdk_terrain.py"
            )
    return text


def main() -> None:
    """Rewrite a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the project, or of an app with its *.py files")
    move(parser.parse_args().folder)


if __name__ == "__main__":
    main()

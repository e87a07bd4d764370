"""Texts about the module's version: how to get it, what changed, how to upgrade."""

import re

from ingestion_pipeline.settings.pages import REPOSITORY
from tools.ground.paths import ROOT

CHANGELOG = ROOT / "CHANGELOG.md"
UPGRADING = ROOT / "docs" / "upgrading.md"
CHAPTER = "## The module\n"
LINK = re.compile(r"\[([^]]+)\]\((?!https?://)[^)]*\)")

USAGE = """\
```hcl
module "ingestion" {
  source = "THE_SOURCE"

  name        = "orders"
  environment = "prod"
  account_id  = "123456789012"
  region      = "eu-central-1"
  sources = [
    { name = "orders", url = "https://api.example.com/orders" },
  ]
}
```
"""


def git_source(name: str, version: str) -> str:
    """The module's ``source`` at the tag of a release."""
    return f"git::https://{REPOSITORY}.git//{name}?ref=v{version}"


def archive_source(name: str, version: str) -> str:
    """The module's ``source`` as the archive of a release."""
    return f"https://{REPOSITORY}/releases/download/v{version}/{name}-{version}.zip"


def usage(name: str, version: str) -> str:
    """Markdown: the module as it is called."""
    return USAGE.replace("THE_SOURCE", git_source(name, version))


def version_table(name: str, version: str) -> str:
    """Markdown: which version this is, and every way to have it."""
    rows = {
        "a release's tag, with your git's credentials": git_source(name, version),
        "a release's archive, read without credentials": archive_source(name, version),
        "a folder that the archive was unpacked into": f"./{name}",
    }
    table = "".join(f"| {origin} | `{source}` |\n" for origin, source in rows.items())
    checked = (
        "The release's `SHA256SUMS` has the archive's checksum. With `?checksum=sha256:…` after its address, "
        "Terraform refuses another archive."
    )
    return f"This is version {version}.\n\n| from | `source` |\n|---|---|\n{table}\n{checked}\n"


def changelog() -> str:
    """The text of CHANGELOG.md: the repository's, without links to what the module does not have."""
    return _without_links(CHANGELOG.read_text(encoding="utf-8"))


def upgrade() -> str:
    """The text of UPGRADE.md: the chapter about the module of the repository's document."""
    following = UPGRADING.read_text(encoding="utf-8").partition(CHAPTER)[2]
    chapter = re.split("^## ", following, maxsplit=1, flags=re.MULTILINE)[0]
    return f"# Upgrading the module\n{_without_links(chapter)}"


def _without_links(text: str) -> str:
    return LINK.sub(r"\1", text).rstrip() + "\n"

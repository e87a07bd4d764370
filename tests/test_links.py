"""The links of the documents, and the contents with which the pages about sources begin."""

import re
from pathlib import Path

import pytest

from tests.checkout import ROOT

DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in ROOT.glob(pattern)
)
PAGES = sorted((ROOT / "docs" / "sources").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    """A document's path within the checkout."""
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """A document without its blocks of code, whose comments look like headings."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> list[str]:
    """The anchors that GitHub gives a document's headings, in their order; the first is the title's."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE):
        anchor = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        before = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", each) is not None for each in found)
        found.append(f"{anchor}-{before}" if before else anchor)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    """A link is an address, or a file of the checkout, and an anchor is one of that file's headings."""
    dead = []
    for link in LINK.findall(prose(document)):
        if re.match(r"https?://", link):
            continue
        file, _, anchor = link.partition("#")
        target = document.parent / file if file else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)

    assert dead == []


def test_the_contents_of_sources_name_every_page() -> None:
    """A page about sources cannot be forgotten: docs/sources.md links to each in its contents."""
    contents = prose(ROOT / "docs" / "sources.md").partition("\n## Contents\n")[2].partition("\n## ")[0]

    assert PAGES
    assert {f"sources/{page.name}" for page in PAGES} - {*LINK.findall(contents)} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_about_sources_begins_with_its_contents(page: Path) -> None:
    """The contents are the page's headings, in their order; a page without headings needs none."""
    contents = LINK.findall(prose(page).partition("\n## ")[0]) if "\n## " in prose(page) else []

    assert contents == [f"#{anchor}" for anchor in anchors(page)[1:]]

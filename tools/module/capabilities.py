"""The resources of the module in one file a capability, with what the constructs say about them."""

from collections import defaultdict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ingestion_pipeline.resources.capability import RESOURCES, capabilities
from tools.module.hcl import HEADING
from tools.module.main_tf import REMARKS, short_name
from tools.module.syntax.expressions import layout
from tools.module.syntax.resource_blocks import comment, resource_lines
from tools.module.synthesis import Synthesis

MAIN = "main"
INDEX = "What this module makes, by file:"


def resource_files(synthesis: Synthesis, main: Mapping[str, Any]) -> dict[str, str]:
    """The text of each file by its name; main.tf lists the others and has what belongs to none.

    Args:
        synthesis: The constructs, with references for settings.
        main: Data sources and resources of the module, in Terraform's JSON.

    Raises:
        UnknownKind: When it is not known which arguments of a kind of resource are blocks.
    """
    remarks, owners = all_remarks(), _owners(synthesis)
    files: dict[str, list[str]] = defaultdict(list)
    for mode in ("data", "resource"):
        for kind, instances in main[mode].items():
            for name, body in instances.items():
                lines = resource_lines(mode, kind, name, body, remarks)
                files[owners.get((mode, kind, name), MAIN)] += ["", *lines]
    abouts = {name: _about(name) for name in sorted(files) if name != MAIN}
    headings = {name: ["#", *comment(" ".join(about))] for name, about in abouts.items()}
    headings[MAIN] = ["#", f"# {INDEX}", *(f"# - {name}.tf: {about[0]}" for name, about in abouts.items())]
    return {f"{name}.tf": HEADING + layout([*headings[name], *files[name]]) for name in sorted(headings)}


def _owners(synthesis: Synthesis) -> dict[tuple[str, str, str], str]:
    """The file of each resource, by mode, kind and short name."""
    return {
        (mode, kind, short_name(path)): _file(path.split("/")[2:])
        for mode in ("data", "resource")
        for kind, instances in synthesis.config.get(mode, {}).items()
        for path in (str(body["//"]["metadata"]["path"]) for body in instances.values())
    }


def _file(parts: list[str]) -> str:
    """The file of a construct by its place in the pipeline: that of the innermost capability around it."""
    if len(parts) == 1:
        return MAIN
    files = {place: each.file for each in capabilities().values() for place in each.places}
    return files.get("/".join(parts[:2])) or files[parts[0]]


def _about(file: str) -> list[str]:
    """The docstring of the capability's module, by paragraphs."""
    (name,) = (name for name, each in capabilities().items() if each.file == file)
    said = import_module(f"{RESOURCES}.{name}").__doc__ or ""
    return [" ".join(part.split()).replace("``", "`") for part in said.split("\n\n")]


def all_remarks() -> dict[str, str]:
    """The comments of the capabilities, and those on what the module does otherwise."""
    return {place: said for each in capabilities().values() for place, said in each.remarks.items()} | REMARKS

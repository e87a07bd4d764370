"""The resources of the module in one file a capability, with what the constructs say about them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import import_module, util
from typing import Any

from tools.module.hcl import HEADING
from tools.module.main_tf import REMARKS, short_name
from tools.module.syntax.expressions import layout
from tools.module.syntax.resource_blocks import comment, resource_lines
from tools.module.synthesis import Synthesis

CONSTRUCTS = "ingestion_pipeline.resources"
MODULES = {
    "dead_letters": "dead_letter_queue",
    "function": "fetch_function",
    "secrets": "secret_access",
}
"""The module of the constructs by the file's name, where they differ."""

FILES = {
    "fetch": "function",
    "stream_gzip": "stream",
    "work": "work_queue",
    "trigger": "work_queue",
    "fetch/secrets": "secrets",
    "fetch/sources": "source_list",
    "fetch/url": "function_url",
}
"""Name of a file by the place of its constructs in the pipeline; for any other it is the place's own."""

MAIN = "main"
INDEX = "What this module makes, by file:"


def resource_files(synthesis: Synthesis, main: Mapping[str, Any]) -> dict[str, str]:
    """The text of each file by its name; main.tf lists the others and has what belongs to none.

    Args:
        synthesis: The constructs, with references for settings.
        main: What the module reads and makes, as Terraform's JSON has it.

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
    """The file of a construct by its place in the pipeline."""
    if len(parts) == 1:
        return MAIN
    own = parts[0].replace("-", "_")
    return FILES.get("/".join(parts[:2]), FILES.get(own, own))


def _about(file: str) -> list[str]:
    """What the constructs' own module says it is for, by paragraphs."""
    name = f"{CONSTRUCTS}.{MODULES.get(file, file)}"
    said = import_module(name).__doc__ if util.find_spec(name) else ""
    return [" ".join(part.split()).replace("``", "`") for part in (said or "").split("\n\n")]


def all_remarks() -> dict[str, str]:
    """What a reviewer would ask, from the constructs and from what the module does otherwise."""
    return {**dict(_said_beside_the_constructs()), **REMARKS}


def _said_beside_the_constructs() -> Iterator[tuple[str, str]]:
    # Only now: the constructs start jsii's Node process.
    from pkgutil import iter_modules

    from ingestion_pipeline import resources

    for each in iter_modules(resources.__path__):
        yield from getattr(import_module(f"{CONSTRUCTS}.{each.name}"), "REMARKS", {}).items()

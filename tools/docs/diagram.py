"""The picture of what is deployed, drawn from the synthesized JSON as Mermaid.

The construct that makes a resource also says how it is drawn and what its references mean.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingestion_pipeline.resources.capability import capabilities
from ingestion_pipeline.resources.drawing import Drawing, Edge

REFERENCE = re.compile(r"\$\{(aws_\w+)\.([\w-]+)\.\w+\}|^(aws_\w+)\.([\w-]+)$")
FIRST = ("fetch_function", "log_group", "stream", "delivery", "bucket", "queue", "role")
"""The capabilities that are drawn first; the others follow by name."""


def drawings() -> dict[str, Drawing]:
    """How each resource type is drawn."""
    return {kind: drawn for each in capabilities(FIRST).values() for kind, drawn in each.drawn.items()}


def mermaid(stack: Mapping[str, Any], *, short: bool = False) -> str:
    """A left-to-right flowchart of the stack's resources and how records move between them.

    Args:
        stack: The parsed ``cdk.tf.json``.
        short: Whether to leave out details such as roles and log groups.
    """
    drawn = {kind: each for kind, each in drawings().items() if not (short and each.is_detail)}
    resources = stack["resource"]
    lines = ["flowchart LR"]
    for kind, drawing in drawn.items():
        opening, closing = drawing.shape.split()
        for name, resource in sorted(resources.get(kind, {}).items()) if drawing.label else []:
            label = f"{drawing.label}<br/>{_called(resource)}"
            lines.append(f'    {_node(resources, kind, name)}{opening}"{label}"{closing}')
    edges = dict.fromkeys([*_sources(resources), *_edges(resources, drawn)])
    return "\n".join([*lines, *(f"    {edge}" for edge in edges)]) + "\n"


def _called(resource: Mapping[str, Any]) -> str:
    """The resource's name; what only Terraform will know is left out."""
    name = str(
        next(resource[key] for key in ("function_name", "bucket", "name", "alarm_name") if key in resource)
    )
    return re.sub(r"-?\$\{[^}]*\}", "", name)


def _node(resources: Mapping[str, Any], kind: str, name: str) -> str:
    """An id from the place in the construct tree, without the stack and its one pipeline."""
    path = str(resources[kind][name]["//"]["metadata"]["path"])
    return re.sub(r"\W", "_", "_".join(path.split("/")[2:]))


def _edges(resources: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> Iterator[str]:
    """How records, logs and rights go between resources, by what refers to what."""
    for kind, drawing in drawn.items():
        for name, resource in sorted(resources.get(kind, {}).items()):
            references = [each for each in _references(resource) if drawn.get(each[1], Drawing()).label]
            nodes = {key: _node(resources, other, called) for key, other, called in references}
            for key, other, called in references:
                edge = drawing.edges.get(key)
                is_order_only = key == "depends_on" and other != "aws_cloudwatch_log_group"
                if edge and not is_order_only:
                    origin = nodes[edge.origin] if edge.origin else _node(resources, kind, name)
                    yield _arrow(origin, _node(resources, other, called), edge)


def _arrow(origin: str, target: str, edge: Edge) -> str:
    line = f"-. {edge.label} .->" if edge.dotted else f"-- {edge.label} -->"
    return f"{target} {line} {origin}" if edge.reverse else f"{origin} {line} {target}"


def _sources(resources: Mapping[str, Any]) -> Iterator[str]:
    """The URLs that the function knows."""
    (function,) = resources["aws_lambda_function"]
    for stored in resources["aws_s3_object"].values():
        for source in json.loads(stored["content"]):
            label = source.get("name") or source["url"]
            node = _node(resources, "aws_lambda_function", function)
            yield f'source_{label}(["{label}"]) -- https --> {node}'


def _references(value: object, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Every reference within a resource: the key that holds it, and the kind and name of the other."""
    if isinstance(value, Mapping):
        for inner_key, inner in value.items():
            yield from _references(inner, inner_key)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner, key)
    elif isinstance(value, str):
        for match in REFERENCE.finditer(value):
            yield key, match[1] or match[3], match[2] or match[4]

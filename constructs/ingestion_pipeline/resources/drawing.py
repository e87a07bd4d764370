"""Describes how resources are drawn in the diagram."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edge:
    """An arrow from a resource to one that it refers to.

    Attributes:
        label: Text of the arrow.
        dotted: True unless records go this way to the lake.
        reverse: True if the arrow points at the resource that has the reference.
        origin: The argument with the reference that the arrow begins at; empty: the resource itself.
    """

    label: str
    dotted: bool = False
    reverse: bool = False
    origin: str = ""


@dataclass(frozen=True)
class Drawing:
    """The drawing of one resource type.

    Attributes:
        label: Text above the resource's name; empty if only the arrows are drawn.
        shape: Mermaid's brackets, with a space between opening and closing.
        edges: Arrow by the argument or variable that holds the reference.
        is_detail: True if the short diagram leaves it out.
    """

    label: str = ""
    shape: str = "[ ]"
    edges: Mapping[str, Edge] = field(default_factory=dict)
    is_detail: bool = False


ROLE = Edge("acts as", dotted=True)

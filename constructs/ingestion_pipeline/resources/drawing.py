"""How a resource appears in the diagram; each module of resources declares it for those that it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edge:
    """An arrow from a resource to one that it refers to.

    Attributes:
        label: What moves, or what the reference means.
        dotted: Whether it is anything but records on their way to the lake.
        reverse: Whether the arrow points at the resource that refers.
        origin: The argument with the reference that the arrow begins at; empty: the resource itself.
    """

    label: str
    dotted: bool = False
    reverse: bool = False
    origin: str = ""


@dataclass(frozen=True)
class Drawing:
    """How one type of resource is drawn.

    Attributes:
        label: What it is, above its name; empty if only its arrows are drawn.
        shape: Mermaid's brackets, with a space between opening and closing.
        edges: Arrow by the argument or variable that holds the reference.
        is_detail: Whether the short diagram leaves it out.
    """

    label: str = ""
    shape: str = "[ ]"
    edges: Mapping[str, Edge] = field(default_factory=dict)
    is_detail: bool = False


ROLE = Edge("acts as", dotted=True)

"""Describes each capability in one object, for documents, plans and the Terraform module.

Each module of this package exports its object as ``CAPABILITY``. A new module is found by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from operator import attrgetter
from pkgutil import iter_modules

from ingestion_pipeline.resources.bill import BillLine
from ingestion_pipeline.resources.drawing import Drawing
from ingestion_pipeline.settings.names import Name

RESOURCES = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class Read:
    """The IAM actions that `terraform plan` needs to refresh one resource type.

    Actions: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.

    Attributes:
        name: Name of the resource, from its arguments in Terraform.
        arns: ARNs to read, without ``arn:<partition>:``.
        actions: Actions on those ARNs.
        anywhere: Actions that cannot be limited to a resource.
    """

    name: str
    arns: tuple[str, ...]
    actions: tuple[str, ...]
    anywhere: tuple[str, ...] = ()


@dataclass(frozen=True)
class Output:
    """One value that other stacks may rely on.

    Attributes:
        name: Name in Terraform.
        since: First version with this output.
        meaning: A sentence for `terraform output` and the documents.
        attribute: The pipeline's attribute, such as ``bucket.arn``.
    """

    name: str
    since: str
    meaning: str
    attribute: str

    def value(self, pipeline: object) -> str:
        """The value in one pipeline."""
        return str(attrgetter(self.attribute)(pipeline))


@dataclass(frozen=True)
class Capability:
    """Describes a capability to the rest of the project.

    A resource type that several capabilities make is described by one of them.

    Attributes:
        file: Name of its file in the Terraform module; empty for a part of other capabilities.
        inside: Ids of its constructs below the pipeline; empty: the file's name with hyphens.
        names: Names of its resources.
        drawn: Drawing of each resource type.
        remarks: Comments of the module, by resource type and argument, or by the sid of a statement.
        reads: Calls by which a plan refreshes each resource type.
        losses: Data that is lost when a resource of the type is destroyed or replaced.
        bill: Its lines of the monthly bill.
        outputs: Values that other stacks may rely on.
        module_outputs: Description and expression of outputs that only the module has.
    """

    file: str = ""
    inside: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()
    drawn: Mapping[str, Drawing] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, Read] = field(default_factory=dict)
    losses: Mapping[str, str] = field(default_factory=dict)
    bill: tuple[BillLine, ...] = ()
    outputs: tuple[Output, ...] = ()
    module_outputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """Ids of its constructs below the pipeline, such as ``dead-letters`` or ``fetch/url``."""
        return self.inside or ((self.file.replace("_", "-"),) if self.file else ())


def capabilities(first: Sequence[str] = ()) -> dict[str, Capability]:
    """Every capability by the name of its module; the first call starts jsii's Node process.

    Args:
        first: Modules that come first, in this order; the others follow by name.
    """
    found = _found()
    return {name: found[name] for name in dict.fromkeys([*first, *found])}


@cache
def _found() -> dict[str, Capability]:
    names = [module.name for module in iter_modules(import_module(RESOURCES).__path__)]
    modules = {name: import_module(f"{RESOURCES}.{name}") for name in names}
    return {name: module.CAPABILITY for name, module in modules.items() if hasattr(module, "CAPABILITY")}


def reads() -> dict[str, Read]:
    """The calls by which a plan refreshes each resource type."""
    return {kind: read for each in capabilities().values() for kind, read in each.reads.items()}


def losses() -> dict[str, str]:
    """The data that is lost with a resource, by its type."""
    return {kind: loss for each in capabilities().values() for kind, loss in each.losses.items()}

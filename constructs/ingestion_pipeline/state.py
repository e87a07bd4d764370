"""The bucket where Terraform keeps its state."""

from constructs import Construct

from ingestion_pipeline.bucket import PrivateBucket


class StateBucket(PrivateBucket):
    """A bucket for Terraform's state: every version of it is kept, and Terraform cannot destroy it.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        name: The bucket's, unique world-wide.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_, name=name, deletable=False)

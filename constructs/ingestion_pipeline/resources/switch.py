"""Resources that exist only under a condition that Terraform evaluates."""

from cdktf import TerraformElement

from ingestion_pipeline.settings.expressions import Condition, Unknown


def exist_only_if(resource: TerraformElement, condition: Condition) -> None:
    """Give the resource a ``count`` if only Terraform will know the condition."""
    if isinstance(condition, Unknown):
        resource.add_override("count", f"${{{condition.expression} ? 1 : 0}}")

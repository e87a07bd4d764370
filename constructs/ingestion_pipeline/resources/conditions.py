"""Resources that exist only under a condition that Terraform evaluates.

A construct says it here. What the module's ``count`` becomes is in `tools/module/counts.py`, because there a
resource also depends on whether its part exists already.
"""

from cdktf import TerraformElement

from ingestion_pipeline.settings.expressions import Condition, Unknown, conditional


def exist_only_if(resource: TerraformElement, condition: Condition) -> None:
    """Give the resource a ``count`` if only Terraform will know the condition."""
    if isinstance(condition, Unknown):
        resource.add_override("count", f"${{{conditional(condition, '1', '0')}}}")

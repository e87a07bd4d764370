"""Roles with their permissions."""

from collections.abc import Sequence

from cdktf import TerraformResource
from constructs import Construct

from ingestion_pipeline.bindings import IamRole, IamRolePolicy
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.documents import policy_document
from ingestion_pipeline.resources.drawing import Drawing
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.expressions import Condition
from ingestion_pipeline.settings.references import RoleReference

ROLE_CHARACTERS = 64
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

ROLE = "iam::{account}:role/{name}"

CAPABILITY = Capability(
    drawn={"aws_iam_role": Drawing("Role", "{{ }}", is_detail=True)},
    reads={
        "aws_iam_role": Read(
            "{name}", (ROLE,), ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
        ),
        "aws_iam_role_policy": Read("{role}", (ROLE,), ("iam:GetRolePolicy",)),
    },
)


class Role(Construct):
    """A role that one service assumes, with one policy for its permissions.

    Creates: an IAM role and its inline policy. For a role that exists: the policy, if the role's name is
    given.

    Args:
        name: Name of the role, up to 64 characters.
        trust: Permission to assume it.
        permissions: Permissions of the role, in an inline policy that is deleted with it.
        existing: The parts that exist.
        part: Name of this role among them, such as ``function_role``.

    Attributes:
        role: Its ARN goes to whoever assumes it.
        role_name: Name of a role that is made, for further policies; empty for one that exists.
        permissions: Permissions of the role, as JSON.
        policies: Whoever uses the role waits for them, or its first calls are denied.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        trust: Sequence[Statement],
        permissions: Sequence[Statement],
        existing: Existing,
        part: str,
    ) -> None:
        super().__init__(scope, id_)
        self.permissions = policy_document(permissions)
        self.policies: list[IamRolePolicy] = []
        self.role_name = ""
        self.role = existing.use(part, lambda: self._make(name, trust))
        if not self.policies and self.role.name:
            # Two pipelines may use one existing role, so that its policies need names of their own.
            self._attach(name, self.role.name)

    def _make(self, name: str, trust: Sequence[Statement]) -> RoleReference:
        role = IamRole(self, "role", name=name, assume_role_policy=policy_document(trust))
        self.role_name = role.name
        self._attach("permissions", role.id)
        return RoleReference(name=role.name, arn=role.arn)

    def permit_longer(self, name: str, permissions: Sequence[Statement], when: Condition) -> None:
        """Give a role that is made an inline policy that outlasts its use by whoever waits for `policies`.

        Terraform destroys a resource before it updates what depended on it, unless the resource is created
        before it is destroyed: https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle.
        """
        policy = IamRolePolicy(
            self,
            name,
            name=name,
            role=self.role_name,
            policy=policy_document(permissions),
            lifecycle={"create_before_destroy": True},
        )
        exist_only_if(policy, when)
        self.wait_for(policy)
        self.policies.append(policy)

    def wait_for(self, *others: TerraformResource) -> None:
        """Change the main policy after others: what moves into them is granted there before it goes here."""
        main = self.policies[0]
        addresses = [f"{each.terraform_resource_type}.{each.friendly_unique_id}" for each in others]
        main.depends_on = [*(main.depends_on or []), *addresses]

    def _attach(self, name: str, role: str) -> None:
        self.policies.append(IamRolePolicy(self, "policy", name=name, role=role, policy=self.permissions))

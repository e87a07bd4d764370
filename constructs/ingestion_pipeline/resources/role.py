"""Roles and their policy documents, from the plain statements of `policies`."""

from collections.abc import Sequence
from typing import Any

from constructs import Construct

from ingestion_pipeline.bindings import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
    IamRole,
    IamRolePolicy,
)
from ingestion_pipeline.resources.drawing import Drawing
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.existing import Existing, RoleReference
from ingestion_pipeline.settings.expressions import Unknown, optional_blocks

ROLE_CHARACTERS = 64
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

DRAWN = {"aws_iam_role": Drawing("Role", "{{ }}", is_detail=True)}


class Role(Construct):
    """A role that one service assumes, with the one policy that says what it may do.

    Creates: two policy documents, an IAM role, its inline policy. For a role that exists: one document
    and, if the role's name is given, the policy.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        name: Of the role, up to 64 characters.
        trust: Who may assume it.
        permissions: What it may do; inline, so that it lives and dies with the role.
        existing: The parts that exist.
        part: Which of them is this role, such as ``function_role``.

    Attributes:
        role: Its ARN goes to whoever assumes it.
        role_name: Of a role that is made, for further policies; empty for one that exists.
        permissions: What it may do, as JSON.
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
        self.permissions: str = policy_document(self, "permissions", permissions).json
        self.policies: list[IamRolePolicy] = []
        self.role_name = ""
        self.role = existing.use(part, lambda: self._make(name, trust))
        if not self.policies and self.role.name:
            # Two pipelines may use one existing role, so that its policies need names of their own.
            self._attach(name, self.role.name)

    def _make(self, name: str, trust: Sequence[Statement]) -> RoleReference:
        document = policy_document(self, "trust", trust)
        role = IamRole(self, "role", name=name, assume_role_policy=document.json)
        self.role_name = role.name
        self._attach("permissions", role.id)
        return RoleReference(name=role.name, arn=role.arn)

    def _attach(self, name: str, role: str) -> None:
        self.policies.append(IamRolePolicy(self, "policy", name=name, role=role, policy=self.permissions))


def policy_document(scope: Construct, id_: str, statements: Sequence[Statement]) -> DataAwsIamPolicyDocument:
    """The statements as a document that Terraform renders, right in JSON and in HCL."""
    certain = [statement_struct(each) for each in statements if each.when is True]
    document = DataAwsIamPolicyDocument(scope, id_, statement=certain)
    blocks = [(each.when, _content(each)) for each in statements if isinstance(each.when, Unknown)]
    if blocks:
        document.add_override("dynamic.statement", optional_blocks(blocks))
    return document


def statement_struct(statement: Statement) -> DataAwsIamPolicyDocumentStatement:
    """A permission as the bindings take it."""
    conditions = [
        DataAwsIamPolicyDocumentStatementCondition(**condition) for condition in _conditions(statement)
    ]
    return DataAwsIamPolicyDocumentStatement(
        sid=statement.sid,
        effect="Allow" if statement.allowed else "Deny",
        actions=list(statement.actions),
        resources=list(statement.resources) or None,
        principals=_principals(statement),
        condition=conditions or None,
    )


def _content(statement: Statement) -> dict[str, Any]:
    """A permission as Terraform's JSON has it."""
    return {
        "sid": statement.sid,
        "effect": "Allow",
        "actions": list(statement.actions),
        "resources": list(statement.resources),
        **({"condition": _conditions(statement)} if statement.conditions else {}),
    }


def _conditions(statement: Statement) -> list[dict[str, Any]]:
    return [
        {
            "test": "Bool" if key == "aws:SecureTransport" else "StringEquals",
            "variable": key,
            "values": [value],
        }
        for key, value in statement.conditions.items()
    ]


def _principals(statement: Statement) -> list[DataAwsIamPolicyDocumentStatementPrincipals] | None:
    if statement.services:
        services = list(statement.services)
        return [DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=services)]
    if not statement.allowed:
        return [DataAwsIamPolicyDocumentStatementPrincipals(type="*", identifiers=["*"])]
    return None

"""Roles and their policy documents, from the plain statements of `policies`."""

from collections.abc import Sequence

from constructs import Construct

from ingestion_pipeline.bindings import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
    IamRole,
    IamRolePolicy,
)
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.existing import RoleReference


class Role(Construct):
    """A role that one service assumes, with the one policy that says what it may do.

    Creates: two policy documents, an IAM role, its inline policy; or, if the role exists, one document
    and, if its name is given, the policy.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        name: Of the role, up to 64 characters.
        trust: Who may assume it.
        permissions: What it may do; inline, so that it lives and dies with the role.
        existing: The role to use instead of one of its own.

    Attributes:
        role: Its ARN goes to whoever assumes it.
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
        existing: RoleReference | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.role, role_id = (existing, existing.name) if existing else self._make(name, trust)
        self.permissions: str = policy_document(self, "permissions", permissions).json
        self.policies: list[IamRolePolicy] = []
        if role_id:
            # Two pipelines may use one existing role, so that its policies need names of their own.
            label = name if existing else "permissions"
            self.policies += [
                IamRolePolicy(self, "policy", name=label, role=role_id, policy=self.permissions)
            ]

    def _make(self, name: str, trust: Sequence[Statement]) -> tuple[RoleReference, str]:
        document = policy_document(self, "trust", trust)
        role = IamRole(self, "role", name=name, assume_role_policy=document.json)
        return RoleReference(name=role.name, arn=role.arn), role.id


def policy_document(scope: Construct, id_: str, statements: Sequence[Statement]) -> DataAwsIamPolicyDocument:
    """The statements as a document that Terraform renders, right in JSON and in HCL."""
    return DataAwsIamPolicyDocument(scope, id_, statement=[_statement(statement) for statement in statements])


def _statement(statement: Statement) -> DataAwsIamPolicyDocumentStatement:
    conditions = [
        DataAwsIamPolicyDocumentStatementCondition(
            test="Bool" if key == "aws:SecureTransport" else "StringEquals", variable=key, values=[value]
        )
        for key, value in statement.conditions.items()
    ]
    return DataAwsIamPolicyDocumentStatement(
        sid=statement.sid,
        effect="Allow" if statement.allowed else "Deny",
        actions=list(statement.actions),
        resources=list(statement.resources) or None,
        principals=_principals(statement),
        condition=conditions or None,
    )


def _principals(statement: Statement) -> list[DataAwsIamPolicyDocumentStatementPrincipals] | None:
    if statement.services:
        services = list(statement.services)
        return [DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=services)]
    if not statement.allowed:
        return [DataAwsIamPolicyDocumentStatementPrincipals(type="*", identifiers=["*"])]
    return None

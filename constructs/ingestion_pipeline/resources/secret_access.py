"""Permission to read the secrets of hundreds of sources, each by its name, and to decrypt them."""

from constructs import Construct

from ingestion_pipeline.bindings import IamPolicy, IamRolePolicyAttachment
from ingestion_pipeline.resources.bill import BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.documents import policy_document
from ingestion_pipeline.resources.policies import read_secrets
from ingestion_pipeline.resources.role import ROLE
from ingestion_pipeline.settings.expressions import Condition, expression_of, unknown
from ingestion_pipeline.settings.sources.sources import SecretGroups

SECRET = Price("a secret, a month", "0.40", "secrets-manager")
SECRET_CALLS = Price("ten thousand requests for a secret", "0.05", "secrets-manager")

CAPABILITY = Capability(
    file="secrets",
    inside=("fetch/secrets",),
    reads={
        "aws_iam_policy": Read(
            "{name}", ("iam::{account}:policy/{name}",), ("iam:GetPolicy", "iam:GetPolicyVersion")
        ),
        "aws_iam_role_policy_attachment": Read("{role}", (ROLE,), ("iam:ListAttachedRolePolicies",)),
    },
    bill=(
        BillLine(
            "Secrets Manager",
            {"secret": SECRET, "secret_calls": SECRET_CALLS},
            lambda use: use.sources * SECRET.usd + use.runs * SECRET_CALLS.usd / 10_000,
        ),
    ),
)


class SecretAccess(Construct):
    """Managed policies on the function's role, as many as the secrets need.

    A role's inline policies take 10,240 characters together, about a hundred secrets; a managed policy
    takes 6,144, and a role has ten: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.

    Creates: for each group of secrets and keys a managed policy and its attachment.

    Args:
        name: Name of the policies, before the group's number.
        role: Name of the role.
        groups: The ARNs of the secrets, and of the keys that encrypt them, by group.
        with_keys: Whether there may be keys.
        when: Condition under which the policies exist.

    Attributes:
        policies: Whoever uses the role waits for them.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        role: str,
        groups: SecretGroups,
        with_keys: bool,
        when: Condition,
    ) -> None:
        super().__init__(scope, id_)
        document = policy_document(read_secrets(unknown(tuple, "each.value"), with_keys=with_keys))
        policy = IamPolicy(self, "policy", name=f"{name}-${{each.key}}", policy=document)
        attachment = IamRolePolicyAttachment(
            self, "attachment", role=role, policy_arn=f"${{{policy.fqn}[each.key].arn}}"
        )
        expression = expression_of(groups)
        for each in (policy, attachment):
            each.add_override("for_each", f"${{{expression}}}" if expression else groups)
            exist_only_if(each, when)
        self.policies = [attachment]

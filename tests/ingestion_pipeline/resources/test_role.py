import pytest
from constructs import Construct

from ingestion_pipeline.settings.existing import Existing
from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Synthesized


@pytest.fixture(scope="module")
def default(synthesize: Synthesize) -> Synthesized:
    """A role with one permission."""
    from ingestion_pipeline.resources.policies import Statement, trust
    from ingestion_pipeline.resources.role import Role

    permissions = [Statement("Look", ["s3:ListBucket"], ["arn:of:a:bucket"])]
    return synthesize(
        lambda stack: Role(
            stack,
            "access",
            name="our-role",
            trust=trust("a.amazonaws.com"),
            permissions=permissions,
            existing=Existing(),
            part="function_role",
        )
    )


@pytest.fixture(scope="module")
def document(synthesize: Synthesize) -> Synthesized:
    """A document that denies under two conditions."""
    from ingestion_pipeline.resources.policies import Statement
    from ingestion_pipeline.resources.role import policy_document

    def build(stack: Construct) -> None:
        conditions = {"aws:SecureTransport": "false", "aws:SourceAccount": "123456789012"}
        denial = Statement("No", ["s3:GetObject"], ["arn:of:it"], conditions=conditions, allowed=False)
        policy_document(stack, "document", [denial])

    return synthesize(build)


class TestDefaults:
    def test_role_is_taken_by_whom_it_trusts(self, default: Synthesized) -> None:
        """The role has its name and the trust that was given."""
        role = default.only("aws_iam_role")

        assert role == {"name": "our-role", "assume_role_policy": default.document("trust")}

    def test_policy_lives_and_dies_with_the_role(self, default: Synthesized) -> None:
        """What the role may do stands in its own inline policy."""
        policy = default.only("aws_iam_role_policy")

        assert policy == {
            "name": "permissions",
            "role": f"${{{default.address('aws_iam_role')}.id}}",
            "policy": default.document("permissions"),
        }

    def test_permission_names_no_principal(self, default: Synthesized) -> None:
        """A permission is the role's own; nothing but actions and resources is in it."""
        assert default.statements("permissions") == [
            {"sid": "Look", "effect": "Allow", "actions": ["s3:ListBucket"], "resources": ["arn:of:a:bucket"]}
        ]

    def test_trust_names_no_resource(self, default: Synthesized) -> None:
        """A trust is about the role it is attached to, so IAM takes no resource in it."""
        (trust,) = default.statements("trust")

        assert "resources" not in trust


class TestCustomised:
    def test_conditions_are_tested_by_their_type(self, document: Synthesized) -> None:
        """A key that is true or false is compared as such, any other as text."""
        (statement,) = document.statements("document")

        assert {c["variable"]: (c["test"], c["values"]) for c in statement["condition"]} == {
            "aws:SecureTransport": ("Bool", ["false"]),
            "aws:SourceAccount": ("StringEquals", ["123456789012"]),
        }


class TestGuarded:
    def test_a_denial_is_for_everybody(self, document: Synthesized) -> None:
        """What is denied is denied to everyone, not only to one service."""
        (statement,) = document.statements("document")

        assert (statement["effect"], statement["principals"]) == (
            "Deny",
            [{"type": "*", "identifiers": ["*"]}],
        )

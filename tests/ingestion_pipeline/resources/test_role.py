import pytest

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


class TestDefaults:
    def test_role_is_taken_by_whom_it_trusts(self, default: Synthesized) -> None:
        """The role has its name and the trust that was given."""
        role = default.only("aws_iam_role")

        assert role["name"] == "our-role"
        assert default.statements("assume_role_policy") == [
            {
                "Sid": "Trust",
                "Effect": "Allow",
                "Principal": {"Service": "a.amazonaws.com"},
                "Action": ["sts:AssumeRole"],
            }
        ]

    def test_policy_lives_and_dies_with_the_role(self, default: Synthesized) -> None:
        """What the role may do stands in its own inline policy."""
        policy = default.only("aws_iam_role_policy")

        assert (policy["name"], policy["role"]) == (
            "permissions",
            f"${{{default.address('aws_iam_role')}.id}}",
        )
        assert default.statements("aws_iam_role_policy") == [
            {"Sid": "Look", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:of:a:bucket"]}
        ]

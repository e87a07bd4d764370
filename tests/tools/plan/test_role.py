"""The policies as written; tests/e2e/test_lifecycle.py holds them against the calls of a real plan."""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ingestion_pipeline.resources.capability import reads
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.alarms import AlarmSettings
from tests.checkout import synthesized_file
from tests.ingestion_pipeline.synthesized import stack_json
from tools.plan.resource_names import Unresolved, names_of
from tools.plan.role import PolicyTooLarge, github_trust, gitlab_trust, main, plan_policy, repository

ACCOUNT = "123456789012"
MAX_INLINE_CHARACTERS = 10_240
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@pytest.fixture(scope="module")
def stack(with_small_zip: Path) -> dict[str, Any]:
    """The stack of ``dev``, with a bucket for its state."""
    found: dict[str, Any] = json.loads(synthesized_file(with_small_zip).read_text(encoding="utf-8"))
    found["terraform"]["backend"]["s3"]["bucket"] = "our-state"
    return found


@pytest.fixture(scope="module")
def granted(stack: dict[str, Any]) -> dict[str, set[str]]:
    """The resources of each action."""
    found: dict[str, set[str]] = {}
    for statement in plan_policy(stack, ACCOUNT)["Statement"]:
        for action in statement["Action"]:
            found.setdefault(action, set()).update(statement["Resource"])
    return found


class TestPolicy:
    def test_reads_the_state_of_this_environment_only(self, granted: dict[str, set[str]]) -> None:
        """No record may be read, and no other environment's state; the sources' key changes with them."""
        assert granted["s3:GetObject"] == {
            "arn:aws:s3:::our-state/data-ingestion/dev/terraform.tfstate",
            f"arn:aws:s3:::data-ingestion-dev-lake-{ACCOUNT}-us-east-1/config/sources-*.json",
        }

    def test_names_resources_in_full(self, granted: dict[str, set[str]]) -> None:
        """References and the account's number are resolved."""
        assert granted["s3:GetBucketPolicy"] == {f"arn:aws:s3:::data-ingestion-dev-lake-{ACCOUNT}-us-east-1"}
        assert granted["iam:GetRolePolicy"] == {
            f"arn:aws:iam::{ACCOUNT}:role/data-ingestion-dev-{role}-us-east-1"
            for role in ("fetch", "delivery")
        }

    def test_reads_the_tags_of_a_bucket_in_both_ways(self, granted: dict[str, set[str]]) -> None:
        """Since 6.23 the provider asks in the newer way first.

        https://github.com/hashicorp/terraform-provider-aws/pull/45251
        """
        assert granted["s3:ListTagsForResource"] == granted["s3:GetBucketTagging"]

    def test_only_actions_that_know_no_resource_are_allowed_anywhere(
        self, granted: dict[str, set[str]]
    ) -> None:
        """Three actions have no resource to name; none of them shows content."""
        assert {action for action, resources in granted.items() if "*" in resources} == {
            "kinesis:DescribeLimits",
            "logs:DescribeLogGroups",
            "sts:GetCallerIdentity",
        }

    def test_only_reads(self, granted: dict[str, set[str]]) -> None:
        """No action creates, changes or deletes; no wildcard hides one that does."""
        verbs = {action.split(":")[1].rstrip("*") for action in granted}

        assert [verb for verb in verbs if not verb.startswith(("Get", "List", "Describe"))] == []

    def test_reads_neither_records_nor_secrets(self, granted: dict[str, set[str]]) -> None:
        """What a plan does not need, the pull request's code cannot read."""
        forbidden = {"kinesis:GetRecords", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage"}

        assert forbidden & set(granted) == set()

    def test_many_schedules_fit_into_an_inline_policy(self, stack: dict[str, Any]) -> None:
        """They are read by their group.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
        """
        schedule = {
            "name": "${each.key}",
            "group_name": "our-schedules",
            "for_each": {f"a-source-with-a-long-name-{number}": {} for number in range(150)},
        }
        many = {**stack, "resource": {**stack["resource"], "aws_scheduler_schedule": {"schedule": schedule}}}
        policy = plan_policy(many, ACCOUNT)
        read = [each["Resource"] for each in policy["Statement"] if "scheduler:GetSchedule" in each["Action"]]

        assert read == [[f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/our-schedules/*"]]
        assert len(json.dumps(policy, separators=(",", ":"))) <= MAX_INLINE_CHARACTERS

    def test_reads_all_alarms_and_what_tells_of_them(
        self, stack: dict[str, Any], tmp_path: Path, small_zip: Callable[[], AbstractContextManager[object]]
    ) -> None:
        """A composite alarm is described only to who may describe all; only AWS knows a subscription's id.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
        """
        settings = Settings(alarms=AlarmSettings(emails=("a@b.example",), dashboard=True))
        with small_zip():
            told = stack_json(settings, tmp_path)
        told["terraform"] = stack["terraform"]
        policy = plan_policy(told, ACCOUNT)
        read = {action: each["Resource"] for each in policy["Statement"] for action in each["Action"]}

        assert (read["cloudwatch:DescribeAlarms"], read["sns:GetSubscriptionAttributes"]) == (["*"], ["*"])
        assert (
            f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:data-ingestion-dev-dead-letters"
            in read["cloudwatch:ListTagsForResource"]
        )
        assert read["cloudwatch:GetDashboard"] == [
            f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/data-ingestion-dev-pipeline"
        ]
        assert read["sns:GetTopicAttributes"] == [
            f"arn:aws:sns:us-east-1:{ACCOUNT}:data-ingestion-dev-alarms"
        ]
        assert len(json.dumps(policy, separators=(",", ":"))) <= MAX_INLINE_CHARACTERS

    def test_what_iam_would_not_take_is_refused(self, stack: dict[str, Any]) -> None:
        """Before `put-role-policy` fails with it."""
        roles = {f"role{number}": {"name": f"{'x' * 60}{number}"} for number in range(200)}
        with pytest.raises(PolicyTooLarge, match="IAM takes 10,240 inline"):
            plan_policy({**stack, "resource": {"aws_iam_role": roles}}, ACCOUNT)

    def test_fits_into_an_inline_policy(self, stack: dict[str, Any]) -> None:
        """IAM counts the characters without white space."""
        assert len(json.dumps(plan_policy(stack, ACCOUNT), separators=(",", ":"))) <= MAX_INLINE_CHARACTERS

    def test_follows_the_region_into_its_partition(self, stack: dict[str, Any]) -> None:
        """ARNs in China begin otherwise."""
        elsewhere = {**stack, "provider": {"aws": [{"region": "cn-north-1"}]}}
        statements = plan_policy(elsewhere, ACCOUNT)["Statement"]
        resources = {resource for statement in statements for resource in statement["Resource"]} - {"*"}

        assert {resource.split(":")[1] for resource in resources} == {"aws-cn"}

    def test_each_of_several_resources_has_its_name(self) -> None:
        """A resource with ``for_each`` is read by the name of each key."""
        policy = {"for_each": {"1": ["a"], "2": ["b"]}, "name": "x-${each.key}"}

        assert names_of({"resource": {"aws_iam_policy": {"a": policy}}}, ACCOUNT) == {
            "aws_iam_policy": ["x-1", "x-2"]
        }

    def test_a_kind_without_a_row_is_refused(self) -> None:
        """A resource that is new in the stack has to be added to the table of calls."""
        stack = {"resource": {"aws_new_thing": {"a": {"name": "x"}}}}

        with pytest.raises(Unresolved, match=r"aws_new_thing\.a: no capability says"):
            names_of(stack, ACCOUNT)

    def test_a_name_that_only_aws_knows_is_refused(self) -> None:
        """A policy with half a name would allow nothing, or too much."""
        stack = {"resource": {"aws_sqs_queue": {"a": {"name": "${data.aws_region.here.name}-x"}}}}

        with pytest.raises(Unresolved, match="is only known to AWS"):
            names_of(stack, ACCOUNT)


def test_every_read_is_one_of_its_services_actions() -> None:
    """An action belongs to the service whose ARN it is granted on."""
    pairs = {
        (action.split(":")[0], arn.split(":")[0])
        for r in reads().values()
        for action in r.actions
        for arn in r.arns
    }

    assert {(service, arn) for service, arn in pairs if service != arn} == set()


def test_every_kind_that_a_setting_creates_has_its_calls(root: Path) -> None:
    """The module's addresses hold each resource that any setting brings along; each kind has its row."""
    addresses = (root / "tests/tools/module/addresses.txt").read_text(encoding="utf-8").split()

    assert {address.split(".")[0] for address in addresses} == set(reads())


class TestTrust:
    def test_github_lets_pull_requests_of_one_repository_in(self) -> None:
        """Audience and subject are both exact."""
        assert github_trust(ACCOUNT, "aws", "acme/lake")["Statement"] == [
            {
                "Effect": "Allow",
                "Principal": {
                    "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
                },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                        "token.actions.githubusercontent.com:sub": "repo:acme/lake:pull_request",
                    }
                },
            }
        ]

    def test_gitlab_lets_branches_of_one_project_in(self) -> None:
        """The audience is exact; the subject leaves the branch's name open and nothing else."""
        (statement,) = gitlab_trust(ACCOUNT, "aws", "gitlab.com", "acme/lake")["Statement"]

        assert statement["Condition"] == {
            "StringEquals": {"gitlab.com:aud": "https://gitlab.com"},
            "StringLike": {"gitlab.com:sub": "project_path:acme/lake:ref_type:branch:ref:*"},
        }


@pytest.mark.parametrize("text", ["acme", "acme/*", "*/*", "acme/", "a b/c", "acme/lake?"])
def test_what_would_trust_others_is_refused(text: str) -> None:
    """A wildcard in a repository's name would let other repositories in."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no path such as ORG/REPO"):
        repository(text)


def test_no_state_no_policy(with_small_zip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the state's bucket the policy would lack what matters."""
    folder = synthesized_file(with_small_zip).parent
    monkeypatch.setattr("tools.plan.role.synthesize", lambda *_, **__: folder)
    monkeypatch.setattr(sys, "argv", ["plan-role"])

    with pytest.raises(SystemExit, match=r"^plan-role: state\.bucket is not set: "):
        main()

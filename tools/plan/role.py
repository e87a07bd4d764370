"""Writes the policies of a role that may plan one environment and nothing else: ``make plan-role``.

``policy.json`` allows the calls that ``make plan`` makes: read the state and describe each resource of the
stack. It reads no record and no secret. ``trust-github.json`` or ``trust-gitlab.json`` says which pipelines
of which repository may assume the role. Both lie below build/plan-role.
"""

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ingestion_pipeline.resources.capability import reads
from ingestion_pipeline.settings.partitions import partition_of
from tools.ground.aws import AwsError, account_id, client
from tools.ground.ending import reported
from tools.ground.paths import BUILD, OUTPUT
from tools.ground.terraform import TerraformError, environment, synthesize
from tools.plan.resource_names import Unresolved, names_of

GITHUB = "token.actions.githubusercontent.com"

ANYWHERE = ("sts:GetCallerIdentity",)
"""What every plan calls besides, on no resource."""

# Terraform lists the bucket for the names of its workspaces.
STATE_ACTIONS = {"s3:::{bucket}": ("s3:ListBucket",), "s3:::{bucket}/{key}": ("s3:GetObject",)}
"""By what is read of the backend, without ``arn:<partition>:``."""

MAX_CHARACTERS = 10_240
"""Of an inline policy, without white space:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""

Policy = dict[str, Any]


class PolicyTooLarge(ValueError):
    """When IAM would not take the policy; not worth a retry."""


def plan_policy(stack: Mapping[str, Any], account: str) -> Policy:
    """The identity policy of the role, as IAM takes it: each action on exactly the resources that it reads.

    Args:
        stack: The synthesized Terraform JSON.
        account: Twelve digits.

    Raises:
        PolicyTooLarge: When IAM would not take it.
        Unresolved: When a resource's name depends on what only AWS knows, or its kind is not in the table.
    """
    region = str(stack["provider"]["aws"][0]["region"])
    partition = partition_of(region)
    actions: dict[str, set[str]] = defaultdict(set)
    backend = stack["terraform"]["backend"]["s3"]
    for pattern, state_actions in STATE_ACTIONS.items():
        actions[f"arn:{partition}:{pattern.format(**backend)}"].update(state_actions)
    anywhere = {*ANYWHERE}
    for kind, names in names_of(stack, account).items():
        read = reads()[kind]
        anywhere.update(read.anywhere)
        for name in names:
            for pattern in read.arns:
                arn = pattern.format(region=region, account=account, name=name)
                actions[f"arn:{partition}:{arn}"].update(read.actions)
    grouped: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for arn, allowed in actions.items():
        grouped[tuple(sorted(allowed))].append(arn)
    statements = [_allow(group, sorted(arns)) for group, arns in sorted(grouped.items())]
    # These actions know no resource; they show limits and names, never content.
    document = _document([*statements, _allow(sorted(anywhere), ["*"])])
    characters = len(json.dumps(document, separators=(",", ":")))
    if characters > MAX_CHARACTERS:
        raise PolicyTooLarge(
            f"the policy has {characters:,} characters, and IAM takes {MAX_CHARACTERS:,} inline: give the "
            "pipeline a shorter name, or make several pipelines of its sources"
        )
    return document


def github_trust(account: str, partition: str, repository: str) -> Policy:
    """The trust policy for pull requests of a repository on GitHub.

    Args:
        account: The role's; the identity provider is in the same account.
        partition: Such as ``aws``.
        repository: As ``ORG/REPO``.

    Example:
        >>> github_trust("123456789012", "aws", "acme/lake")["Statement"][0]["Condition"]["StringEquals"]
        {'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com', \
'token.actions.githubusercontent.com:sub': 'repo:acme/lake:pull_request'}
    """
    # A job with `environment:` has another subject: repo:ORG/REPO:environment:NAME.
    wanted = {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": f"repo:{repository}:pull_request"}
    return _trust(account, partition, GITHUB, {"StringEquals": wanted})


def gitlab_trust(account: str, partition: str, host: str, project: str) -> Policy:
    """The trust policy for the branches of a project on GitLab.

    Args:
        account: The role's; the identity provider is in the same account.
        partition: Such as ``aws``.
        host: GitLab's host, such as ``gitlab.com``.
        project: As ``GROUP/PROJECT``.
    """
    conditions = {
        "StringEquals": {f"{host}:aud": f"https://{host}"},
        "StringLike": {f"{host}:sub": f"project_path:{project}:ref_type:branch:ref:*"},
    }
    return _trust(account, partition, host, conditions)


def _trust(account: str, partition: str, issuer: str, conditions: Mapping[str, Mapping[str, str]]) -> Policy:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": conditions,
    }
    return _document([statement])


def _allow(actions: Iterable[str], resources: Iterable[str]) -> Policy:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _document(statements: list[Policy]) -> Policy:
    return {"Version": "2012-10-17", "Statement": statements}


def write(github: str, gitlab: str, variables: Mapping[str, str]) -> list[Path]:
    """The files, written for the environment in ``ENV``.

    Args:
        github: Repository as ``ORG/REPO``; empty: no trust policy for GitHub.
        gitlab: Project as ``HOST/GROUP/PROJECT``; empty: no trust policy for GitLab.
        variables: As for Terraform.

    Raises:
        AwsError: When AWS refuses the credentials, or cannot be reached.
        TerraformError: When a setting cannot be used or the state's bucket is not set.
        PolicyTooLarge: As for `plan_policy`.
        Unresolved: As for `plan_policy`.
    """
    stack_folder = synthesize(variables, output=Path(variables.get("CDKTF_OUTDIR", OUTPUT)))
    stack = json.loads((stack_folder / "cdk.tf.json").read_text(encoding="utf-8"))
    if not stack["terraform"]["backend"]["s3"].get("bucket"):
        raise TerraformError("state.bucket is not set: give pipeline.toml's [state] table a bucket name")
    region = str(stack["provider"]["aws"][0]["region"])
    account, partition = account_id(client("sts", variables, region)), partition_of(region)
    documents = {"policy.json": plan_policy(stack, account)}
    if github:
        documents["trust-github.json"] = github_trust(account, partition, github)
    if gitlab:
        host, _, project = gitlab.partition("/")
        documents["trust-gitlab.json"] = gitlab_trust(account, partition, host, project)
    folder = BUILD / "plan-role" / stack_folder.name
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return [folder / name for name in documents]


def repository(text: str) -> str:
    """A path of at least two names, without a wildcard that would trust others too.

    Raises:
        argparse.ArgumentTypeError: When it is anything else.
    """
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no path such as ORG/REPO")
    return text


def main() -> None:
    """Write the files and name them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--github", type=repository, metavar="ORG/REPO", help="repository that plans")
    parser.add_argument("--gitlab", type=repository, metavar="HOST/GROUP/PROJECT", help="project that plans")
    arguments = parser.parse_args()
    with reported("plan-role", AwsError, PolicyTooLarge, TerraformError, Unresolved):
        for file in write(arguments.github or "", arguments.gitlab or "", environment()):
            print(file)


if __name__ == "__main__":
    main()

"""Keeps the lake's bucket while everything else is destroyed, and takes it back with the next deployment.

The bucket leaves Terraform's state without being deleted and gets the tag `KEPT_TAG` with the stack's
name. The next plan or deployment finds the tag and imports the bucket; applying removes the tag.
What configures the bucket, such as its policy, is not imported: S3 replaces it with what Terraform puts.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.ground.aws import AwsError, account_id, client, explained
from tools.ground.paths import BUILD
from tools.ground.terraform import managed_resources

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEPT_TAG = "KeptFrom"
IMPORT = "import.tf.json"
STACK = "cdk.tf.json"
# The bucket is missing, or belongs to another account; HeadBucket tells no more than that.
NOT_OURS = {403, 404}
ACCOUNT_ID = re.compile(r"\$\{data\.aws_caller_identity\.[\w-]+\.account_id\}")


def destruction_folder(variables: Mapping[str, str]) -> Path:
    """Where the stack is synthesized to be destroyed, so that the usual folder stays as it is.

    Args:
        variables: With ``ENV``, and ``CDKTF_OUTDIR`` if that is set.
    """
    elsewhere = variables.get("CDKTF_OUTDIR")
    return (
        Path(f"{elsewhere}-keep-data") if elsewhere else BUILD / "keep-data" / (variables.get("ENV") or "dev")
    )


def release_buckets(folder: Path, variables: Mapping[str, str]) -> list[str]:
    """The names of the buckets that applying the stack's folder now releases; it destroys everything else.

    Terraform shows both in one plan, so that one approval covers both.

    Args:
        folder: The stack's, initialized. Its configuration is replaced.
        variables: Environment variables of Terraform.

    Raises:
        AwsError: When a bucket cannot be tagged.
        TerraformError: When the state cannot be read.
    """
    file = folder / STACK
    stack = json.loads(file.read_text(encoding="utf-8"))
    managed = managed_resources(folder, variables)
    kept = sorted(address for address in managed if address.startswith("aws_s3_bucket"))
    names = [managed[address]["bucket"] for address in kept if address.startswith("aws_s3_bucket.")]
    s3 = client("s3", variables, _region(stack))
    for name in names:
        _tag(s3, name, folder.name)
    removed = [{"from": address, "lifecycle": {"destroy": False}} for address in kept]
    content = {"terraform": stack["terraform"], "provider": stack["provider"], "removed": removed}
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return names


def reclaim_buckets(folder: Path, variables: Mapping[str, str]) -> list[str]:
    """The names of the buckets that were kept for this stack and that its next plan imports.

    AWS is asked only if the state lacks a bucket of the stack.

    Args:
        folder: The stack's, initialized. An import block for each bucket is written there.
        variables: Environment variables of Terraform.

    Raises:
        AwsError: When AWS refuses the credentials, or cannot be reached.
        TerraformError: When the state cannot be read.
    """
    (folder / IMPORT).unlink(missing_ok=True)
    stack = json.loads((folder / STACK).read_text(encoding="utf-8"))
    managed = managed_resources(folder, variables)
    missing = {
        f"aws_s3_bucket.{name}": bucket["bucket"]
        for name, bucket in stack["resource"].get("aws_s3_bucket", {}).items()
        if f"aws_s3_bucket.{name}" not in managed
    }
    if not missing:
        return []
    account = account_id(client("sts", variables, _region(stack)))
    s3 = client("s3", variables, _region(stack))
    names = {address: ACCOUNT_ID.sub(account, name) for address, name in missing.items()}
    imports = [
        {"to": address, "id": name}
        for address, name in names.items()
        if _tags(s3, name, account).get(KEPT_TAG) == folder.name
    ]
    if imports:
        (folder / IMPORT).write_text(json.dumps({"import": imports}, indent=2), encoding="utf-8")
    return [block["id"] for block in imports]


def _region(stack: Mapping[str, Any]) -> str:
    return str(stack["provider"]["aws"][0]["region"])


def _tag(s3: "S3Client", bucket: str, stack: str) -> None:
    """Add the tag to the others, because S3 can only replace all tags at once."""
    tags = {**_tags_of(s3, Bucket=bucket), KEPT_TAG: stack}
    with explained():
        s3.put_bucket_tagging(
            Bucket=bucket, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
        )


def _tags(s3: "S3Client", bucket: str, account: str) -> dict[str, str]:
    """The tags of a bucket of this account; none if there is no such bucket."""
    try:
        with explained():
            s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
        return _tags_of(s3, Bucket=bucket, ExpectedBucketOwner=account)
    except AwsError as error:
        if error.status in NOT_OURS:
            return {}
        raise


def _tags_of(s3: "S3Client", **bucket: str) -> dict[str, str]:
    """A bucket's tags; S3 answers with an error if it has none."""
    try:
        with explained():
            tags = s3.get_bucket_tagging(**bucket)["TagSet"]
    except AwsError as error:
        if error.code == "NoSuchTagSet":
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in tags}

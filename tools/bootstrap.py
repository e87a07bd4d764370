"""Creates the bucket of Terraform's state, with Terraform, and keeps that bucket's own state in it.

It is safe to run again: a second run changes nothing, and a run after an interruption continues where the
first stopped. Until the state has moved into the bucket, it is in build/bootstrap.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from tools.terraform import BUILD, TerraformError, environment, init, run, synthesize

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOCAL_STATE = "bootstrap.tfstate"


def bootstrap(variables: Mapping[str, str], *, quiet: bool = False) -> str:
    """Name of the state's bucket, which exists when this returns.

    Args:
        variables: All environment variables for Terraform, with ``ENV`` and AWS credentials. If
            ``CDKTF_OUTDIR`` is set, the working folder is ``<CDKTF_OUTDIR>-state``.
        quiet: Whether to show Terraform's output only if it fails; default: no.

    Raises:
        TerraformError: When ``state.bucket`` is not set, the name is taken, or Terraform fails. It is safe
            to retry.
    """
    chosen = variables.get("ENV") or "dev"
    elsewhere = variables.get("CDKTF_OUTDIR")
    output = Path(f"{elsewhere}-state") if elsewhere else BUILD / "bootstrap" / chosen
    folder = synthesize(variables, what="state", output=output)
    backend = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))["terraform"]["backend"]["s3"]
    bucket = backend.get("bucket")
    if not bucket:
        raise TerraformError(
            "state.bucket is not set: give pipeline.toml's [state] table a globally unique bucket name"
        )
    override = folder / "backend_override.tf.json"
    client = _client(variables, backend["region"])
    if _state_is_there(client, bucket, backend["key"], folder):
        override.unlink(missing_ok=True)
        init(folder, variables, "-reconfigure", quiet=quiet)
        run(["apply", "-input=false", "-auto-approve"], folder, variables, quiet=quiet)
        return str(bucket)
    # The bucket does not exist yet, so the state starts as a local file and is moved into it afterwards.
    override.write_text(
        json.dumps({"terraform": {"backend": {"local": {"path": LOCAL_STATE}}}}), encoding="utf-8"
    )
    init(folder, variables, "-reconfigure", quiet=quiet)
    run(["apply", "-input=false", "-auto-approve"], folder, variables, quiet=quiet)
    override.unlink()
    init(folder, variables, "-migrate-state", "-force-copy", quiet=quiet)
    # The state is in the bucket now.
    (folder / LOCAL_STATE).unlink(missing_ok=True)
    return str(bucket)


def _client(variables: Mapping[str, str], region: str) -> "S3Client":
    """An S3 client for the account that Terraform will use; it only reads."""
    return boto3.client(
        "s3",
        region_name=region,
        endpoint_url=variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL"),
        aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
    )


def _state_is_there(client: "S3Client", bucket: str, key: str, folder: Path) -> bool:
    """Whether the bucket exists and has this project's state in it.

    Raises:
        TerraformError: When the bucket exists without the state, and not because of an interrupted run.
    """
    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if (folder / LOCAL_STATE).exists() or not _exists(client, bucket):
            return False
        raise TerraformError(
            f"state.bucket = {bucket!r} exists (HTTP {status}) and was not made by `make bootstrap`: "
            "if it is yours, use it and continue with `make deploy`; if not, choose another name"
        ) from error
    return True


def _exists(client: "S3Client", bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        # 403 means that it exists in another account.
        return error.response["ResponseMetadata"]["HTTPStatusCode"] != 404
    return True


def main() -> None:
    """Create the bucket of the environment in ``ENV``."""
    try:
        bucket = bootstrap(environment(), quiet=bool(os.environ.get("CI")))
    except TerraformError as error:
        sys.exit(f"bootstrap: {error}")
    print(f"The state's bucket is {bucket}.")


if __name__ == "__main__":
    main()

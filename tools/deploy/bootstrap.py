"""Creates the bucket of Terraform's state, with Terraform, and keeps that bucket's own state in it.

It is safe to run again: a second run changes nothing, and a run after an interruption continues where the
first stopped. Until the state has moved into the bucket, it is in build/bootstrap.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools.ground.aws import AwsError, account_id, client, explained
from tools.ground.ending import reported
from tools.ground.paths import BUILD
from tools.ground.switches import in_ci
from tools.ground.terraform import TerraformError, environment, init, run, synthesize

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOCAL_STATE = "bootstrap.tfstate"
FORBIDDEN, NOT_FOUND = 403, 404


def bootstrap(variables: Mapping[str, str], *, quiet: bool = False) -> str:
    """Name of the state's bucket, which exists when this returns.

    Args:
        variables: All environment variables for Terraform, with ``ENV`` and AWS credentials. If
            ``CDKTF_OUTDIR`` is set, the working folder is ``<CDKTF_OUTDIR>-state``.
        quiet: Whether to show Terraform's output only if it fails; default: no.

    Raises:
        TerraformError: When ``state.bucket`` is not set, the name is taken, or Terraform fails. It is safe
            to retry.
        AwsError: When AWS refuses the credentials, or cannot be reached.
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
    account = account_id(client("sts", variables, backend["region"]))
    print(f"Looking for {bucket} from AWS account {account} …", flush=True)
    override = folder / "backend_override.tf.json"
    s3 = client("s3", variables, backend["region"])
    if _state_is_there(s3, account, bucket, backend["key"], folder):
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


def _state_is_there(s3: "S3Client", account: str, bucket: str, key: str, folder: Path) -> bool:
    """Whether the bucket exists and has this project's state in it.

    Raises:
        TerraformError: When the bucket exists without the state, and not because of an interrupted run.
        AwsError: When AWS answers neither that it is there nor that it is not.
    """
    try:
        with explained():
            s3.head_object(Bucket=bucket, Key=key)
    except AwsError as error:
        # S3 answers 403 instead of 404 to those who may not list the bucket.
        if error.status not in {FORBIDDEN, NOT_FOUND}:
            raise
        if (folder / LOCAL_STATE).exists() or not _exists(s3, account, bucket):
            return False
        raise TerraformError(
            f"state.bucket = {bucket!r} exists and was not made by `make bootstrap`: if it is yours, use it "
            "and continue with `make deploy`; if not, choose another name"
        ) from error
    return True


def _exists(s3: "S3Client", account: str, bucket: str) -> bool:
    try:
        with explained():
            s3.head_bucket(Bucket=bucket)
    except AwsError as error:
        if error.status == NOT_FOUND:
            return False
        if error.status == FORBIDDEN:
            raise TerraformError(
                f"state.bucket = {bucket!r} exists, but account {account} may not look into it: if it is "
                "yours, sign in to its account with s3:ListBucket; if not, choose another name"
            ) from error
        raise
    return True


def main() -> None:
    """Create the bucket of the environment in ``ENV``."""
    with reported("bootstrap", AwsError, TerraformError):
        bucket = bootstrap(environment(), quiet=in_ci(os.environ))
    print(f"The state's bucket is {bucket}.")


if __name__ == "__main__":
    main()

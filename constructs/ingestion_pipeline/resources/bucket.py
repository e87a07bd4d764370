"""A private bucket, for every bucket of the project."""

from collections.abc import Sequence
from typing import Any

from cdktf import Token
from constructs import Construct

from ingestion_pipeline.bindings import (
    S3Bucket,
    S3BucketLifecycleConfiguration,
    S3BucketOwnershipControls,
    S3BucketPolicy,
    S3BucketPublicAccessBlock,
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketVersioningA,
)
from ingestion_pipeline.resources.bill import COMPRESSION, BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.documents import policy_document
from ingestion_pipeline.resources.drawing import Drawing
from ingestion_pipeline.resources.policies import require_tls
from ingestion_pipeline.settings.expressions import Condition, any_of, optional_blocks, positive

ONE_AT_A_TIME = (
    "AWS refuses concurrent changes of one bucket's policy, ownership and public access with a conflict."
)
BUCKET = "s3:::{name}"
PUTS = Price("a thousand PUTs to S3", "0.005", "s3")
STORAGE = Price("S3 Standard, a GB, a month", "0.023", "s3")

CAPABILITY = Capability(
    drawn={"aws_s3_bucket": Drawing("S3 bucket", "[( )]")},
    remarks={
        "aws_s3_bucket_policy.depends_on": ONE_AT_A_TIME,
        "aws_s3_bucket_ownership_controls.depends_on": ONE_AT_A_TIME,
        "aws_s3_bucket_lifecycle_configuration.depends_on": (
            "A rule for old versions needs a versioned bucket."
        ),
        "aws_s3_bucket_lifecycle_configuration.rule": "Provider 6 warns of a rule without a filter.",
    },
    reads={
        "aws_s3_bucket": Read(
            "{bucket}",
            (BUCKET,),
            (
                "s3:GetAccelerateConfiguration",
                "s3:GetBucketAcl",
                "s3:GetBucketCORS",
                "s3:GetBucketLogging",
                "s3:GetBucketObjectLockConfiguration",
                "s3:GetBucketPolicy",
                "s3:GetBucketRequestPayment",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetBucketWebsite",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetReplicationConfiguration",
                "s3:ListBucket",
                # The provider asks this first since 6.23, and falls back to GetBucketTagging without it:
                # https://github.com/hashicorp/terraform-provider-aws/pull/45251
                "s3:ListTagsForResource",
            ),
        ),
        **{
            f"aws_s3_bucket_{part}": Read("{bucket}", (BUCKET,), (f"s3:Get{action}",))
            for part, action in {
                "lifecycle_configuration": "LifecycleConfiguration",
                "ownership_controls": "BucketOwnershipControls",
                "policy": "BucketPolicy",
                "public_access_block": "BucketPublicAccessBlock",
                "server_side_encryption_configuration": "EncryptionConfiguration",
                "versioning": "BucketVersioning",
            }.items()
        },
    },
    losses={"aws_s3_bucket": "its objects are lost"},
    bill=(
        BillLine("S3: objects", {"objects": PUTS}, lambda use: use.objects * PUTS.usd / 1000),
        BillLine(
            "S3: each month's data, for every month that it is kept",
            {"storage": STORAGE},
            lambda use: use.gib / COMPRESSION * STORAGE.usd,
        ),
    ),
)


class PrivateBucket(Construct):
    """An S3 bucket that is versioned, encrypted, closed to the public and reached over TLS only.

    Creates: the bucket, its versioning, encryption, ownership, public access block, policy and,
    if it has rules, its lifecycle.
    Protects: its content is deleted with it only if ``deletable``; otherwise Terraform refuses to
    plan its destruction at all.

    Args:
        name: The bucket's, up to 63 characters, unique world-wide.
        deletable: True if ``terraform destroy`` may delete the bucket with everything in it.
        expire_days: Days until the objects below ``expire_prefix`` are deleted; 0: never.
        expire_prefix: Prefix of the keys of these objects.
        noncurrent_version_days: Days until replaced objects are gone for good; 0: never.

    Attributes:
        bucket: The bucket; writers and readers need its ARN and name.
        policy: Writers wait for it, because it is the last resource that protects the bucket.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        deletable: bool = False,
        expire_days: int = 0,
        expire_prefix: str = "",
        noncurrent_version_days: int = 0,
    ) -> None:
        super().__init__(scope, id_)
        self.bucket = S3Bucket(self, "bucket", bucket=name, force_destroy=deletable)
        if not deletable:
            self.bucket.add_override("lifecycle.prevent_destroy", True)
        versioning = self._enable_versioning()
        self._encrypt()
        public_access = self._close_to_the_public()
        self.policy = S3BucketPolicy(
            self,
            "policy",
            bucket=self.bucket.id,
            policy=policy_document(require_tls("s3", self.bucket.arn, f"{self.bucket.arn}/*")),
            depends_on=[public_access],
        )
        rules = lifecycle_rules(noncurrent_version_days, expire_days=expire_days, expire_prefix=expire_prefix)
        self._expire(rules, after=versioning)

    def _enable_versioning(self) -> S3BucketVersioningA:
        enabled = {"status": "Enabled"}
        return S3BucketVersioningA(
            self, "versioning", bucket=self.bucket.id, versioning_configuration=enabled
        )

    def _encrypt(self) -> None:
        default = {"sse_algorithm": "AES256"}
        rule = S3BucketServerSideEncryptionConfigurationRuleA(apply_server_side_encryption_by_default=default)
        S3BucketServerSideEncryptionConfigurationA(self, "encryption", bucket=self.bucket.id, rule=[rule])

    def _expire(
        self, rules: Sequence[tuple[Condition, dict[str, Any]]], *, after: S3BucketVersioningA
    ) -> None:
        """Remove what nobody needs any more, if a rule is switched on."""
        is_wanted = any_of(*(condition for condition, _ in rules))
        # The provider waits a minute for a lifecycle, so a bucket without these rules has none at all.
        if not is_wanted:
            return
        certain = [UNFINISHED_UPLOADS, *(rule for condition, rule in rules if condition is True)]
        lifecycle = S3BucketLifecycleConfiguration(
            self, "lifecycle", bucket=self.bucket.id, rule=Token.as_any(certain), depends_on=[after]
        )
        if blocks := optional_blocks(rules):
            lifecycle.add_override("dynamic.rule", blocks)
        exist_only_if(lifecycle, is_wanted)

    def _close_to_the_public(self) -> S3BucketPublicAccessBlock:
        block = S3BucketPublicAccessBlock(
            self,
            "public-access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        owner = {"object_ownership": "BucketOwnerEnforced"}
        S3BucketOwnershipControls(self, "ownership", bucket=self.bucket.id, rule=owner, depends_on=[block])
        return block


def lifecycle_rules(
    noncurrent_version_days: int, *, expire_days: int = 0, expire_prefix: str = ""
) -> list[tuple[Condition, dict[str, Any]]]:
    """The rules that a setting switches on, each with its condition."""
    old = {"noncurrent_version_expiration": [{"noncurrent_days": noncurrent_version_days}]}
    # S3 removes the delete markers that this leaves once their versions are gone:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    expired = {"expiration": [{"days": expire_days}]}
    return [
        (positive(noncurrent_version_days), _enabled("remove-old-versions", old)),
        (positive(expire_days), _enabled("expire-records", expired, expire_prefix)),
    ]


def _enabled(id_: str, action: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    return {"id": id_, "status": "Enabled", "filter": [{"prefix": prefix}], **action}


UNFINISHED_UPLOADS = _enabled(
    "remove-unfinished-uploads", {"abort_incomplete_multipart_upload": [{"days_after_initiation": 7}]}
)
"""Comes with any other rule: parts of an upload that nobody finished are billed and cannot be read."""

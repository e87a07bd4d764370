from typing import TYPE_CHECKING

import pytest

from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Json, Synthesized

if TYPE_CHECKING:
    from constructs import Construct


@pytest.fixture(scope="module")
def default(synthesize: Synthesize) -> Synthesized:
    """A bucket of which only the name is given."""
    from ingestion_pipeline.resources.bucket import PrivateBucket

    return synthesize(lambda stack: PrivateBucket(stack, "box", name="a-box"))


@pytest.fixture(scope="module")
def customised(synthesize: Synthesize) -> Synthesized:
    """A bucket with everything set."""
    from ingestion_pipeline.resources.bucket import PrivateBucket

    def build(stack: "Construct") -> None:
        PrivateBucket(stack, "box", name="a-box", deletable=True, noncurrent_version_days=30)

    return synthesize(build)


class TestDefaults:
    def test_has_the_given_name(self, default: Synthesized) -> None:
        """The bucket is called what it was told."""
        bucket = default.only("aws_s3_bucket")

        assert bucket["bucket"] == "a-box"

    def test_keeps_versions(self, default: Synthesized) -> None:
        """What is overwritten can be had back."""
        versioning = default.only("aws_s3_bucket_versioning")

        assert versioning["versioning_configuration"] == {"status": "Enabled"}

    def test_encrypts_at_rest(self, default: Synthesized) -> None:
        """Every object is encrypted with AES256 unless its writer asks for more."""
        (rule,) = default.only("aws_s3_bucket_server_side_encryption_configuration")["rule"]

        assert rule == {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}

    @pytest.mark.parametrize(
        "switch",
        ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"],
    )
    def test_blocks_the_public(self, default: Synthesized, switch: str) -> None:
        """Each of S3's four switches against public access is on."""
        block = default.only("aws_s3_bucket_public_access_block")

        assert block[switch] is True

    def test_knows_no_object_owners(self, default: Synthesized) -> None:
        """Objects belong to the bucket's owner and ACLs count for nothing."""
        ownership = default.only("aws_s3_bucket_ownership_controls")

        assert ownership["rule"] == {"object_ownership": "BucketOwnerEnforced"}

    def test_has_no_lifecycle(self, default: Synthesized) -> None:
        """Without a rule there is no lifecycle, which the provider would wait a minute for."""
        lifecycles = default.resources("aws_s3_bucket_lifecycle_configuration")

        assert lifecycles == {}

    def test_every_part_belongs_to_the_bucket(self, default: Synthesized) -> None:
        """Each part is applied to this bucket by reference, so that Terraform makes the bucket first."""
        reference = f"${{{default.address('aws_s3_bucket')}.id}}"
        parts = [
            part["bucket"]
            for kind in default.json["resource"]
            if kind != "aws_s3_bucket"
            for part in default.resources(kind).values()
        ]

        assert parts == [reference] * 5


class TestCustomised:
    def test_replaced_objects_end(self, customised: Synthesized) -> None:
        """Old versions are removed after the days that were given."""
        rules = {rule["id"]: rule for rule in lifecycle(customised)["rule"]}

        assert rules["remove-old-versions"]["noncurrent_version_expiration"] == [{"noncurrent_days": 30}]

    def test_unfinished_uploads_end(self, customised: Synthesized) -> None:
        """Parts of uploads that nobody finished are removed after a week."""
        rules = {rule["id"]: rule for rule in lifecycle(customised)["rule"]}

        assert rules["remove-unfinished-uploads"]["abort_incomplete_multipart_upload"] == [
            {"days_after_initiation": 7}
        ]

    def test_every_rule_has_a_filter(self, customised: Synthesized) -> None:
        """Each rule names what it is for, because provider 6 warns of a rule without a filter."""
        filters = [rule["filter"] for rule in lifecycle(customised)["rule"]]

        assert filters == [[{"prefix": ""}], [{"prefix": ""}]]

    def test_every_rule_is_on(self, customised: Synthesized) -> None:
        """No rule is written that does nothing."""
        states = {rule["status"] for rule in lifecycle(customised)["rule"]}

        assert states == {"Enabled"}

    def test_lifecycle_waits_for_versioning(self, customised: Synthesized) -> None:
        """Rules about old versions come after versioning is on, as AWS asks."""
        versioning = customised.address("aws_s3_bucket_versioning")

        assert lifecycle(customised)["depends_on"] == [versioning]

    def test_a_rule_of_no_days_is_left_out(self, synthesize: Synthesize) -> None:
        """A rule set to 0 days is left out and the others stay."""
        from ingestion_pipeline.resources.bucket import PrivateBucket

        stack = synthesize(lambda s: PrivateBucket(s, "box", name="a-box", expire_days=1))

        assert [rule["id"] for rule in lifecycle(stack)["rule"]] == [
            "remove-unfinished-uploads",
            "expire-records",
        ]


class TestGuarded:
    def test_is_not_destroyed(self, default: Synthesized) -> None:
        """Terraform refuses to plan the bucket's destruction."""
        bucket = default.only("aws_s3_bucket")

        assert bucket["lifecycle"] == {"prevent_destroy": True}

    def test_is_not_emptied(self, default: Synthesized) -> None:
        """Even without that lock, a bucket with something in it stays."""
        bucket = default.only("aws_s3_bucket")

        assert bucket["force_destroy"] is False

    def test_is_deletable_on_request(self, customised: Synthesized) -> None:
        """A deletable bucket goes with everything in it and has no lock."""
        bucket = customised.only("aws_s3_bucket")

        assert (bucket["force_destroy"], "lifecycle" in bucket) == (True, False)

    def test_refuses_plain_http(self, default: Synthesized) -> None:
        """Everybody is denied everything that does not come over TLS, on the bucket and its objects."""
        arn = f"${{{default.address('aws_s3_bucket')}.arn}}"

        assert default.statements("aws_s3_bucket_policy") == [
            {
                "Sid": "RequireTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:*"],
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]

    @pytest.mark.parametrize("kind", ["aws_s3_bucket_policy", "aws_s3_bucket_ownership_controls"])
    def test_changes_one_thing_at_a_time(self, default: Synthesized, kind: str) -> None:
        """What S3 refuses to change at the same time as public access waits for it."""
        block = default.address("aws_s3_bucket_public_access_block")

        assert default.only(kind)["depends_on"] == [block]


def lifecycle(stack: Synthesized) -> Json:
    """The one lifecycle configuration of a stack."""
    return stack.only("aws_s3_bucket_lifecycle_configuration")

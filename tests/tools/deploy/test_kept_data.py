"""Which bucket is released and which is taken back; both are done for real in tests/e2e."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tools.deploy import kept_data
from tools.deploy.kept_data import (
    IMPORT,
    KEPT_TAG,
    STACK,
    destruction_folder,
    reclaim_buckets,
    release_buckets,
)
from tools.ground.aws import AwsError

ACCOUNT = "123456789012"
LAKE = f"orders-prod-lake-{ACCOUNT}-eu-west-1"
ADDRESS = "aws_s3_bucket.lake"
OWNED = {"Bucket": LAKE, "ExpectedBucketOwner": ACCOUNT}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stack's folder."""
    folder = tmp_path / "orders-prod"
    folder.mkdir()
    name = "orders-prod-lake-${data.aws_caller_identity.pipeline_caller_2C91C7CE.account_id}-eu-west-1"
    stack = {
        "terraform": {"backend": {"s3": {}}},
        "provider": {"aws": [{"region": "eu-west-1"}]},
        "resource": {"aws_s3_bucket": {"lake": {"bucket": name}}, "aws_sqs_queue": {"a": {}}},
    }
    (folder / STACK).write_text(json.dumps(stack), encoding="utf-8")
    return folder


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """S3 with the answers that a test gives it; each must be asked for."""
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(kept_data, "client", lambda *_: client)
    monkeypatch.setattr(kept_data, "account_id", lambda _: ACCOUNT)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def managed(monkeypatch: pytest.MonkeyPatch, **resources: dict[str, Any]) -> None:
    """Have the state hold resources, by kind; each is named ``lake``."""
    state = {f"{kind}.lake": values for kind, values in resources.items()}
    monkeypatch.setattr(kept_data, "managed_resources", lambda *_: state)


def tagged(s3: Stubber, **tags: str) -> None:
    """Have S3 answer that the bucket exists in this account with tags."""
    s3.add_response("head_bucket", {}, OWNED)
    s3.add_response(
        "get_bucket_tagging", {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}, OWNED
    )


class TestReclaim:
    def test_imports_a_bucket_with_the_tag(
        self, folder: Path, s3: Stubber, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A bucket of this account that carries the stack's name is imported, by its resolved name."""
        managed(monkeypatch)
        tagged(s3, **{KEPT_TAG: "orders-prod"})

        assert reclaim_buckets(folder, {}) == [LAKE]
        assert json.loads((folder / IMPORT).read_text(encoding="utf-8")) == {
            "import": [{"to": ADDRESS, "id": LAKE}]
        }

    @pytest.mark.parametrize("tags", [{}, {KEPT_TAG: "orders-dev"}, {"Name": "orders-prod"}])
    def test_leaves_a_bucket_of_somebody_else(
        self, folder: Path, s3: Stubber, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str]
    ) -> None:
        """A bucket that no destruction of this stack has kept is not taken over."""
        managed(monkeypatch)
        tagged(s3, **tags)

        assert (reclaim_buckets(folder, {}), (folder / IMPORT).exists()) == ([], False)

    def test_a_bucket_without_tags_is_somebody_elses(
        self, folder: Path, s3: Stubber, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """S3 answers with an error for a bucket that has no tag at all."""
        managed(monkeypatch)
        s3.add_response("head_bucket", {}, OWNED)
        s3.add_client_error("get_bucket_tagging", "NoSuchTagSet", http_status_code=404)

        assert reclaim_buckets(folder, {}) == []

    @pytest.mark.parametrize("status", [403, 404])
    def test_the_first_deployment_finds_no_bucket(
        self, folder: Path, s3: Stubber, monkeypatch: pytest.MonkeyPatch, status: int
    ) -> None:
        """Where there is no bucket of this account, Terraform creates it."""
        managed(monkeypatch)
        s3.add_client_error("head_bucket", http_status_code=status, expected_params=OWNED)

        assert reclaim_buckets(folder, {}) == []

    def test_does_not_take_an_error_for_an_answer(
        self, folder: Path, s3: Stubber, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Expired credentials say nothing about the bucket."""
        managed(monkeypatch)
        s3.add_client_error("head_bucket", http_status_code=400)

        with pytest.raises(AwsError, match="AWS refused"):
            reclaim_buckets(folder, {})

    @pytest.mark.usefixtures("s3")
    def test_asks_nothing_if_the_state_has_the_bucket(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An ordinary plan costs no call, and what an earlier one wrote is gone."""
        managed(monkeypatch, aws_s3_bucket={})
        (folder / IMPORT).write_text("{}", encoding="utf-8")

        assert (reclaim_buckets(folder, {}), (folder / IMPORT).exists()) == ([], False)


class TestRelease:
    @pytest.fixture
    def released(self, folder: Path, s3: Stubber, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """The configuration that destroys everything else."""
        managed(monkeypatch, aws_s3_bucket={"bucket": LAKE}, aws_s3_bucket_policy={}, aws_sqs_queue={})
        s3.add_response(
            "get_bucket_tagging", {"TagSet": [{"Key": "Team", "Value": "Data"}]}, {"Bucket": LAKE}
        )
        tags = [{"Key": "Team", "Value": "Data"}, {"Key": KEPT_TAG, "Value": "orders-prod"}]
        s3.add_response("put_bucket_tagging", {}, {"Bucket": LAKE, "Tagging": {"TagSet": tags}})
        assert release_buckets(folder, {}) == [LAKE]
        return dict(json.loads((folder / STACK).read_text(encoding="utf-8")))

    def test_forgets_the_bucket_and_what_configures_it(self, released: dict[str, Any]) -> None:
        """The bucket and its policy leave the state without being destroyed."""
        assert released["removed"] == [
            {"from": ADDRESS, "lifecycle": {"destroy": False}},
            {"from": "aws_s3_bucket_policy.lake", "lifecycle": {"destroy": False}},
        ]

    def test_leaves_nothing_else(self, released: dict[str, Any]) -> None:
        """Whatever else the state has is destroyed, for the configuration has no resource."""
        assert sorted(released) == ["provider", "removed", "terraform"]


@pytest.mark.parametrize(
    ("variables", "ending"),
    [
        ({}, "build/keep-data/dev"),
        ({"ENV": "prod"}, "build/keep-data/prod"),
        ({"CDKTF_OUTDIR": "/somewhere/out"}, "/somewhere/out-keep-data"),
    ],
)
def test_the_destruction_is_synthesized_apart(variables: dict[str, str], ending: str) -> None:
    """The folder that is deployed from never holds the configuration that destroys."""
    assert str(destruction_folder(variables)).endswith(ending)

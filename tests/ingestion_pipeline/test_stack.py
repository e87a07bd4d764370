import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.specifiers import SpecifierSet

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.lake import LakeSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.state import StateSettings
from tests.ingestion_pipeline.synthesized import Json, Synthesized

if TYPE_CHECKING:
    from cdktf import TerraformStack


@pytest.fixture(scope="module")
def customised(synthesize_stack: Callable[[Settings], Synthesized]) -> Synthesized:
    """The stack with another name, Region, tags and state."""
    naming = PipelineSettings(
        name="orders",
        region="eu-central-1",
        allowed_account_ids=("123456789012",),
        tags={"Purpose": "Sales", "Team": "Data"},
    )
    state = StateSettings(bucket="our-state", key="somewhere/else", region="eu-west-1")
    return synthesize_stack(Settings(environment="prod", pipeline=naming, state=state))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The stack of the state's bucket, where the lake would be deletable."""
    return synthesize_state(tmp_path_factory.mktemp("app"), StateSettings(bucket="our-state"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The stack of the state's bucket, in another Region than the pipeline's."""
    settings = StateSettings(bucket="our-state", region="eu-west-1")
    return synthesize_state(tmp_path_factory.mktemp("app"), settings)


def synthesize_state(folder: Path, state: StateSettings) -> Synthesized:
    """The stack of the state's bucket for an environment whose lake is deletable."""
    import cdktf

    from ingestion_pipeline.stack import StateStack

    app = cdktf.Testing.app(outdir=str(folder), context={"deletableEnvironments": ["local"]})
    settings = Settings(environment="local", lake=LakeSettings(delete_with_stack=True), state=state)
    stack: TerraformStack = StateStack(app, "state", settings=settings)
    text = cdktf.Testing.synth(stack, True)
    return Synthesized(text, json.loads(text))


def backend(stack: Synthesized) -> Json:
    """Where the state lies."""
    given: Json = stack.json["terraform"]["backend"]["s3"]
    return given


def provider(stack: Synthesized) -> Json:
    """The one provider's settings."""
    (given,) = stack.json["provider"]["aws"]
    return dict(given)


class TestDefaults:
    def test_state_is_encrypted_and_locked(self, default_stack: Synthesized) -> None:
        """State lies in S3, encrypted, with a lock file; the bucket is for `init` to say if it is not set."""
        assert backend(default_stack) == {
            "encrypt": True,
            "use_lockfile": True,
            "key": "data-ingestion/dev/terraform.tfstate",
            "region": "us-east-1",
        }

    def test_the_terraform_block_has_no_plain_value(self, default_stack: Synthesized) -> None:
        """Checkov cannot read a ``required_version``; `use_lockfile` itself refuses an old Terraform."""
        assert {
            key for key, value in default_stack.json["terraform"].items() if isinstance(value, str)
        } == set()

    def test_provider_is_hashicorps(self, default_stack: Synthesized) -> None:
        """The bindings' own provider is replaced by the one with the range that is promised."""
        (provider_,) = default_stack.json["terraform"]["required_providers"].items()

        assert (provider_[0], provider_[1]["source"]) == ("aws", "hashicorp/aws")

    @pytest.mark.parametrize(
        ("release", "is_allowed"),
        [
            ("5.99.1", False),
            ("5.100.0", True),
            ("6.0.0", False),
            ("6.2.0", False),
            ("6.3.0", True),
            ("6.13.0", True),
            ("6.14.0", False),
            ("6.14.1", True),
            ("6.21.0", True),
            ("6.22.0", False),
            ("6.22.1", False),
            ("6.32.1", False),
            ("6.35.1", False),
            ("6.39.0", False),
            ("6.40.0", True),
            ("6.59.0", True),
            ("7.0.0", False),
        ],
    )
    def test_provider_releases_that_fail_or_plan_a_change_for_ever_are_excluded(
        self, default_stack: Synthesized, release: str, is_allowed: bool
    ) -> None:
        """5.100 and 6.x are allowed, but not releases that fail half-way or show a change in every plan.

        https://github.com/hashicorp/terraform-provider-aws/issues/43271 and 44361, 44366, 47320.
        """
        version = default_stack.json["terraform"]["required_providers"]["aws"]["version"]

        assert SpecifierSet(version).contains(release) is is_allowed

    def test_no_minor_release_between_6_22_and_6_39_is_forgotten(self, default_stack: Synthesized) -> None:
        """Every minor release with the fault is excluded."""
        version = SpecifierSet(default_stack.json["terraform"]["required_providers"]["aws"]["version"])

        assert [minor for minor in range(60) if f"6.{minor}.0" not in version] == [
            *(0, 1, 2, 14),
            *range(22, 40),
        ]

    def test_everything_is_tagged(self, default_stack: Synthesized) -> None:
        """The provider tags whatever can carry tags."""
        assert provider(default_stack) == {
            "region": "us-east-1",
            "default_tags": [{"tags": {"Environment": "Development", "Purpose": "DataIngestion"}}],
        }

    @pytest.mark.parametrize(
        ("output", "kind", "part", "attribute"),
        [
            ("bucket_name", "aws_s3_bucket", "", "bucket"),
            ("bucket_arn", "aws_s3_bucket", "", "arn"),
            ("stream_name", "aws_kinesis_stream", "", "name"),
            ("stream_arn", "aws_kinesis_stream", "", "arn"),
            ("function_name", "aws_lambda_function", "", "function_name"),
            ("function_arn", "aws_lambda_function", "", "arn"),
            ("function_role_arn", "aws_iam_role", "fetch", "arn"),
            ("delivery_stream_name", "aws_kinesis_firehose_delivery_stream", "", "name"),
            ("delivery_stream_arn", "aws_kinesis_firehose_delivery_stream", "", "arn"),
            ("delivery_role_arn", "aws_iam_role", "delivery", "arn"),
            ("dead_letter_queue_url", "aws_sqs_queue", "dead-letters", "url"),
            ("dead_letter_queue_arn", "aws_sqs_queue", "dead-letters", "arn"),
            ("work_queue_url", "aws_sqs_queue", "work", "url"),
            ("work_queue_arn", "aws_sqs_queue", "work", "arn"),
        ],
    )
    def test_outputs(
        self, default_stack: Synthesized, output: str, kind: str, part: str, attribute: str
    ) -> None:
        """Each output is an attribute of the resource that it is named for."""
        value = default_stack.json["output"][output]["value"]

        assert value == f"${{{default_stack.address(kind, part)}.{attribute}}}"

    def test_outputs_are_described(self, default_stack: Synthesized) -> None:
        """`terraform output` and module documentation have a sentence for each."""
        descriptions = [output["description"] for output in default_stack.json["output"].values()]

        assert all(text.endswith(".") for text in descriptions)


class TestCustomised:
    def test_state_lies_where_told(self, customised: Synthesized) -> None:
        """Bucket, key and region of the state are the user's."""
        assert backend(customised) == {
            "encrypt": True,
            "use_lockfile": True,
            "bucket": "our-state",
            "key": "somewhere/else",
            "region": "eu-west-1",
        }

    def test_tags_are_the_users(self, customised: Synthesized) -> None:
        """The user's tags are there beside the environment's."""
        assert provider(customised)["default_tags"] == [
            {"tags": {"Environment": "Production", "Purpose": "Sales", "Team": "Data"}}
        ]

    def test_credentials_of_another_account_are_refused(self, customised: Synthesized) -> None:
        """The provider stops before it plans in an account that the settings do not name."""
        assert provider(customised)["allowed_account_ids"] == ["123456789012"]

    def test_region_and_names_follow(self, customised: Synthesized) -> None:
        """Names tell the pipeline, the environment and, where it matters, the Region."""
        names = {role["name"] for role in customised.resources("aws_iam_role").values()}

        assert names == {"orders-prod-fetch-eu-central-1", "orders-prod-delivery-eu-central-1"}

    def test_addresses_do_not_follow(self, customised: Synthesized, default_stack: Synthesized) -> None:
        """Another name, environment or Region moves no address."""
        kept = [address for address in default_stack.addresses() if not address.startswith("data ")]

        assert customised.addresses() == kept

    @pytest.mark.parametrize("environment", ["dev", "prod", "local"])
    def test_every_environment_of_the_file(
        self, synthesize_stack: Callable[[Settings], Synthesized], root: Path, environment: str
    ) -> None:
        """Each environment of pipeline.toml synthesizes, to sources that the function gets."""
        settings = read(root / "pipeline.toml", environment)
        stored = synthesize_stack(settings).only("aws_s3_object")

        assert json.loads(stored["content"]) == list(settings.sources)


class TestState:
    def test_bucket_cannot_be_destroyed(self, state: Synthesized) -> None:
        """The state's bucket stays, even where the lake may be deleted."""
        bucket = state.only("aws_s3_bucket")

        assert bucket == {
            "bucket": "our-state",
            "force_destroy": False,
            "lifecycle": {"prevent_destroy": True},
        }

    def test_bucket_is_as_private_as_the_lake(self, state: Synthesized) -> None:
        """The state's bucket is versioned, encrypted, closed to the public and reached over TLS only."""
        assert sorted(state.json["resource"]) == [
            "aws_s3_bucket",
            "aws_s3_bucket_ownership_controls",
            "aws_s3_bucket_policy",
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
        ]

    def test_bucket_lies_in_the_region_of_the_state(self, elsewhere: Synthesized) -> None:
        """The bucket is created where the backend looks for it, whatever the pipeline's Region."""
        assert (provider(elsewhere)["region"], backend(elsewhere)["region"]) == ("eu-west-1", "eu-west-1")

    def test_region_is_the_pipelines_unless_given(self, state: Synthesized) -> None:
        """Without a Region of its own the bucket lies where the pipeline is."""
        assert (provider(state)["region"], backend(state)["region"]) == ("us-east-1", "us-east-1")

    def test_bucket_has_no_tag_of_an_environment(self, state: Synthesized) -> None:
        """One bucket may hold the state of several environments, and no bootstrap changes its tags."""
        assert provider(state)["default_tags"] == [{"tags": {"Purpose": "DataIngestion"}}]

    def test_keeps_its_own_state_apart(self, state: Synthesized) -> None:
        """Its state lies in the bucket that it makes, under a key of its own."""
        assert (backend(state)["bucket"], backend(state)["key"]) == (
            "our-state",
            "bootstrap/terraform.tfstate",
        )

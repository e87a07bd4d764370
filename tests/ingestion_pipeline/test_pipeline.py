"""The default stack as a whole: its addresses, its permissions, its copies."""

import difflib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from tests.ingestion_pipeline.conftest import Synthesize, SynthesizeStack
from tests.ingestion_pipeline.synthesized import Json, Synthesized, settings_of

if TYPE_CHECKING:
    from constructs import Construct

GOLDEN = Path(__file__).with_name("addresses.txt")


@pytest.fixture(scope="module")
def two_copies(synthesize: Synthesize) -> Synthesized:
    """Two pipelines in one stack, and the first of them in another environment beside it."""
    from ingestion_pipeline import IngestionPipeline

    def build(stack: "Construct") -> None:
        for id_, name, environment in (
            ("orders", "orders", "dev"),
            ("clicks", "clicks", "dev"),
            ("production", "orders", "prod"),
        ):
            IngestionPipeline(stack, id_, settings=settings_of(name, environment))

    return synthesize(build)


def test_the_tags_are_there_whatever_the_provider_tags(two_copies: Synthesized) -> None:
    """In an app of one's own nobody else gives the pipeline's tags; an object takes too few of them."""
    tagged = {
        (kind, str(body.get("tags")))
        for kind, bodies in two_copies.json["resource"].items()
        for body in bodies.values()
        if kind in {"aws_kinesis_stream", "aws_s3_bucket", "aws_iam_role", "aws_s3_object"}
    }
    dev, prod = (
        str({"Environment": name, "Purpose": "DataIngestion"}) for name in ("Development", "Production")
    )

    assert tagged == {
        *(
            (kind, tags)
            for kind in ("aws_kinesis_stream", "aws_s3_bucket", "aws_iam_role")
            for tags in (dev, prod)
        ),
        ("aws_s3_object", "None"),
    }


def test_addresses_stay(default_stack: Synthesized) -> None:
    """Every Terraform address is the one that was deployed before."""
    golden = GOLDEN.read_text(encoding="utf-8").splitlines()
    found = default_stack.addresses()
    moved = "\n".join(difflib.unified_diff(golden, found, GOLDEN.name, "synthesized", n=0, lineterm=""))

    assert not moved, (
        "Terraform destroys what is at an address that is gone and creates what is at a new one: a bucket "
        "or stream that moves loses its data. Ship a `moved` block with it (docs/upgrading.md), change "
        f"{GOLDEN.name} and say so in CHANGELOG.md.\n{moved}"
    )


class TestPermissions:
    def test_no_action_has_a_wildcard(self, default_stack: Synthesized) -> None:
        """What is permitted is permitted by its full name."""
        actions = [action for statement in default_stack.allowed() for action in statement["Action"]]

        assert [action for action in actions if not re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action)] == []

    def test_nothing_is_permitted_on_everything_but_traces(self, default_stack: Synthesized) -> None:
        """The one statement on the resource ``*`` is X-Ray's, which takes no other."""
        everything = [s["Sid"] for s in default_stack.allowed() if "*" in s.get("Resource", [])]

        assert everything == ["SendTraces"]

    def test_resources_are_this_stacks_own(self, default_stack: Synthesized) -> None:
        """Every other permitted resource is one that this stack makes, by reference."""
        resources = [r for s in default_stack.allowed() for r in s.get("Resource", []) if r != "*"]
        own = re.compile(r"\$\{(aws_[a-z0-9_]+)\.([^.}]+)\.arn\}(?:/[^*]+\*|:\*)?")
        made = [own.fullmatch(resource) for resource in resources]

        assert all(match and match[2] in default_stack.resources(match[1]) for match in made)

    def test_exclusions_are_not_used(self, default_stack: Synthesized) -> None:
        """Nothing is permitted by naming only what is not."""
        keys = {key for statements in default_stack.documents().values() for s in statements for key in s}

        assert keys == {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}

    def test_objects_are_written_only_below_prefixes(self, default_stack: Synthesized) -> None:
        """No role may write, or read, objects all over the bucket."""
        bucket = f"${{{default_stack.address('aws_s3_bucket')}.arn}}"
        objects = {
            resource
            for statement in default_stack.allowed()
            if any(re.match(r"s3:.*(Object|Upload)$", action) for action in statement["Action"])
            for resource in statement["Resource"]
        }

        assert objects == {
            f"{bucket}/data/year=*",
            f"{bucket}/errors/*",
            f"{bucket}/dead-letters/*",
            f"{bucket}/config/*",
            f"{bucket}/lists/*",
        }

    def test_log_groups_are_terraforms(self, default_stack: Synthesized) -> None:
        """Nobody may make a log group, which would be kept for ever and outlive the stack."""
        assert "logs:CreateLogGroup" not in default_stack.text

    def test_works_in_every_partition(self, synthesize_stack: SynthesizeStack) -> None:
        """In China no ARN is of the partition that most Regions are in."""
        stack = synthesize_stack(Settings(pipeline=PipelineSettings(region="cn-north-1")))

        assert set(re.findall(r"arn:aws[\w-]*", stack.text)) == {"arn:aws-cn"}

    def test_each_role_is_one_services(self, default_stack: Synthesized) -> None:
        """Each role trusts one service, another one each, and is used by one resource type."""
        services = [
            statement["Principal"]["Service"]
            for place, statements in default_stack.documents().items()
            if "assume_role_policy" in place
            for statement in statements
        ]
        users = {
            role: {kind for kind, text in users_of_roles(default_stack) if f"aws_iam_role.{role}.arn" in text}
            for role in default_stack.resources("aws_iam_role")
        }

        assert sorted(services) == ["firehose.amazonaws.com", "lambda.amazonaws.com"]
        assert sorted(users.values(), key=str) == [
            {"aws_kinesis_firehose_delivery_stream"},
            {"aws_lambda_function"},
        ]


class TestKnown:
    def test_nothing_but_the_account_is_read(self, default_stack: Synthesized) -> None:
        """One data source, outside of the pipeline: no dependency of the pipeline's defers it."""
        ((kind, entries),) = default_stack.json["data"].items()
        (name,) = entries

        assert (kind, name.startswith("pipeline_")) == ("aws_caller_identity", False)

    def test_an_account_that_is_set_is_not_asked_for(self, synthesize_stack: SynthesizeStack) -> None:
        """With one allowed account everything is known before AWS is asked anything."""
        pipeline = PipelineSettings(allowed_account_ids=("123456789012",))
        stack = synthesize_stack(Settings(pipeline=pipeline))

        assert ("data" in stack.json, stack.only("aws_s3_bucket")["bucket"]) == (
            False,
            "data-ingestion-dev-lake-123456789012-us-east-1",
        )

    def test_of_several_allowed_accounts_the_one_in_use_is_asked_for(
        self, synthesize_stack: SynthesizeStack
    ) -> None:
        """Which of them it is, only the credentials tell."""
        pipeline = PipelineSettings(allowed_account_ids=("123456789012", "210987654321"))

        assert list(synthesize_stack(Settings(pipeline=pipeline)).json["data"]) == ["aws_caller_identity"]

    def test_pipelines_of_a_stack_ask_once(self, two_copies: Synthesized) -> None:
        """However many pipelines a stack has, it reads the account once."""
        assert [len(entries) for entries in two_copies.json["data"].values()] == [1]

    @pytest.mark.parametrize("meta", ["count", "for_each"])
    def test_how_many_there_are_never_depends_on_aws(self, default_stack: Synthesized, meta: str) -> None:
        """What only AWS can tell decides on no resource's existence."""
        resources = [each for kind in default_stack.json["resource"].values() for each in kind.values()]

        assert [each for each in resources if "data." in json.dumps(each.get(meta, ""))] == []


class TestOrder:
    def test_delivery_waits_for_its_policy(self, default_stack: Synthesized) -> None:
        """Firehose is made after its role's policy and after the bucket refuses plain HTTP."""
        waits = default_stack.only("aws_kinesis_firehose_delivery_stream")["depends_on"]

        assert waits == [
            default_stack.address("aws_iam_role_policy", "delivery"),
            default_stack.address("aws_s3_bucket_policy"),
        ]

    def test_function_comes_last(self, default_stack: Synthesized) -> None:
        """The function waits for its log, its policy and Firehose, which reads only what comes after it."""
        waits = default_stack.only("aws_lambda_function")["depends_on"]

        assert waits == [
            default_stack.address("aws_cloudwatch_log_group", "fetch"),
            default_stack.address("aws_iam_role_policy", "fetch"),
            default_stack.address("aws_kinesis_firehose_delivery_stream"),
        ]


class TestWiring:
    def test_function_puts_on_the_stream_that_delivery_reads(self, default_stack: Synthesized) -> None:
        """Function, stream, delivery and bucket are one chain, by reference."""
        stream = default_stack.address("aws_kinesis_stream")
        bucket = default_stack.address("aws_s3_bucket")
        variables = default_stack.only("aws_lambda_function")["environment"]["variables"]
        delivery = default_stack.only("aws_kinesis_firehose_delivery_stream")

        assert [
            variables["KINESIS_STREAM_NAME"],
            delivery["kinesis_source_configuration"]["kinesis_stream_arn"],
            delivery["extended_s3_configuration"]["bucket_arn"],
            variables["DEAD_LETTER_BUCKET"],
        ] == [f"${{{stream}.name}}", f"${{{stream}.arn}}", f"${{{bucket}.arn}}", f"${{{bucket}.bucket}}"]

    def test_matches_as_terraform_sees_it(self, default_stack: Synthesized) -> None:
        """CDKTF's own matchers find the encrypted stream and the account's identity."""
        import cdktf
        from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
        from cdktf_cdktf_provider_aws.kinesis_stream import KinesisStream

        stream, caller = KinesisStream.TF_RESOURCE_TYPE, DataAwsCallerIdentity.TF_RESOURCE_TYPE
        encrypted = {"encryption_type": "KMS", "kms_key_id": "alias/aws/kinesis"}

        assert cdktf.Testing.to_have_resource_with_properties(default_stack.text, stream, encrypted) is True
        assert cdktf.Testing.to_have_data_source(default_stack.text, caller) is True
        assert (
            cdktf.Testing.to_have_resource_with_properties(
                default_stack.text, stream, {"encryption_type": "NONE"}
            )
            is False
        )


class TestCopies:
    @pytest.mark.parametrize(
        ("kind", "argument"),
        [
            ("aws_kinesis_stream", "name"),
            ("aws_kinesis_firehose_delivery_stream", "name"),
            ("aws_lambda_function", "function_name"),
            ("aws_sqs_queue", "name"),
            ("aws_s3_bucket", "bucket"),
            ("aws_iam_role", "name"),
            ("aws_cloudwatch_log_group", "name"),
        ],
    )
    def test_share_no_name(self, two_copies: Synthesized, kind: str, argument: str) -> None:
        """Two pipelines, and two environments of one, live in one account."""
        names = [resource_name(value[argument]) for value in two_copies.resources(kind).values()]

        assert len(set(names)) == len(names) >= 3

    def test_refer_only_to_themselves(self, two_copies: Synthesized) -> None:
        """Nothing of one pipeline refers to anything of another."""
        strangers = [
            (name, other)
            for kind in ("resource", "data")
            for entries in two_copies.json[kind].values()
            for name, entry in entries.items()
            for other in ("orders_", "clicks_", "production_")
            if not name.startswith(other) and f".{other}" in json.dumps(entry)
        ]

        assert strangers == []


class TestGuarded:
    @pytest.mark.parametrize(
        ("setting", "value"),
        [("stream", "shard_count"), ("delivery", "buffer_mib"), ("function", "memory_mib")],
    )
    def test_a_bad_setting_makes_nothing(self, setting: str, value: str) -> None:
        """The settings of a construct refuse to exist, before the construct does."""
        import ingestion_pipeline

        table: Any = {
            "stream": ingestion_pipeline.StreamSettings,
            "delivery": ingestion_pipeline.DeliverySettings,
            "function": ingestion_pipeline.FunctionSettings,
        }[setting]

        with pytest.raises(ingestion_pipeline.SettingsError, match=rf"{setting}\.{value} = 0: must be"):
            table(**{value: 0})


def resource_name(value: str) -> str:
    """A name with the account's number in the place of the reference to it."""
    return re.sub(r"\$\{[^}]*\}", "123456789012", value)


def users_of_roles(stack: Synthesized) -> list[tuple[str, str]]:
    """Type and JSON of everything that could use a role."""
    resources: dict[str, Json] = stack.json["resource"]
    return [(kind, json.dumps(r)) for kind, entries in resources.items() for r in entries.values()]

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.references import BucketReference, QueueReference, StreamReference
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.sources.types import Source
from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.vpc import VpcSettings
from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Json, Synthesized

STREAM = "arn:partition:kinesis:eu-west-1:123456789012:stream/our-stream"
BUCKET = "arn:partition:s3:::our-bucket"
KEY = "arn:partition:kms:eu-west-1:123456789012:key/ours"
QUEUE = "arn:partition:sqs:eu-west-1:123456789012:ours"
WORK = "arn:partition:sqs:eu-west-1:123456789012:work"
QUEUE_URL, WORK_URL = "https://sqs.test/ours", "https://sqs.test/work"
SECRETS = [f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCd12" for name in "ab"]


def function(
    synthesize: Synthesize,
    code: Path,
    sources: Sequence[Source] = (),
    *,
    key: str = "alias/aws/kinesis",
    other_keys: tuple[str, ...] = (),
    work_key: str = "",
    **settings: object,
) -> Synthesized:
    """A stack with the function of some settings."""
    from ingestion_pipeline.bindings import CloudwatchLogGroup
    from ingestion_pipeline.code.bundle import Bundle
    from ingestion_pipeline.resources.fetch_function import FetchFunction, Neighbours

    fetch, vpc = settings.pop("fetch", FetchSettings()), settings.pop("vpc", VpcSettings())
    chosen = Settings(
        pipeline=PipelineSettings(name="our", region="eu-west-1"),
        function=FunctionSettings(**settings),  # type: ignore[arg-type]
        fetch=fetch,  # type: ignore[arg-type]
        vpc=vpc,  # type: ignore[arg-type]
        dead_letters=DeadLetterSettings(prefix="rejected/"),
        sources=sources,
    )
    stream = StreamReference(name="our-stream", arn=STREAM, kms_key=key, other_kms_keys=other_keys)
    return synthesize(
        lambda stack: FetchFunction(
            stack,
            "fetch",
            code=Bundle(code, "aGFzaA=="),
            parts=Neighbours(
                stream=stream,
                streams={Form.LINES: stream},
                bucket=BucketReference(name="our-bucket", arn=BUCKET),
                dead_letters=QueueReference(arn=QUEUE, url=QUEUE_URL),
                work_queue=QueueReference(arn=WORK, url=WORK_URL, kms_key=work_key),
            ),
            settings=chosen,
            existing=Existing(),
            depends_on=[CloudwatchLogGroup(stack, "first", name="stands-for-the-delivery-stream")],
        )
    )


def keyed_sources(number: int) -> list[Source]:
    """Sources of which each has a secret and a key of its own."""
    place = "eu-west-1:123456789012"
    return [
        {
            "url": "https://a.test",
            "auth": {
                "kind": "bearer",
                "secret_arn": f"arn:aws:secretsmanager:{place}:secret:prod/api-{each:03}-AbCd12",
                "kms_key": f"arn:aws:kms:{place}:key/00000000-0000-0000-0000-{each:012}",
            },
        }
        for each in range(number)
    ]


def compact(statements: list[Json]) -> int:
    """The characters of a policy without white space."""
    return len(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":")))


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the place of the zip."""
    file = tmp_path_factory.mktemp("code") / "code.zip"
    file.write_bytes(b"stands for a zip")
    return file


@pytest.fixture(scope="module")
def default(synthesize: Synthesize, code: Path) -> Synthesized:
    """The function of the default settings."""
    return function(synthesize, code)


@pytest.fixture(scope="module")
def customised(synthesize: Synthesize, code: Path) -> Synthesized:
    """The function with everything set."""
    from ingestion_pipeline.settings.tables.fetch import FetchSettings

    fetch = FetchSettings(
        allowed_hosts=("example.com", "*.example.org"),
        allow_http=True,
        allow_private_networks=True,
        packing="none",
        pack_kib=1_000,
        partition_key_field="user",
    )
    sources: list[Source] = [
        {"name": "a", "url": "https://example.com/a", "auth": {"kind": "bearer", "secret_arn": SECRETS[0]}},
        {"name": "b", "url": "https://example.com/b", "auth": {"kind": "basic", "secret_arn": SECRETS[1]}},
        {"name": "c", "url": "https://example.com/c", "auth": {"kind": "bearer", "secret_arn": SECRETS[0]}},
        {"name": "d", "url": "https://example.com/?q=${none}%{none}", "auth": {"kind": "none"}},
    ]
    return function(
        synthesize,
        code,
        sources,
        fetch=fetch,
        memory_mib=10_240,
        timeout_seconds=900,
        runtime="python3.12",
        architecture="x86_64",
        reserved_concurrency=0,
        retry_attempts=0,
        event_age_seconds=60,
        tracing=False,
        log_level="DEBUG",
        log_retention_days=1,
    )


@pytest.fixture(scope="module")
def in_vpc(synthesize: Synthesize, code: Path) -> Synthesized:
    """The function in a VPC."""
    vpc = VpcSettings(subnet_ids=("subnet-01234567", "subnet-12345678"), security_group_ids=("sg-01234567",))
    return function(synthesize, code, vpc=vpc)


def variables(stack: Synthesized) -> dict[str, str]:
    """The function's environment."""
    given: dict[str, str] = stack.only("aws_lambda_function")["environment"]["variables"]
    return given


def permitted(stack: Synthesized) -> dict[str, list[str]]:
    """Resources by action that the function's role permits."""
    found: dict[str, list[str]] = {}
    documents = stack.documents().items()
    statements = [each for place, found in documents if "aws_iam_role_policy" in place for each in found]
    for statement in statements:
        for action in statement["Action"]:
            found.setdefault(action, []).extend(statement["Resource"])
    return found


class TestDefaults:
    @pytest.mark.parametrize(
        ("argument", "value"),
        [
            ("function_name", "our-dev-fetch"),
            ("handler", "url_fetcher.handler.handler"),
            ("runtime", "python3.13"),
            ("architectures", ["arm64"]),
            ("memory_size", 512),
            ("timeout", 60),
            ("source_code_hash", "aGFzaA=="),
            ("tracing_config", {"mode": "Active"}),
        ],
    )
    def test_is_as_designed(self, default: Synthesized, argument: str, value: object) -> None:
        """512 MiB and 60 s on Graviton, traced."""
        given = default.only("aws_lambda_function")[argument]

        assert given == value

    def test_reserves_no_concurrency(self, default: Synthesized) -> None:
        """Without the setting the function shares the account's concurrency."""
        made = default.only("aws_lambda_function")

        assert "reserved_concurrent_executions" not in made

    def test_log_is_kept_for_two_weeks(self, default: Synthesized) -> None:
        """The log group is the one that Lambda writes to, and ends lines after 14 days."""
        group = default.only("aws_cloudwatch_log_group", "log-group")

        assert (group["name"], group["retention_in_days"]) == ("/aws/lambda/our-dev-fetch", 14)

    def test_code_is_found_from_a_module(self, default: Synthesized) -> None:
        """The zip is found beside the JSON wherever that is used: in a root stack or in a module."""
        path = default.only("aws_lambda_function")["filename"]

        assert path.startswith("${path.module}/assets/")
        assert path.endswith("/code.zip")

    def test_has_the_variables_of_where_things_are(self, default: Synthesized) -> None:
        """The function learns the stream, the dead letters and its own name."""
        known = variables(default)

        assert {
            "KINESIS_STREAM_NAME": "our-stream",
            "DEAD_LETTER_BUCKET": "our-bucket",
            "DEAD_LETTER_PREFIX": "rejected/",
            "POWERTOOLS_SERVICE_NAME": "our-dev-fetch",
        }.items() <= known.items()

    def test_failed_events_are_tried_again_and_then_kept(self, default: Synthesized) -> None:
        """An event is tried three times in six hours and then goes to the queue."""
        made = default.only("aws_lambda_function_event_invoke_config")

        assert made == {
            "function_name": f"${{{default.address('aws_lambda_function')}.function_name}}",
            "maximum_retry_attempts": 2,
            "maximum_event_age_in_seconds": 21_600,
            "destination_config": {"on_failure": {"destination": QUEUE}},
        }


class TestCustomised:
    @pytest.mark.parametrize(
        ("argument", "value"),
        [
            ("runtime", "python3.12"),
            ("architectures", ["x86_64"]),
            ("memory_size", 10_240),
            ("timeout", 900),
            ("reserved_concurrent_executions", 0),
            ("tracing_config", {"mode": "PassThrough"}),
        ],
    )
    def test_takes_every_setting(self, customised: Synthesized, argument: str, value: object) -> None:
        """Each of Lambda's settings is the user's."""
        given = customised.only("aws_lambda_function")[argument]

        assert given == value

    def test_keeps_its_log_as_long_as_told(self, customised: Synthesized) -> None:
        """The log's days are the user's."""
        group = customised.only("aws_cloudwatch_log_group", "log-group")

        assert group["retention_in_days"] == 1

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ALLOWED_HOSTS", "example.com,*.example.org"),
            ("ALLOW_HTTP", "true"),
            ("ALLOW_PRIVATE_NETWORKS", "true"),
            ("PACKING", "none"),
            ("PACK_KIB", "1000"),
            ("PARTITION_KEY_FIELD", "user"),
            ("LOG_LEVEL", "DEBUG"),
        ],
    )
    def test_tells_the_function_its_settings(self, customised: Synthesized, name: str, value: str) -> None:
        """Each setting of fetching reaches the function as text."""
        given = variables(customised)[name]

        assert given == value

    def test_tries_as_often_as_told(self, customised: Synthesized) -> None:
        """Retries and the age of an event are the user's."""
        made = customised.only("aws_lambda_function_event_invoke_config")

        assert (made["maximum_retry_attempts"], made["maximum_event_age_in_seconds"]) == (0, 60)

    def test_runs_in_the_vpc_that_it_is_given(self, in_vpc: Synthesized) -> None:
        """Subnets and security groups are the user's."""
        assert in_vpc.only("aws_lambda_function")["vpc_config"] == {
            "subnet_ids": ["subnet-01234567", "subnet-12345678"],
            "security_group_ids": ["sg-01234567"],
        }

    def test_runs_in_no_vpc_by_default(self, default: Synthesized) -> None:
        """Without settings the function is in Lambda's own network."""
        assert "vpc_config" not in default.only("aws_lambda_function")

    def test_host_is_this_python_and_processor(self, synthesize: Synthesize, code: Path) -> None:
        """``host`` never reaches Terraform: it is resolved to a runtime and an architecture."""
        made = function(synthesize, code, runtime="host", architecture="host").only("aws_lambda_function")

        assert made["runtime"].startswith("python3.")
        assert made["architectures"] in (["arm64"], ["x86_64"])

    def test_a_url_is_no_template(self, customised: Synthesized) -> None:
        """What looks like Terraform's own syntax in a source reaches the function as it is."""
        stored = customised.only("aws_s3_object")

        assert "?q=$${none}%%{none}" in stored["content"]


class TestGuarded:
    def test_role_does_nothing_else(self, default: Synthesized) -> None:
        """Without secrets: one stream, three folders, two queues, one log, and traces."""
        log = f"${{{default.address('aws_cloudwatch_log_group', 'log-group')}.arn}}:*"

        assert permitted(default) == {
            "kinesis:PutRecords": [STREAM],
            "s3:PutObject": [f"{BUCKET}/rejected/*"],
            "s3:GetObject": [f"{BUCKET}/config/*", f"{BUCKET}/lists/*"],
            "sqs:ChangeMessageVisibility": [WORK],
            "sqs:DeleteMessage": [WORK],
            "sqs:GetQueueAttributes": [WORK],
            "sqs:ReceiveMessage": [WORK],
            "sqs:SendMessage": [WORK, QUEUE],
            "logs:CreateLogStream": [log],
            "logs:PutLogEvents": [log],
            "xray:PutTelemetryRecords": ["*"],
            "xray:PutTraceSegments": ["*"],
        }

    def test_reads_only_the_secrets_of_its_sources(self, customised: Synthesized) -> None:
        """Each secret that a source names is readable, once, and no other, by policies of their own."""
        policy, attachment = (
            customised.only("aws_iam_policy"),
            customised.only("aws_iam_role_policy_attachment"),
        )
        (statement,) = customised.statements("aws_iam_policy.")

        assert (statement["Action"], statement["Resource"]) == (
            ["secretsmanager:GetSecretValue"],
            ["${each.value}"],
        )
        assert policy["for_each"] == attachment["for_each"] == {"0": SECRETS}

    def test_three_hundred_sources_with_secrets_of_their_own(
        self, synthesize: Synthesize, code: Path
    ) -> None:
        """Their policies stay within IAM's sizes, and the environment names one object."""
        arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/api"
        sources: list[Source] = [
            {"url": "https://a.test", "auth": {"kind": "bearer", "secret_arn": f"{arn}-{number:03}-AbCd12"}}
            for number in range(300)
        ]
        made = function(synthesize, code, sources)
        groups = made.only("aws_iam_policy")["for_each"]
        environment = json.dumps(made.only("aws_lambda_function")["environment"])

        assert len(groups) <= 10
        assert max(len(json.dumps(group)) for group in groups.values()) < 6_144 - 200
        assert len(environment) < 4_096

    def test_hundred_and_fifty_secrets_each_with_a_key_of_its_own(
        self, synthesize: Synthesize, code: Path
    ) -> None:
        """Each policy fits as IAM counts it, without white space: 10,240 characters inline, 6,144 managed.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        """
        made = function(synthesize, code, keyed_sources(150))
        groups = made.only("aws_iam_policy")["for_each"]
        inline = made.statements("aws_iam_role_policy.")
        (reading,) = made.statements("aws_iam_policy.")
        managed = [[{**reading, "Resource": group}] for group in groups.values()]

        assert compact(inline) < 10_240 / 2, "half, because references may stand for longer ARNs"
        assert max(map(compact, managed)) < 6_144
        assert len(managed) <= 10
        assert sum(map(len, groups.values())) == 300
        assert reading["Action"] == ["kms:Decrypt", "secretsmanager:GetSecretValue"]
        assert [each["Sid"] for each in inline if "Decrypt" in each["Sid"]] == []

    def test_the_permission_for_keys_is_granted_anew_before_the_inline_one_goes(
        self, customised: Synthesized
    ) -> None:
        """Terraform updates a policy after those that it depends on."""
        inline = customised.only("aws_iam_role_policy")

        assert inline["depends_on"] == [customised.address("aws_iam_role_policy_attachment")]

    def test_a_key_of_the_user_may_be_used_to_put(self, synthesize: Synthesize, code: Path) -> None:
        """With a customer's key on the stream the role may encrypt with that key."""
        (encrypting,) = [
            statement
            for statement in function(synthesize, code, key=KEY).statements("aws_iam_role_policy")
            if "kms:GenerateDataKey" in statement["Action"]
        ]

        assert encrypting["Resource"] == [KEY]

    def test_other_keys_may_be_used_to_put(self, synthesize: Synthesize, code: Path) -> None:
        """The next and the former key encrypt too, so that a change of the key refuses no put."""
        others = (f"{KEY}-next", f"{KEY}-former")
        encrypting = [
            statement["Resource"]
            for statement in function(synthesize, code, key=KEY, other_keys=others).statements(
                "aws_iam_role_policy"
            )
            if "kms:GenerateDataKey" in statement["Action"]
        ]

        assert encrypting == [[KEY], list(others)]

    def test_the_permission_for_a_vpc_goes_only_after_the_function_has_left(
        self, in_vpc: Synthesized
    ) -> None:
        """Lambda deletes the interfaces with the function's role.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html. Terraform destroys what the
        function depends on after its update only with create_before_destroy:
        https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle. When Lambda deletes them,
        no test can tell.
        """
        network = in_vpc.address("aws_iam_role_policy", "network")
        policy = in_vpc.only("aws_iam_role_policy", "network")

        assert network in in_vpc.only("aws_lambda_function")["depends_on"]
        assert policy["lifecycle"] == {"create_before_destroy": True}
        assert network in in_vpc.only("aws_iam_role_policy", "access_policy")["depends_on"]
        assert "ec2:" not in in_vpc.only("aws_iam_role_policy", "access_policy")["policy"]

    def test_the_permission_for_a_vpc_can_stay_without_one(self, synthesize: Synthesize, code: Path) -> None:
        """For the deployment in which the function leaves its VPC."""
        left = function(synthesize, code, vpc=VpcSettings(permissions_only=True))

        assert "vpc_config" not in left.only("aws_lambda_function")
        assert "ec2:DeleteNetworkInterface" in permitted(left)

    def test_a_vpc_takes_exactly_lambdas_permissions(self, in_vpc: Synthesized) -> None:
        """In a VPC the role may manage network interfaces, with what Lambda needs and nothing else."""
        actions = sorted(action for action in permitted(in_vpc) if action.startswith("ec2:"))

        assert actions == [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ]

    def test_without_tracing_no_permission_for_it(self, customised: Synthesized) -> None:
        """With tracing off, no statement has the resource ``*`` any more."""
        resources = [arn for arns in permitted(customised).values() for arn in arns]

        assert "*" not in resources

    def test_only_lambda_takes_the_role(self, default: Synthesized) -> None:
        """The role is for Lambda alone."""
        assert default.statements("assume_role_policy") == [
            {
                "Sid": "Trust",
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"],
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ]

    def test_waits_for_log_permission_and_delivery(self, default: Synthesized) -> None:
        """The function is made after its log group, its role's policy and what reads the stream."""
        waits = default.only("aws_lambda_function")["depends_on"]

        assert waits == [
            default.address("aws_cloudwatch_log_group", "log-group"),
            default.address("aws_iam_role_policy"),
            default.address("aws_cloudwatch_log_group", "first"),
        ]

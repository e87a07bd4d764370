"""The function that fetches, with its log, its role and its environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cdktf import AssetType, ITerraformDependable, TerraformAsset
from constructs import Construct

from ingestion_pipeline.bindings import LambdaFunction, LambdaFunctionEventInvokeConfig
from ingestion_pipeline.code.bundle import Bundle
from ingestion_pipeline.code.target import Target
from ingestion_pipeline.resources import bill, policies
from ingestion_pipeline.resources.bill import BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Output, Read
from ingestion_pipeline.resources.drawing import ROLE, Drawing, Edge
from ingestion_pipeline.resources.function_url import FUNCTION_ARN, FunctionUrl
from ingestion_pipeline.resources.log_group import LOG_GROUP_ID, make_log_group
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.resources.role import ROLE_CHARACTERS, Role
from ingestion_pipeline.resources.secret_access import SecretAccess
from ingestion_pipeline.resources.sources_object import SourcesObject
from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.expressions import (
    Condition,
    all_of,
    as_text,
    chosen,
    negated,
    not_empty,
    optional_blocks,
    plus,
)
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.names import FUNCTION, Name
from ingestion_pipeline.settings.references import BucketReference, QueueReference, StreamReference
from ingestion_pipeline.settings.rules import rule_of
from ingestion_pipeline.settings.settings import Settings, all_settings
from ingestion_pipeline.settings.sources.sources import CONFIG_FOLDER, LISTS_FOLDER, literal
from ingestion_pipeline.settings.tables.function import FunctionSettings

ROLE_NAME = Name("function_role", "fetch", ROLE_CHARACTERS, with_region=True)
SECRETS_NAME = Name("function_secrets", "fetch-secrets", 120, with_region=True)
"""Up to 128 characters with the number that follows."""
HANDLER = "url_fetcher.handler.handler"
METRICS_NAMESPACE = "IngestionPipeline"

REQUESTS = Price("a million invocations", "0.20", "lambda")
COMPUTE = Price("a GB-second on arm64", "0.0000133334", "lambda")
METRIC = Price("a custom metric, a month", "0.30", "cloudwatch")
LOGS = Price("logs, a GB", "0.50", "cloudwatch")
TRACES = Price("a million traces", "5.00", "xray")

CAPABILITY = Capability(
    file="function",
    inside=("fetch",),
    names=(FUNCTION, ROLE_NAME, SECRETS_NAME),
    drawn={
        "aws_lambda_function": Drawing(
            "Function",
            edges={
                "KINESIS_STREAM_NAME": Edge("records"),
                "DEAD_LETTER_BUCKET": Edge("undeliverable records", dotted=True),
                "depends_on": Edge("log", dotted=True),
                "role": ROLE,
            },
        ),
        "aws_lambda_function_event_invoke_config": Drawing(
            edges={"destination": Edge("failed events", dotted=True, origin="function_name")}
        ),
    },
    remarks={
        "aws_lambda_function.depends_on": (
            "The log group comes first, so that its retention holds from the first line; a function without "
            "its permissions fails; Firehose delivers only what is put on the stream after it has started."
        ),
        "aws_lambda_function.logging_config": (
            "By default Lambda logs to the group that has the function's name."
        ),
        "aws_lambda_function_event_invoke_config": (
            "Failed events go to the destination with their error, which a dead letter configuration omits."
        ),
    },
    reads={
        "aws_lambda_function": Read(
            "{function_name}",
            (FUNCTION_ARN,),
            ("lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:ListVersionsByFunction"),
        ),
        "aws_lambda_function_event_invoke_config": Read(
            "{function_name}", (FUNCTION_ARN,), ("lambda:GetFunctionEventInvokeConfig",)
        ),
    },
    bill=(
        BillLine(
            "Lambda",
            {"requests": REQUESTS, "compute": COMPUTE},
            lambda use: (
                use.runs * REQUESTS.usd / bill.MILLION
                + use.runs * bill.RUN_SECONDS * Decimal(use.settings.function.memory_mib) / 1024 * COMPUTE.usd
            ),
        ),
        BillLine(
            "CloudWatch: metrics",
            {"metric": METRIC},
            lambda use: use.sources * bill.METRICS_PER_SOURCE * METRIC.usd,
        ),
        BillLine(
            "CloudWatch: logs",
            {"logs": LOGS},
            lambda use: use.runs * Decimal(bill.RUN_LOG_KIB) / 1024 / bill.GIB_MIB * LOGS.usd,
        ),
        BillLine(
            "X-Ray",
            {"traces": TRACES},
            lambda use: use.runs * TRACES.usd / bill.MILLION * use.settings.function.tracing,
        ),
    ),
    outputs=(
        Output("function_name", "0.1.0", "Function to invoke.", "function.function_name"),
        Output("function_arn", "0.1.0", "ARN of the function, for triggers.", "function.arn"),
        Output(
            "function_role_arn",
            "0.1.0",
            "ARN of the function's role, for policies of keys and secrets.",
            "function_role.arn",
        ),
    ),
    module_outputs={
        "function_log_group_name": ("Log group of the function.", "local.function_log_group.name"),
        "function_policy_json": (
            "What the function's role has to permit, for a role that you bring.",
            "local.function_policy",
        ),
    },
)


@dataclass(frozen=True)
class Neighbours:
    """The parts that the function works with.

    Attributes:
        stream: Gets the records.
        streams: All that exist, by the form of their records: an invocation that began before `stream`
            became another one may go on with its own.
        bucket: Stores undeliverable records; has the sources and lists of URLs.
        dead_letters: Gets events that failed after all retries.
        work_queue: Invokes the function, which sends back what it had no time for.
    """

    stream: StreamReference
    streams: Mapping[Form, StreamReference]
    bucket: BucketReference
    dead_letters: QueueReference
    work_queue: QueueReference


class FetchFunction(Construct):
    """A Lambda function that fetches records from URLs and puts them on the stream.

    Creates: a log group, a role, the function, a destination for events that fail, and a URL on request.
    Protects: the role writes the stream of each form of records, one folder of dead letters, two queues
    and one log group; it reads and uses only what its sources name.

    Args:
        code: The zip.
        parts: Streams, bucket and queues that the function uses.
        settings: Settings of the whole pipeline.
        existing: The parts that exist.
        depends_on: Must exist before the first invocation.

    Attributes:
        function: The function; its name and ARN are outputs.
        role: The function's role; a key's policy may have to name its ARN.
        url: For signed requests; empty if there is none.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        code: Bundle,
        parts: Neighbours,
        settings: Settings,
        existing: Existing,
        depends_on: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(scope, id_)
        function, name = settings.function, settings.names.of(FUNCTION)
        log_group = existing.use(
            "function_log_group",
            lambda: make_log_group(self, f"/aws/lambda/{name}", function.log_retention_days),
        )
        own_log: list[Any] = [child for child in self.node.children if child.node.id == LOG_GROUP_ID]
        self.role = Role(
            self,
            "access",
            name=settings.names.of(ROLE_NAME),
            trust=policies.trust("lambda.amazonaws.com"),
            permissions=_permissions(parts, log_group.arn, settings, existing),
            existing=existing,
            part="function_role",
        )
        secret_policies = self._permit_secrets(settings, existing)
        network = all_of(negated(existing.has("function_role")), settings.vpc.wants_permissions)
        if network:
            self.role.permit_longer("network", policies.use_network(), network)
        asset = TerraformAsset(self, "code", path=str(code.path), type=AssetType.FILE)
        target = Target.of(function.runtime, function.architecture)
        tracing = chosen(function.tracing, "Active", "PassThrough")
        self.function = LambdaFunction(
            self,
            "function",
            function_name=name,
            role=self.role.role.arn,
            handler=HANDLER,
            runtime=target.runtime,
            architectures=[target.architecture],
            memory_size=function.memory_mib,
            timeout=function.timeout_seconds,
            reserved_concurrent_executions=function.reserved_concurrency,
            # path.module makes the path right in a root stack and in a module alike.
            filename=f"${{path.module}}/{asset.path}",
            source_code_hash=code.sha256,
            environment={"variables": self._environment(name, parts, settings)},
            tracing_config={"mode": tracing},
            depends_on=[*own_log, *self.role.policies, *secret_policies, *depends_on],
        )
        subnets, groups = list(settings.vpc.subnet_ids), list(settings.vpc.security_group_ids)
        in_vpc = {"subnet_ids": subnets, "security_group_ids": groups}
        self._set_if(not_empty(subnets), "vpc_config", in_vpc)
        logging = {"log_format": "Text", "log_group": log_group.name}
        self._set_if(existing.has("function_log_group"), "logging_config", logging)
        self._keep_failures(parts.dead_letters.arn, function)
        url = FunctionUrl(self, "url", function_name=self.function.function_name, when=function.url_enabled)
        self.url = url.url

    def _environment(self, name: str, parts: Neighbours, settings: Settings) -> dict[str, str]:
        """The variables of the function: its neighbours, then the settings that it reads."""
        bucket, sources = parts.bucket, settings.configured_sources
        return {
            "KINESIS_STREAM_NAME": parts.stream.name,
            "DEAD_LETTER_BUCKET": bucket.name,
            "SOURCES_URI": SourcesObject(self, "sources", bucket=bucket, sources=sources).uri,
            "LISTS_URI": f"s3://{bucket.name}/{LISTS_FOLDER}",
            "WORK_QUEUE_URL": parts.work_queue.url,
            "WORK_QUEUE_IS_READ": as_text(settings.queue_is_consumed),
            "DEAD_LETTER_QUEUE_URL": parts.dead_letters.url_or_empty,
            "MAX_ATTEMPTS": as_text(plus(settings.function.retry_attempts, 1)),
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
            **variables(settings),
        }

    def _permit_secrets(self, settings: Settings, existing: Existing) -> list[ITerraformDependable]:
        sources = settings.configured_sources
        is_own = negated(existing.has("function_role"))
        if not is_own or not sources.have_secrets:
            return []
        name, role = settings.names.of(SECRETS_NAME), self.role.role_name
        access = SecretAccess(
            self,
            "secrets",
            name=name,
            role=role,
            groups=sources.secret_groups,
            when=is_own,
            with_keys=bool(sources.have_secret_keys),
        )
        self.role.wait_for(*access.policies)
        return [*access.policies]

    def _set_if(self, condition: Condition, block: str, content: dict[str, Any]) -> None:
        """Set a block of the function on a condition."""
        if condition is True:
            getattr(self.function, f"put_{block}")(**content)
        elif blocks := optional_blocks([(condition, content)]):
            self.function.add_override(f"dynamic.{block}", blocks)

    def _keep_failures(self, queue_arn: str, settings: FunctionSettings) -> None:
        """Send failed events to the queue."""
        LambdaFunctionEventInvokeConfig(
            self,
            "failures",
            function_name=self.function.function_name,
            maximum_retry_attempts=settings.retry_attempts,
            maximum_event_age_in_seconds=settings.event_age_seconds,
            destination_config={"on_failure": {"destination": queue_arn}},
        )


def _permissions(
    parts: Neighbours, log_group_arn: str, settings: Settings, existing: Existing
) -> list[Statement]:
    """The permissions of the function's role."""
    bucket, sources = parts.bucket, settings.configured_sources
    return [
        *policies.of_each_form(
            parts.streams, settings.forms, lambda stream: policies.write_stream(stream.arn)
        ),
        *policies.write_with_key(parts.stream),
        *policies.write_dead_letters(bucket.arn, settings.dead_letters.prefix),
        *policies.encrypt_objects(bucket),
        *policies.decrypt_objects(bucket),
        *policies.read_configuration(bucket.arn, CONFIG_FOLDER),
        *policies.read_lists(bucket.arn, LISTS_FOLDER),
        *policies.consume_events(parts.work_queue.arn),
        *policies.send_events(parts.work_queue),
        *policies.send_failures(parts.dead_letters),
        *policies.send_with_key(parts.dead_letters),
        # In the policy only of a role that exists: others get policies of their own for the secrets.
        *policies.read_secrets(
            sources.secret_arns, when=all_of(existing.has("function_role"), sources.have_secrets)
        ),
        *policies.decrypt_secrets(
            sources.secret_keys, when=all_of(existing.has("function_role"), sources.have_secret_keys)
        ),
        *policies.use_by_sources(sources.permitted),
        *policies.write_log(log_group_arn),
        *policies.read_metrics(when=settings.watches_sources),
        *policies.send_traces(when=settings.function.tracing),
        *policies.use_network(when=all_of(existing.has("function_role"), settings.vpc.wants_permissions)),
    ]


def variables(settings: Settings) -> Mapping[str, str]:
    """The environment variables that carry settings to the function."""
    return {
        rule.variable: _as_variable(getattr(getattr(settings, table), column.name))
        for table, column in all_settings()
        if (rule := rule_of(column)).variable
    }


def _as_variable(value: str | int | bool | Sequence[str]) -> str:
    return literal(value) if isinstance(value, str) else as_text(value)

"""The function that fetches, with its log, its role and its environment."""

import re
from collections.abc import Mapping, Sequence

from cdktf import AssetType, ITerraformDependable, TerraformAsset
from constructs import Construct

from ingestion_pipeline.bindings import (
    CloudwatchLogGroup,
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionEventInvokeConfig,
    LambdaFunctionEventInvokeConfigDestinationConfig,
    LambdaFunctionEventInvokeConfigDestinationConfigOnFailure,
    LambdaFunctionLoggingConfig,
    LambdaFunctionTracingConfig,
)
from ingestion_pipeline.code.bundle import Bundle, Target
from ingestion_pipeline.resources.policies import (
    encrypt_objects,
    read_secrets,
    send_failures,
    send_traces,
    trust,
    write_dead_letters,
    write_log,
    write_stream,
    write_with_key,
)
from ingestion_pipeline.resources.role import Role
from ingestion_pipeline.settings.existing import (
    BucketReference,
    LogGroupReference,
    RoleReference,
    StreamReference,
)
from ingestion_pipeline.settings.sources import Source, as_variable, secret_arns
from ingestion_pipeline.settings.tables import FetchSettings, FunctionSettings

HANDLER = "url_fetcher.handler.handler"
METRICS_NAMESPACE = "IngestionPipeline"


class FetchFunction(Construct):
    """A Lambda function that fetches records from URLs and puts them on the stream.

    Creates: its log group, a role, the function, what becomes of events that fail.
    Protects: the role writes one stream, one folder of dead letters, one queue and one log group,
    which exists before the function, so that its retention holds from the first line; it reads
    only the secrets that its sources name.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        name: The function's, up to 64 characters.
        role_name: The role's, up to 64 characters.
        code: The zip.
        stream: Where records are put.
        bucket: Where records that can never go are kept.
        dead_letter_prefix: The folder in that bucket.
        queue_arn: Where events that failed to the last are sent.
        settings: Memory, time, runtime, retries, log.
        fetch: What may be fetched and how it is packed.
        sources: What to fetch.
        role: An existing one to use.
        log_group: An existing one to use.
        depends_on: What must be there before the first invocation.

    Attributes:
        function: Its name and ARN are outputs.
        role: Whose ARN a key's policy may have to name.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        role_name: str,
        code: Bundle,
        stream: StreamReference,
        bucket: BucketReference,
        dead_letter_prefix: str,
        queue_arn: str,
        settings: FunctionSettings,
        fetch: FetchSettings,
        sources: Sequence[Source] = (),
        role: RoleReference | None = None,
        log_group: LogGroupReference | None = None,
        depends_on: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(scope, id_)
        own_log = [] if log_group else [self._make_log_group(name, settings)]
        log_arn = log_group.arn if log_group else own_log[0].arn
        permissions = [
            *write_stream(stream.arn),
            *write_with_key(stream.kms_key),
            *write_dead_letters(bucket.arn, dead_letter_prefix),
            *encrypt_objects(bucket.kms_key),
            *send_failures(queue_arn),
            *read_secrets(secret_arns(sources)),
            *write_log(log_arn),
        ]
        self.role = Role(
            self,
            "access",
            name=role_name,
            trust=trust("lambda.amazonaws.com"),
            permissions=[*permissions, *(send_traces() if settings.tracing else [])],
            existing=role,
        )
        asset = TerraformAsset(self, "code", path=str(code.path), type=AssetType.FILE)
        target = Target.of(settings.runtime, settings.architecture)
        self.function = LambdaFunction(
            self,
            "function",
            function_name=name,
            role=self.role.role.arn,
            handler=HANDLER,
            runtime=target.runtime,
            architectures=[target.architecture],
            memory_size=settings.memory_mib,
            timeout=settings.timeout_seconds,
            reserved_concurrent_executions=settings.reserved_concurrency,
            # path.module makes the path right in a root stack and in a module alike.
            filename=f"${{path.module}}/{asset.path}",
            source_code_hash=code.sha256,
            environment=LambdaFunctionEnvironment(
                variables={
                    "KINESIS_STREAM_NAME": stream.name,
                    "DEAD_LETTER_BUCKET": bucket.name,
                    "DEAD_LETTER_PREFIX": dead_letter_prefix,
                    "POWERTOOLS_SERVICE_NAME": name,
                    **variables(settings, fetch, sources),
                }
            ),
            logging_config=_log_to(log_group),
            tracing_config=LambdaFunctionTracingConfig(mode="Active" if settings.tracing else "PassThrough"),
            depends_on=[*own_log, *self.role.policies, *depends_on],
        )
        self._keep_failures(queue_arn, settings)

    def _make_log_group(self, name: str, settings: FunctionSettings) -> CloudwatchLogGroup:
        return CloudwatchLogGroup(
            self, "log-group", name=f"/aws/lambda/{name}", retention_in_days=settings.log_retention_days
        )

    def _keep_failures(self, queue_arn: str, settings: FunctionSettings) -> None:
        """A destination rather than a dead letter configuration: it tells the error beside the event."""
        on_failure = LambdaFunctionEventInvokeConfigDestinationConfigOnFailure(destination=queue_arn)
        LambdaFunctionEventInvokeConfig(
            self,
            "failures",
            function_name=self.function.function_name,
            maximum_retry_attempts=settings.retry_attempts,
            maximum_event_age_in_seconds=settings.event_age_seconds,
            destination_config=LambdaFunctionEventInvokeConfigDestinationConfig(on_failure=on_failure),
        )


def _log_to(log_group: LogGroupReference | None) -> LambdaFunctionLoggingConfig | None:
    """Where to log, if not to the group that Lambda takes by itself."""
    return LambdaFunctionLoggingConfig(log_format="Text", log_group=log_group.name) if log_group else None


def variables(
    settings: FunctionSettings, fetch: FetchSettings, sources: Sequence[Source]
) -> Mapping[str, str]:
    """The function's environment, as far as settings make it."""
    return {
        "SOURCES": literal(as_variable(sources)),
        "ALLOWED_HOSTS": ",".join(fetch.allowed_hosts),
        "ALLOW_HTTP": str(fetch.allow_http).lower(),
        "ALLOW_PRIVATE_NETWORKS": str(fetch.allow_private_networks).lower(),
        "PACKING": fetch.packing,
        "PACK_KIB": str(fetch.pack_kib),
        "PARTITION_KEY_FIELD": literal(fetch.partition_key_field),
        "LOG_LEVEL": settings.log_level,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
    }


def literal(text: str) -> str:
    """``text`` for Terraform to take as it is, should it look like a template; CDKTF's references stay."""
    return re.sub(r"\$\{(?!TfToken\[)|%\{", lambda template: template[0][0] + template[0], text)

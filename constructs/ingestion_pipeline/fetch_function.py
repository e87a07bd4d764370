"""The function that fetches, with its log, its role and its environment."""

from collections.abc import Mapping, Sequence

from cdktf import AssetType, ITerraformDependable, TerraformAsset
from constructs import Construct

from ingestion_pipeline.bindings import (
    CloudwatchLogGroup,
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionTracingConfig,
)
from ingestion_pipeline.bundle import Bundle, Target
from ingestion_pipeline.permissions import Role
from ingestion_pipeline.policies import send_traces, trust, write_log, write_stream
from ingestion_pipeline.settings import FetchSettings, FunctionSettings
from ingestion_pipeline.sources import Source, as_variable

HANDLER = "url_fetcher.handler.handler"
METRICS_NAMESPACE = "IngestionPipeline"


class FetchFunction(Construct):
    """A Lambda function that fetches records from URLs and puts them on the stream.

    Creates: its log group, a role, the function.
    Protects: the role writes one stream and one log group that exists before the function, so
    that its retention holds from the first line.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        name: The function's, up to 64 characters.
        role_name: The role's, up to 64 characters.
        code: The zip.
        stream_name: Where records are put.
        stream_arn: The same stream's ARN.
        settings: Memory, time, runtime, log.
        fetch: What may be fetched and how it is packed.
        sources: What to fetch.
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
        stream_name: str,
        stream_arn: str,
        settings: FunctionSettings,
        fetch: FetchSettings,
        sources: Sequence[Source] = (),
        depends_on: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(scope, id_)
        log_group = CloudwatchLogGroup(
            self, "log-group", name=f"/aws/lambda/{name}", retention_in_days=settings.log_retention_days
        )
        permissions = [*write_stream(stream_arn), *write_log(log_group.arn)]
        self.role = Role(
            self,
            "access",
            name=role_name,
            trust=trust("lambda.amazonaws.com"),
            permissions=[*permissions, *(send_traces() if settings.tracing else [])],
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
                variables=variables(stream_name, name, settings, fetch, sources)
            ),
            tracing_config=LambdaFunctionTracingConfig(mode="Active" if settings.tracing else "PassThrough"),
            depends_on=[log_group, self.role.policy, *depends_on],
        )


def variables(
    stream_name: str, function_name: str, settings: FunctionSettings, fetch: FetchSettings, sources: Sequence[Source]
) -> Mapping[str, str]:
    """The function's environment; `url_fetcher.config` reads the same names."""
    return {
        "KINESIS_STREAM_NAME": stream_name,
        "SOURCES": as_variable(sources),
        "ALLOWED_HOSTS": ",".join(fetch.allowed_hosts),
        "ALLOW_HTTP": str(fetch.allow_http).lower(),
        "ALLOW_PRIVATE_NETWORKS": str(fetch.allow_private_networks).lower(),
        "PACKING": fetch.packing,
        "PACK_KIB": str(fetch.pack_kib),
        "PARTITION_KEY_FIELD": fetch.partition_key_field,
        "LOG_LEVEL": settings.log_level,
        "POWERTOOLS_SERVICE_NAME": function_name,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
    }

"""The Lambda function that fetches."""

from dataclasses import dataclass

from ingestion_pipeline.settings.rules import Checked, Problem, one_of, switch, whole
from ingestion_pipeline.settings.tables.logs import retention_days

LAMBDA_QUOTAS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
LAMBDA_ASYNC = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"


@dataclass(frozen=True, kw_only=True)
class FunctionSettings(Checked):
    """The Lambda function that fetches."""

    table = "function"
    memory_mib: int = whole(512, 128, 10_240, "Memory in MiB; processing power grows with it.", LAMBDA_QUOTAS)
    timeout_seconds: int = whole(60, 1, 900, "Seconds that one invocation may take.", LAMBDA_QUOTAS)
    runtime: str = one_of(
        "python3.13",
        ("python3.13", "python3.12", "python3.11", "host"),
        "Lambda runtime. `host`, for a local AWS on this machine, is the version of Python that synthesizes.",
        "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    )
    architecture: str = one_of(
        "arm64",
        ("arm64", "x86_64", "host"),
        "Processor architecture. `host`, for a local AWS, is this machine's.",
        "https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html",
    )
    reserved_concurrency: int | None = whole(
        None,
        0,
        100_000,
        "Most invocations at the same time; unset: as many as the account has left. A new account has a "
        "quota of 10 and can reserve none of them: ask AWS to raise the quota first.",
        LAMBDA_QUOTAS,
    )
    retry_attempts: int = whole(
        2,
        0,
        2,
        "How often a failed event is retried before it goes to the dead letter queue.",
        LAMBDA_ASYNC,
    )
    event_age_seconds: int = whole(
        21_600, 60, 21_600, "Seconds after which a waiting event is no longer attempted.", LAMBDA_ASYNC
    )
    url_enabled: bool = switch(
        False,
        "Whether the function has a URL, which answers requests signed by a role that may invoke it.",
    )
    tracing: bool = switch(True, "Whether invocations are traced with X-Ray.")
    log_level: str = one_of(
        "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"), "Lowest level that is logged.", variable="LOG_LEVEL"
    )
    log_retention_days: int = retention_days("Days that the function's log is kept.")

    def conflicts(self) -> list[Problem]:
        """The problem of `host` for only one of runtime and architecture."""
        if (self.runtime == "host") != (self.architecture == "host"):
            advice = f"must be host together with function.runtime, which is {self.runtime!r}"
            return [Problem(f"{self.table}.architecture", self.architecture, advice)]
        return []

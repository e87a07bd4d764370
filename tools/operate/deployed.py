"""Finds the stream, the bucket and the queues of a deployed environment by its function's variables.

They also name parts that existed before the pipeline, and tell what runs now: pipeline.toml only tells what
the next deployment would make.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.names import FUNCTION
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import Settings
from tools.ground.aws import client, explained
from tools.ground.paths import ROOT
from tools.operate.queues import Queue

CONSUMED = {"Creating", "Enabled", "Enabling", "Updating"}
"""States of a mapping that takes messages, or is about to."""

SECONDS_A_DAY = 86_400
MAX_NAMED = 20


class NotDeployed(RuntimeError):
    """When what a command needs is not deployed, or pipeline.toml cannot be used; not worth a retry."""


@dataclass(frozen=True)
class Deployed:
    """One environment.

    Attributes:
        function: Its name.
        environment: Its name in pipeline.toml.
        settings: Its settings in pipeline.toml.
        variables: The function's environment variables.
        log_group: Name of the function's log group.
    """

    function: str
    environment: str
    settings: Settings
    variables: Mapping[str, str]
    log_group: str

    @property
    def region(self) -> str:
        """AWS Region."""
        return self.settings.pipeline.region

    @property
    def source_names(self) -> list[str]:
        """Names of the configured sources."""
        return [str(each["name"]) for each in self.settings.sources if each.get("name")]

    @property
    def default_source(self) -> str:
        """Name of the first configured source; empty if it has none."""
        first: Any = next(iter(self.settings.sources), {})
        return str(first.get("name") or "")

    def variable(self, name: str) -> str:
        """The value of one of the function's variables.

        Raises:
            NotDeployed: When the function does not have it, because an older version is deployed.
        """
        if value := self.variables.get(name):
            return value
        raise NotDeployed(
            f"{self.function} has no {name}: an older version is deployed; `make deploy "
            f"ENV={self.environment}` first"
        )


def find(process: Mapping[str, str] = os.environ) -> Deployed:
    """The environment in ``ENV``.

    Args:
        process: Variables of this process: ``ENV``, ``PIPELINE_TOML`` and those of AWS's clients.

    Raises:
        NotDeployed: When pipeline.toml cannot be used, there is no such function, or its variables cannot
            be read.
        AwsError: When AWS refuses the credentials, or cannot be reached.
    """
    environment = process.get("ENV") or "dev"
    try:
        settings = read(Path(process.get("PIPELINE_TOML") or ROOT / "pipeline.toml"), environment)
    except SettingsError as error:
        raise NotDeployed(str(error)) from error
    name = settings.names.of(FUNCTION)
    functions = client("lambda", process, settings.pipeline.region)
    with explained():
        try:
            answer = functions.get_function_configuration(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException as error:
            raise NotDeployed(
                f"there is no function {name} in {settings.pipeline.region}: `make deploy "
                f"ENV={environment}` first"
            ) from error
    found = answer.get("Environment", {})
    if "Error" in found:
        raise NotDeployed(f"the variables of {name} cannot be read: {found['Error'].get('Message', '')}")
    log_group = answer.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
    return Deployed(name, environment, settings, found.get("Variables", {}), log_group)


def refuse_unknown_source(name: str, found: Deployed) -> None:
    """Stop if no configured source has this name.

    Raises:
        NotDeployed: When none has; proposes the nearest names, and lists all.
    """
    names = found.source_names
    if name in names:
        return
    near = get_close_matches(name, names, n=1)
    meant = f" did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
    has = f"pipeline.toml has {listed or 'no source with a name'}"
    raise NotDeployed(f"SOURCE={name}: there is no such source;{meant} {has}")


def is_consumed(work: Queue, found: Deployed) -> bool:
    """True if the function takes the work queue's messages.

    Raises:
        AwsError: When AWS refuses or cannot be reached.
    """
    functions, arn = client("lambda", os.environ, found.region), work.attribute("QueueArn")
    with explained():
        answer = functions.list_event_source_mappings(FunctionName=found.function, EventSourceArn=arn)
    return any(mapping.get("State") in CONSUMED for mapping in answer["EventSourceMappings"])


def refuse_unconsumed(work: Queue, found: Deployed) -> None:
    """Stop if the function does not take the work queue's messages, because SQS would drop them in the end.

    Raises:
        NotDeployed: When it does not take them; says how to change that.
        AwsError: When AWS refuses or cannot be reached.
    """
    if is_consumed(work, found):
        return
    days = int(work.attribute("MessageRetentionPeriod")) / SECONDS_A_DAY
    kept = f"{days:g} day{'' if days == 1 else 's'}"
    raise NotDeployed(
        f"{found.function} takes no messages from {work.url}, which drops them after {kept}: set "
        f"`enabled = true` in pipeline.toml's [queue] table, or give a source a schedule, and "
        f"`make deploy ENV={found.environment}` first"
    )

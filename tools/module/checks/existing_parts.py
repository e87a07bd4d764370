"""The checks of the variables for parts that exist, by the forms that the constructs check."""

import json
from dataclasses import fields

from ingestion_pipeline.settings.existing import DEAD_LETTERS_ELSEWHERE, DEAD_LETTERS_WITHOUT_URL, Existing
from ingestion_pipeline.settings.references import (
    KEY_ADVICE,
    LOCAL,
    ONE_OF_BOTH,
    PLACE,
    QueueReference,
    Reference,
)
from tools.module.checks.validations import Validation

REGION, ACCOUNT = "var.region", "var.account_id"
"""Where the pipeline is."""

LOCAL_QUEUES = f'"arn:${{local.partition}}:sqs:${{{REGION}}}:${{{ACCOUNT}}}:"'
"""Start of the ARN of every queue that SQS can move dead letters to."""

CONSUMED = "(var.queue_enabled || local.have_schedules) && !(var.function_reserved_concurrency == 0)"
"""As `Settings.queue_is_consumed`."""

TOPIC = r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"
"""The module takes a topic in place of the queue; no FIFO one, as with queues."""


PARTS: dict[str, type[Reference]] = {column.name: column.metadata["kind"] for column in fields(Existing)}
"""The kind of each part that may exist, by its name."""

RENAMED = {"dead_letter_queue": "existing_failure_destination"}


def part_variable(part: str) -> str:
    """The variable for a part that exists."""
    name = without_form(part)
    return RENAMED.get(name, f"existing_{name}")


def without_form(part: str) -> str:
    """The part's name without the form of records, of which one part that exists replaces both."""
    return part.partition("-")[0]


def existing_validations() -> dict[str, tuple[Validation, ...]]:
    """The checks by variable."""
    return {part_variable(name): tuple(_checks(part_variable(name), kind)) for name, kind in PARTS.items()}


def _checks(variable: str, kind: type[Reference]) -> list[Validation]:
    arn, form, example = f"var.{variable}.arn", kind.form, kind.example
    if kind is QueueReference:
        form, example = f"{form}|{TOPIC}", f"{example} or arn:aws:sns:<region>:<account>:<name>"
    checks = [(f"can({_parsed(form, arn)})", f"{variable}.arn must be an ARN such as {example}")]
    if "name" in kind.in_module:
        name = f"var.{variable}.name"
        checks.append(
            (
                f"try({_parsed(form, arn)}.name, {name}) == {name}",
                f"{variable}.name is not what {variable}.arn names: {ONE_OF_BOTH}",
            )
        )
    if "kms_key" in kind.in_module:
        key = f"var.{variable}.kms_key"
        checks.append(
            (
                f"{key} == null ? true : can({_parsed(kind.keys, key)})",
                f"{variable}.kms_key {KEY_ADVICE}",
            )
        )
    if kind is QueueReference:
        checks += [
            (f"{CONSUMED} ? {check} : true", f"{variable}.{words.replace('queue.', 'queue_')}")
            for check, words in (
                (f"startswith({arn}, {LOCAL_QUEUES})", f"arn {DEAD_LETTERS_ELSEWHERE}"),
                (f"var.{variable}.url != null", f"url {DEAD_LETTERS_WITHOUT_URL}"),
            )
        ]
    if kind.same_place:
        checks += [
            (
                f"try({_parsed(PLACE, arn)}.{part}, {here}) == {here}",
                f"{variable}.arn is in another {word} than the pipeline: {LOCAL}",
            )
            for part, here, word in (("region", REGION, "Region"), ("account", ACCOUNT, "account"))
        ]
    return [Validation(f"var.{variable} == null ? true : {check}", words) for check, words in checks]


def _parsed(pattern: str, value: str) -> str:
    return f"regex({json.dumps(f'^(?:{pattern})$')}, {value})"

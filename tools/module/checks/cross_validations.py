"""Checks of variables that involve other variables or AWS, in the words of the settings."""

import json
import re
from collections.abc import Callable
from dataclasses import fields

from ingestion_pipeline.code.target import Target
from ingestion_pipeline.resources.alarms import UNKNOWN_ALARM
from ingestion_pipeline.resources.alarms_table import ALARMS
from ingestion_pipeline.settings.existing import ONE_STREAM, OTHER_PACKING
from ingestion_pipeline.settings.expressions import expression_of
from ingestion_pipeline.settings.forms import GZIP
from ingestion_pipeline.settings.references import STREAM_PACKINGS
from ingestion_pipeline.settings.regions import FUNCTION_URLS
from ingestion_pipeline.settings.rules import SettingsError, rule_of
from ingestion_pipeline.settings.settings import NO_URL_THERE, Settings
from ingestion_pipeline.settings.sources.sources import OWN_FOLDERS
from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings
from ingestion_pipeline.settings.tables.delivery import DATA_FOLDER, DeliverySettings
from ingestion_pipeline.settings.tables.fetch import ALLOWED_HOSTS_CHARACTERS, FetchSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.pipeline import (
    AMBIGUOUS_TAG,
    ENVIRONMENT_TAG,
    MAX_TAGS,
    TAG_SIGNS,
    PipelineSettings,
)
from ingestion_pipeline.settings.tables.queue import QueueSettings
from ingestion_pipeline.settings.tables.vpc import VpcSettings
from tools.module.checks.existing_parts import CONSUMED, existing_validations
from tools.module.checks.source_tables import source_validations
from tools.module.checks.validations import Validation

DATA = f"${{var.delivery_data_prefix}}{DATA_FOLDER}"
ERRORS = "${var.delivery_error_prefix}"
HOSTS = 'length(join(",", var.fetch_allowed_hosts))'


def cross_validations(target: Target) -> dict[str, tuple[Validation, ...]]:
    """The checks by variable.

    Args:
        target: Runtime and architecture of the module's zip.
    """
    in_data, dead_in_data, dead_in_errors = _overlapping_prefixes()
    existing = existing_validations()
    return {
        "account_id": (
            _of_provider("account_id", "account", "data.aws_caller_identity.current", "account_id"),
        ),
        "region": (
            _of_provider("region", "Region", "data.aws_region.current", "id"),
            _url_is_there(),
        ),
        "tags": _tags(),
        "alarms": (_alarms(),),
        "sources": source_validations(),
        "fetch_allowed_hosts": (_hosts(),),
        "queue_max_concurrency": (_within_reserved(),),
        "queue_retention_days": (_kept_as_dead_letters(),),
        "delivery_data_prefix": _apart_from_own_folders("delivery_data_prefix", f'"{DATA}"'),
        "delivery_error_prefix": (
            _apart("delivery_error_prefix", DATA, in_data),
            *_apart_from_own_folders("delivery_error_prefix", "var.delivery_error_prefix"),
        ),
        "dead_letters_prefix": (
            _apart("dead_letters_prefix", DATA, dead_in_data),
            _apart("dead_letters_prefix", ERRORS, dead_in_errors),
            *_apart_from_own_folders("dead_letters_prefix", "var.dead_letters_prefix"),
        ),
        "delivery_compression": (_gzip_alone(),),
        "vpc_security_group_ids": (_network(),),
        "function_runtime": (_built_for("runtime", target.runtime),),
        "function_architecture": (_built_for("architecture", target.architecture),),
        **existing,
        "existing_stream": (*existing["existing_stream"], *_packing_of_the_existing_stream()),
    }


def _of_provider(variable: str, what: str, source: str, attribute: str) -> Validation:
    """The check against the provider. Resources that need the variable wait for it, even until apply."""
    known = f'join("", {source}[*].{attribute})'
    return Validation(
        f"alltrue([for current in {source} : current.{attribute} == var.{variable}])",
        f"{variable} is ${{var.{variable}}}, but the provider's {what} is ${{{known}}}: "
        f"give the {what} of the provider that the module is passed, or pass it another provider",
    )


def _tags() -> tuple[Validation, ...]:
    (advice,) = _advice(lambda: PipelineSettings(tags={"": ""}))
    (few,) = _advice(lambda: PipelineSettings(tags=dict.fromkeys(map(str, range(MAX_TAGS + 1)), "")))
    within = "length(key) >= 1 && length(key) <= 128 && length(value) <= 256"
    text = json.dumps(rf"^[\p{{L}}\p{{N}} {re.escape(TAG_SIGNS)}]*$")
    every = f'merge({{ {ENVIRONMENT_TAG} = "" }}, var.tags)'
    fit = f"alltrue([for part in [key, value] : can(regex({text}, part))])"
    return (
        Validation(
            f'alltrue([for key, value in var.tags : {within} && !startswith(lower(key), "aws:") && {fit}])',
            f"tags: {advice}",
        ),
        Validation(f"length(var.tags) <= {MAX_TAGS}", f"tags: ${{length(var.tags)}} {few}"),
        Validation(
            f"length(distinct([for key in keys({every}) : lower(key)])) == length({every})",
            f"tags: a key {AMBIGUOUS_TAG}, or from {ENVIRONMENT_TAG}",
        ),
    )


def _alarms() -> Validation:
    names = [alarm.name for alarm in ALARMS]
    return Validation(
        f"length(setsubtract(keys(var.alarms.overrides), {json.dumps(names)})) == 0",
        f"alarms.overrides: a name {UNKNOWN_ALARM.format(names=', '.join(names))}",
    )


def _url_is_there() -> Validation:
    there = expression_of(FUNCTION_URLS.is_in("${var.region}"))
    advice = NO_URL_THERE.format(region="${var.region}", **vars(FUNCTION_URLS))
    return Validation(f"!var.function_url_enabled || {there}", f"function_url_enabled {advice}")


def _network() -> Validation:
    (advice,) = _advice(lambda: VpcSettings(subnet_ids=("subnet-01234567",)))
    return Validation(
        "(length(var.vpc_subnet_ids) > 0) == (length(var.vpc_security_group_ids) > 0)",
        advice,
    )


def _gzip_alone() -> Validation:
    (advice,) = _advice(
        lambda: Settings(
            fetch=FetchSettings(packing=GZIP), delivery=DeliverySettings(compression="UNCOMPRESSED")
        )
    )
    return Validation(
        f'var.fetch_packing != "{GZIP}" || var.delivery_compression == "GZIP"',
        f"delivery_compression {advice}",
    )


def _packing_of_the_existing_stream() -> tuple[Validation, ...]:
    packing, words = "var.existing_stream.packing", json.dumps(STREAM_PACKINGS)
    return (
        Validation(
            "var.existing_stream == null || !var.delivery_keep_former", f"delivery_keep_former {ONE_STREAM}"
        ),
        Validation(
            f"var.existing_stream == null ? true : contains({words}, {packing})",
            f"existing_stream.packing must be one of {', '.join(STREAM_PACKINGS)}",
        ),
        Validation(
            f'var.existing_stream == null || (var.fetch_packing == "{GZIP}") == '
            f'(try({packing}, "") == "{GZIP}")',
            f"fetch_packing {OTHER_PACKING}",
        ),
    )


def _hosts() -> Validation:
    hosts = ("a" * 63,) * 9
    (advice,) = _advice(lambda: FetchSettings(allowed_hosts=hosts))
    return Validation(
        f"{HOSTS} <= {ALLOWED_HOSTS_CHARACTERS}",
        f"fetch_allowed_hosts {advice.replace(str(len(','.join(hosts))), f'${{{HOSTS}}}', 1)}",
    )


def _apart(variable: str, other: str, advice: str) -> Validation:
    return Validation(
        f'!startswith(var.{variable}, "{other}") && !startswith("{other}", var.{variable})',
        f"{variable} {advice.format(other=other)}",
    )


def _apart_from_own_folders(variable: str, folder: str) -> tuple[Validation, ...]:
    """The checks of a folder, an expression, against those that the pipeline itself reads."""
    found = []
    for other in OWN_FOLDERS:
        (advice,) = _advice(lambda other=other: Settings(delivery=DeliverySettings(error_prefix=other)))  # type: ignore[misc]
        condition = f'!startswith({folder}, "{other}") && !startswith("{other}", {folder})'
        found.append(Validation(condition, f"{variable} {advice}"))
    return tuple(found)


def _within_reserved() -> Validation:
    reserved = "var.function_reserved_concurrency"
    (advice,) = _advice(
        lambda: Settings(function=FunctionSettings(reserved_concurrency=2), queue=QueueSettings(enabled=True))
    )
    return Validation(
        f"{CONSUMED} && {reserved} != null ? var.queue_max_concurrency <= {reserved} : true",
        f"queue_max_concurrency {advice.replace('function.', 'function_').replace(', 2,', '')}",
    )


def _kept_as_dead_letters() -> Validation:
    (advice,) = _advice(lambda: Settings(dead_letters=DeadLetterSettings(queue_retention_days=2)))
    return Validation(
        "var.queue_retention_days < var.dead_letters_queue_retention_days",
        f"queue_retention_days {advice.replace(', 2,', ',')}",
    )


def _overlapping_prefixes() -> list[str]:
    """The advice for errors among the data, dead letters among the data, and among the errors."""
    folder = f"{DATA_FOLDER}/"
    advice = _advice(
        lambda: Settings(
            delivery=DeliverySettings(data_prefix="", error_prefix=folder),
            dead_letters=DeadLetterSettings(prefix=folder),
        )
    )
    return [
        words.replace(repr(folder), "'{other}'").replace(repr(DATA_FOLDER), "'{other}'") for words in advice
    ]


def _built_for(setting: str, value: str) -> Validation:
    """The check of a setting that needs another zip; values that the rule refuses are left to the rule."""
    variable = f"function_{setting}"
    (column,) = (column for column in fields(FunctionSettings) if column.name == setting)
    choices = json.dumps([choice for choice in rule_of(column).choices if choice != "host"])
    return Validation(
        f'!contains({choices}, var.{variable}) || var.{variable} == "{value}" || var.package_path != null',
        f"{variable} must be {value}, which the module's zip was built for; "
        "for another, give package_path a zip that was built for it",
    )


def _advice(make: Callable[[], object]) -> list[str]:
    """The advice of settings for values that they refuse."""
    try:
        make()
    except SettingsError as error:
        return [problem.advice for problem in error.problems]
    raise AssertionError("the settings take what they should refuse: these demands are out of date")

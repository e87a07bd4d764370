"""The module's local values: what is made, what it is called, and which parts exist."""

import json
from collections.abc import Mapping

from ingestion_pipeline.settings.names import (
    ACCOUNT_CHARACTERS,
    HASH_CHARACTERS,
    LAKE,
    Name,
    environment_label,
)
from ingestion_pipeline.settings.partitions import DEFAULT_PARTITION, PARTITIONS
from ingestion_pipeline.settings.reach import PRIVATE_HOSTS
from ingestion_pipeline.settings.sources import permissions
from ingestion_pipeline.settings.sources.schedules import DEFAULT_TIME_ZONE, SCHEDULE_KEYS
from ingestion_pipeline.settings.sources.sources import SECRET_GROUP_CHARACTERS
from tools.module.checks.existing_parts import LOCAL_QUEUES, part_variable, without_form
from tools.module.checks.source_tables import (
    NOT_GIVEN,
    json_types,
    policies_needed,
    secret_kinds,
    source_groups,
    source_lists,
    source_placeholders,
    source_tables,
)
from tools.module.hcl import literal
from tools.module.main_tf import POLICIES, ROLE_POLICY, all_short_names, made_expression
from tools.module.synthesis import Synthesis
from tools.module.variables import local_name

LABELLED = ("dev", "prod")
"""Environments with a label of their own in the tag."""

CUT = f"""{{
    for thing, name in local.long_names : thing => length(name) <= local.limits[thing] ? name : join("-", [
      replace(substr(name, 0, local.limits[thing] - {HASH_CHARACTERS + 1}), "/-+$/", ""),
      substr(sha256(name), 0, {HASH_CHARACTERS}),
    ])
  }}"""
"""The beginning of a name that is too long and a hash of it, as `settings.names.cut` does."""

PARTITION = (
    f"concat([for start, partition in {literal(PARTITIONS)} : partition "
    'if startswith(var.region, "${start}-")], '
    f"[{literal(DEFAULT_PARTITION)}])[0]"
)
"""As `settings.partitions.partition_of`."""


def local_values(synthesis: Synthesis) -> list[Mapping[str, object]]:
    """Expression by name, in groups that belong together."""
    return [
        {
            "create": {
                local_name(part): _is_made(part) for part in dict.fromkeys(map(without_form, synthesis.made))
            }
        },
        _place(synthesis.names),
        {"cut_names": CUT},
        _named(),
        _parts(synthesis),
        _function(),
        _secrets(),
        *_policies(synthesis),
    ]


def source_rules() -> Mapping[str, object]:
    """The rules of each table of a source, and the lists that the checks of the variable need."""
    tables = source_tables()
    rules = [rule for table in tables.values() for rule in [*table["keys"].values(), table["any"]] if rule]
    types = sorted({str(rule["type"]) for rule in rules})
    return {
        "source_tables": {
            name: {
                **{word: literal(table[word]) for word in ("required", "maps", "lists", "any", "between")},
                "names": literal(list(table["keys"])),
                "keys": {key: literal(rule) for key, rule in table["keys"].items()},
            }
            for name, table in tables.items()
        },
        "source_table_names": "keys(local.source_tables)",
        "source_lists": literal(source_lists()),
        "source_placeholders": {name: literal(each) for name, each in source_placeholders().items()},
        "source_not_given": literal(NOT_GIVEN),
        "private_hosts": literal(PRIVATE_HOSTS),
        "source_types": literal({json.dumps(each): json_types(each) for each in types}),
        "source_groups": {group: literal(keys) for group, keys in source_groups().items()},
    }


def _is_made(part: str) -> str:
    return f"var.enabled && var.{part_variable(part)} == null"


def _place(names: Mapping[str, Name]) -> Mapping[str, object]:
    labels = literal({name: environment_label(name) for name in LABELLED})
    environment = f"lookup({labels}, var.environment, title(var.environment))"
    every = [*names.values(), LAKE]
    return {
        "stack": '"${var.name}-${var.environment}"',
        "partition": PARTITION,
        "tags": f"merge({{ Environment = {environment} }}, var.tags)",
        "long_names": {name.key: f'"{_long_name(name)}"' for name in every},
        "limits": {name.key: _limit(name) for name in every},
    }


def _long_name(name: Name) -> str:
    return f"${{local.stack}}-{name.ending}{'-${var.region}' if name.with_region else ''}"


def _limit(name: Name) -> str:
    if name is LAKE:
        return f"{name.max_characters - ACCOUNT_CHARACTERS - 2} - length(var.region)"
    return str(name.max_characters)


def _named() -> Mapping[str, object]:
    computed = '"${local.cut_names.lake}-${var.account_id}-${var.region}"'
    chosen = f'var.lake_bucket_name != "" ? var.lake_bucket_name : {computed}'
    return {"names": f"merge(local.cut_names, {{ bucket = {chosen} }})"}


def _parts(synthesis: Synthesis) -> Mapping[str, object]:
    """The attributes of each part, whether it is made or exists; keys have local values of their own."""
    names = all_short_names(synthesis.config)
    return {
        local_name(part): {
            attribute: _either(part_variable(part), attribute, made_expression(value, names))
            for attribute, value in attributes.items()
            if attribute != "kms_key"
        }
        for part, attributes in synthesis.made.items()
    }


def _function() -> Mapping[str, object]:
    topic = 'strcontains(var.existing_failure_destination.arn, ":sns:") ? "sns:Publish" : "sqs:SendMessage"'
    return {
        "failure_action": f'var.existing_failure_destination == null ? "sqs:SendMessage" : {topic}',
        "stream_kms_key": "var.existing_stream != null ? var.existing_stream.kms_key : var.stream_kms_key",
        "bucket_kms_key": "var.existing_bucket != null ? var.existing_bucket.kms_key : null",
        "package": 'var.package_path != null ? var.package_path : "${path.module}/lambda.zip"',
        "failure_destination_takes_messages": "var.existing_failure_destination == null ? true : "
        f"startswith(var.existing_failure_destination.arn, {LOCAL_QUEUES})",
        "fetched_sources": "[for source in local.given_sources : "
        f"{{ for key, value in source : key => value if !contains({literal(list(SCHEDULE_KEYS))}, key) }} "
        "if source != null]",
        "have_schedules": "nonsensitive(anytrue([for source in local.given_sources : "
        'try(coalesce(source.schedule), "") != ""]))',
        "schedules": _schedules(),
        "failure_destination_kms_key": "var.existing_failure_destination != null ? "
        "var.existing_failure_destination.kms_key : var.dead_letters_kms_key",
    }


def _schedules() -> str:
    """When each source with a schedule is fetched, by its name.

    A name that two sources have, or none, is refused with the object that holds them, so that it may not fail
    here.
    """
    named = '{ for source in local.given_sources : nonsensitive(try(coalesce(source.name), "")) => source... '
    values = {
        "expression": "each[0].schedule",
        "time_zone": f'try(coalesce(each[0].time_zone), "{DEFAULT_TIME_ZONE}")',
        "flexible_minutes": "try(coalesce(each[0].flexible_minutes), 0)",
        "enabled": "try(coalesce(each[0].enabled), true)",
    }
    value = ", ".join(f"{key} = {each}" for key, each in values.items())
    scheduled = 'if nonsensitive(try(coalesce(source.schedule), "") != "") }'
    return f'{{ for name, each in {named}{scheduled} : name => {{ {value} }} if name != "" }}'


def _secrets() -> Mapping[str, object]:
    """The secrets of the sources, their keys, and the policies for them.

    How many policies there are follows from the number of sources, for an ARN may be known only at apply.
    They are filled one after the other; one for which nothing is left repeats the first ARN, because none
    may be empty.
    """
    kinds = literal(secret_kinds())
    auths = (
        "[for source in local.given_sources : source.auth "
        f'if contains({kinds}, nonsensitive(try(source.auth.kind, "")))]'
    )
    before = 'length(join("", slice(local.secret_grants, 0, index))) + 4 * index'
    every = 'length(join("", local.secret_grants)) + 4 * length(local.secret_grants)'
    place = f"floor(({before}) / local.secret_characters)"
    mine = f"[for index, arn in local.secret_grants : arn if {place} == group]"
    each = "[for auth in local.secret_auths : try(tostring(nonsensitive(auth."
    share = f"ceil(({every}) / max(1, local.secret_policies))"
    return {
        "secret_auths": auths,
        "secret_arns": f"distinct(compact({each}secret_arn)), null)]))",
        "secret_keys": f"distinct(compact({each}kms_key)), null)]))",
        "secret_resources": _as_resources("local.secret_arns"),
        "secret_grants": "concat(local.secret_resources, local.secret_keys)",
        "secret_policies": policies_needed("local.secret_auths"),
        "secret_characters": f"max({SECRET_GROUP_CHARACTERS}, {share})",
        "secret_groups": "{ for group in range(local.secret_policies) : tostring(group) => "
        f"coalescelist({mine}, slice(local.secret_resources, 0, 1)) }}",
        "permitted": {permissions.sid(action): _permitted(action) for action in permissions.permitted(())},
    }


def _policies(synthesis: Synthesis) -> list[Mapping[str, object]]:
    """The permissions of each role, for roles that are made and for the outputs."""
    names = all_short_names(synthesis.config)
    made = {
        names[f"{ROLE_POLICY}.{unique}"]: made_expression(body["policy"], names)
        for unique, body in synthesis.config["resource"][ROLE_POLICY].items()
    }
    return [
        {local: f"var.enabled ? {made[policy]} : null".replace("\n", "\n  ")}
        for policy, local in POLICIES.items()
    ]


def _as_resources(arns: str) -> str:
    """The resources of a policy for these secrets, as in `settings.sources.permissions.as_resources`."""
    full, word = (
        f'can(regex("{pattern}", arn))' for pattern in (permissions.FULL_ARN, permissions.WORD_AT_THE_END)
    )
    whole = f"[for arn in {arns} : arn if {full}]"
    partial = f'[for arn in {arns} : "${{arn}}-??????" if !{full} || {word}]'
    return f"concat({whole}, {partial})"


def _permitted(action: str) -> str:
    """The resources of a policy for an action, as in `settings.sources.permissions.permitted`."""
    every = [each for each in permissions.declared() if each.action == action]
    arns = f"distinct(concat({', '.join(map(_arns, every))}))"
    return _as_resources(arns) if every[0].service == permissions.SECRETS else arns


def _arns(each: permissions.Declared) -> str:
    arn = f"nonsensitive(source.auth.{each.key})"
    conditions = [
        f'try(nonsensitive(source.auth.kind) == "{each.kind}", false)',
        f'try(split(":", {arn})[2] == "{each.service}", false)',
    ]
    if each.method != permissions.ANY_METHOD:
        conditions.append(f'nonsensitive(try(coalesce(source.method), "GET")) == "{each.method}"')
    return f"[for source in local.given_sources : {arn} if {' && '.join(conditions)}]"


def _either(variable: str, attribute: str, made: str) -> str:
    return f"var.{variable} != null ? var.{variable}.{attribute} : {made}"

"""The sources: held against the function's own schema, then handed to it as they are.

``schema.json`` is generated from the function's schema by ``make docs``, so there is one
schema for pipeline.toml, for programs in Python and for events, although neither side imports the other.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from ingestion_pipeline.settings.expressions import Condition, Unknown, derived, not_empty, unknown
from ingestion_pipeline.settings.rules import Problem, is_token
from ingestion_pipeline.settings.sources.permissions import as_resources, permitted, sid
from ingestion_pipeline.settings.sources.problems import UncheckedSource, named, problems_of
from ingestion_pipeline.settings.sources.schedules import DEFAULT_TIME_ZONE, SCHEDULE_KEYS, ScheduleTable

MAX_SOURCES_BYTES = 1024 * 1024
"""Our limit for all sources together: the function reads them into memory when it starts."""

CONFIG_FOLDER = "config/"
"""Folder of the sources in the bucket."""

LISTS_FOLDER = "lists/"
"""Folder of lists of URLs in the bucket; events name them."""

REPLAYED_FOLDER = "replayed/"
"""Folder for objects that `make replay` put on the stream again, before their old key."""

OWN_FOLDERS = {
    CONFIG_FOLDER: "the sources",
    LISTS_FOLDER: "lists of URLs",
    REPLAYED_FOLDER: "what was replayed",
}
"""Content of each folder whose name is not a setting."""

MAX_SECRET_POLICIES = 10
"""Managed policies of one role: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""

SECRET_GROUP_CHARACTERS = 5_000
"""Most characters of ARNs per managed policy, before the last one; AWS allows 6,144 for the whole policy."""

MAX_PERMITTED_CHARACTERS = 4_000
"""Most characters of ARNs for other actions, and of all ARNs for a role that exists, which gets no managed
policies; AWS allows 10,240 for the role's inline policies."""

TABLES_FORM = "each written [[sources]]; in Python a list of dictionaries"

SecretGroups = Mapping[str, Sequence[str]] | Unknown


def source_problems(sources: object, paths: Sequence[str] = ()) -> list[Problem]:
    """Everything that is wrong with sources; a value that only Terraform will know is never wrong.

    Args:
        sources: Sources of pipeline.toml or of a program in Python.
        paths: Where each of them stands in the file; default: ``sources[0]`` and so on.
    """
    if not isinstance(sources, list | tuple):
        return [Problem("sources", sources, f"must be tables, {TABLES_FORM}")]
    places = paths or [f"sources[{index}]" for index in range(len(sources))]
    placed = [(place, each) for place, each in zip(places, sources, strict=True) if each is not None]
    problems = [
        Problem(place, each, f"must be one of tables, {TABLES_FORM}")
        for place, each in placed
        if not isinstance(each, dict)
    ]
    if problems:
        return problems
    sources = [without_nulls(each) for _, each in placed]
    problems = [
        named(each, problem)
        for (place, _), each in zip(placed, sources, strict=True)
        for problem in problems_of(place, each)
    ]
    names = [str(source["name"]) for source in sources if source.get("name")]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [
        Problem("sources.name", name, "is the name of two sources; names must differ") for name in twice
    ]
    return problems or _too_many(sources)


def are_tables(value: object) -> TypeGuard[Sequence[UncheckedSource]]:
    """True if ``value`` is a list of tables, whatever their content."""
    return isinstance(value, list | tuple) and all(isinstance(table, dict) for table in value)


def _too_many(sources: Sequence[UncheckedSource]) -> list[Problem]:
    """Sources that are valid alone, but too many together."""
    size, groups = len(as_json(sources).encode()), ConfiguredSources(sources).secret_groups
    problems = []
    if size > MAX_SOURCES_BYTES:
        advice = f"take {size:,} bytes as JSON, of {MAX_SOURCES_BYTES:,}: make several pipelines of them"
        problems.append(Problem("sources", f"{len(sources)} tables", advice))
    if isinstance(groups, Mapping) and len(groups) > MAX_SECRET_POLICIES:
        advice = (
            f"name secrets and keys that take {len(groups)} managed policies, and a role has "
            f"{MAX_SECRET_POLICIES}: let sources share them, or make several pipelines of them"
        )
        problems.append(Problem("sources", f"{len(sources)} tables", advice))
    characters = _characters(permitted(sources).values())
    if characters > MAX_PERMITTED_CHARACTERS:
        advice = (
            f"name ARNs to use or to write of {characters:,} characters, and a policy has room for "
            f"{MAX_PERMITTED_CHARACTERS:,}: let sources share them, or make several pipelines of them"
        )
        problems.append(Problem("sources", f"{len(sources)} tables", advice))
    return problems


def _characters(lists: Iterable[Sequence[str]]) -> int:
    """What ARNs take in a policy, in which white space does not count."""
    return sum(len(arn) + len('"",') for arns in lists for arn in arns)


@dataclass(frozen=True)
class ConfiguredSources:
    """The sources as they reach the function.

    A value that the module computes too says here how, in Terraform's words: a local value of
    `tools/module/local_values.py`.

    Attributes:
        sources: Checked by `source_problems`.
        in_terraform: True for the module's variable, which only Terraform knows.
    """

    sources: Sequence[UncheckedSource] = ()
    in_terraform: bool = False

    @derived(str, "jsonencode(local.fetched_sources)")
    def json(self) -> str:
        """A compact JSON array, as the function reads it; Terraform takes it as it is.

        Without schedules, which the function does not need: a new one leaves the function as it is.
        """
        return literal(as_json(self._fetched))

    @property
    def are_known(self) -> bool:
        """True unless only Terraform knows a value."""
        return not _has_token(self.sources)

    @property
    def key(self) -> str:
        """Where in the bucket they lie if they are known: a name that other sources do not have."""
        return object_key(self._sha256)

    @derived(tuple, "local.secret_resources")
    def secret_arns(self) -> Sequence[str]:
        """The resources of a policy that permits the sources' secrets, each once."""
        return as_resources(auth["secret_arn"] for auth in self._auths if "secret_arn" in auth)

    @property
    def permitted(self) -> Sequence[tuple[str, Sequence[str], Condition]]:
        """Each action that a kind of authentication may need, what it is permitted on, and whether it is."""
        arns: Mapping[str, Sequence[str]] = permitted(self.sources)
        if self.in_terraform:
            arns = {action: unknown(tuple, f"local.permitted.{sid(action)}") for action in arns}
        return [(action, each, not_empty(each)) for action, each in arns.items()]

    @derived(dict, "local.secret_groups")
    def secret_groups(self) -> SecretGroups:
        """The secrets and then their keys, in groups of which each fits into a managed policy."""
        groups: dict[str, list[str]] = {}
        characters = 0
        for arn in [*self.secret_arns, *self.secret_keys]:
            groups.setdefault(str(characters // SECRET_GROUP_CHARACTERS), []).append(arn)
            characters += len(arn) + len('"",')
        return groups

    @derived(tuple, "local.secret_keys")
    def secret_keys(self) -> Sequence[str]:
        """The keys that the secrets are encrypted with, if they are the user's own."""
        return list(dict.fromkeys(auth["kms_key"] for auth in self._auths if auth.get("kms_key")))

    @property
    def have_secrets(self) -> Condition:
        """True if a source authenticates with a secret."""
        return not_empty(self.secret_arns)

    @derived(bool, "local.have_schedules")
    def have_schedules(self) -> Condition:
        """True if a source has a schedule, even one that is switched off."""
        return bool(self.schedules)

    @derived(dict, "local.schedules")
    def schedules(self) -> ScheduleTable:
        """When each source with a schedule is fetched, by its name."""
        return {
            source["name"]: {
                "expression": source["schedule"],
                "time_zone": source.get("time_zone", DEFAULT_TIME_ZONE),
                "flexible_minutes": source.get("flexible_minutes", 0),
                "enabled": source.get("enabled", True),
            }
            for source in self._given
            if source.get("schedule")
        }

    @derived(
        str, "jsonencode({ for name, each in local.schedules : name => each.expression if each.enabled })"
    )
    def watched(self) -> str:
        """The expression of each schedule that is on by its source's name, as JSON, for the watch."""
        table = {name: each["expression"] for name, each in self.schedules.items() if each["enabled"]}  # type: ignore[union-attr]
        return literal(json.dumps(table, separators=(",", ":")))

    @property
    def inline_characters(self) -> int:
        """What all ARNs of the sources take in the inline policy of a role that exists."""
        return _characters([self.secret_arns, self.secret_keys, *(arns for _, arns, _ in self.permitted)])

    @property
    def have_secret_keys(self) -> Condition:
        """True if a secret has a key of the user's own."""
        return not_empty(self.secret_keys)

    @derived(str, "sha256(jsonencode(local.fetched_sources))")
    def _sha256(self) -> str:
        return hashlib.sha256(as_json(self._fetched).encode()).hexdigest()

    @property
    def _auths(self) -> list[Mapping[str, Any]]:
        return [source.get("auth", {}) for source in self._given]

    @property
    def _fetched(self) -> list[UncheckedSource]:
        """The sources without the keys of their schedules."""
        return [
            {key: value for key, value in source.items() if key not in SCHEDULE_KEYS}
            for source in self._given
        ]

    @property
    def _given(self) -> list[UncheckedSource]:
        """The sources with what is given of them: None is as good as absent."""
        sources: Sequence[UncheckedSource | None] = self.sources
        return [without_nulls(source) for source in sources if source is not None]


def without_nulls(value: Any) -> Any:
    """Settings without None, which means that nothing is given; in a source's ``body`` it stays, as null."""
    if isinstance(value, dict):
        return {
            key: each if key == "body" else without_nulls(each)
            for key, each in value.items()
            if each is not None
        }
    return list(map(without_nulls, value)) if isinstance(value, list | tuple) else value


def object_key(sha256: str) -> str:
    """The key of the object for a hash of the sources; the function compares the hash."""
    return f"{CONFIG_FOLDER}sources-{sha256}.json"


def as_json(sources: Sequence[UncheckedSource]) -> str:
    """The sources as a compact JSON array."""
    return json.dumps(sources, separators=(",", ":"), ensure_ascii=False)


def literal(text: str) -> str:
    """``text`` for Terraform to take as it is, should it look like a template; CDKTF's references stay."""
    return re.sub(r"\$\{(?!TfToken\[)|%\{", lambda template: template[0][0] + template[0], text)


def _has_token(value: object) -> bool:
    """True if only Terraform knows a part of the value."""
    if isinstance(value, Mapping):
        return any(map(_has_token, value.values()))
    return any(map(_has_token, value)) if isinstance(value, list | tuple) else is_token(value)

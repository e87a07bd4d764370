"""The sources of one environment: those for all, with what ``[[environments.<name>.sources]]`` changes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingestion_pipeline.settings.rules import Problem
from ingestion_pipeline.settings.sources.problems import UncheckedSource
from ingestion_pipeline.settings.sources.sources import are_tables, source_problems


def amended(sources: Sequence[UncheckedSource], changes: Sequence[UncheckedSource]) -> list[UncheckedSource]:
    """The sources for all, amended by name; a source of a new name comes last.

    Args:
        sources: ``[[sources]]`` of the file.
        changes: ``[[environments.<name>.sources]]``. Each key replaces that of the source with the same name.
            A table in it is merged key by key, unless it has a ``kind``: then it replaces the whole table.
    """
    by_name = {change["name"]: change for change in changes}
    known = {source.get("name") for source in sources}
    return [_merged(source, by_name.get(source.get("name"), {})) for source in sources] + [
        change for change in changes if change["name"] not in known
    ]


def amended_source_problems(sources: Any, changes: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with the sources of each environment, which are checked as they are merged.

    Args:
        sources: ``[[sources]]`` of the file.
        changes: ``[[environments.<name>.sources]]`` by the environment's name.
    """
    if not are_tables(sources):
        return source_problems(sources)
    problems = [problem for name, given in changes.items() for problem in _form_problems(name, given)]
    if problems:
        return problems
    return [
        problem
        for environment, given in (changes or {"": []}).items()
        for problem in source_problems(amended(sources, given), list(_paths(sources, given, environment)))
    ]


def _merged(source: UncheckedSource, change: UncheckedSource) -> UncheckedSource:
    joined = {
        key: {**source[key], **value} if _merges(source.get(key), value) else value
        for key, value in change.items()
    }
    return {**source, **joined}


def _merges(below: object, above: object) -> bool:
    """True if a table is merged. One with a ``kind`` is not: its keys mean nothing to another kind."""
    return isinstance(below, Mapping) and isinstance(above, Mapping) and "kind" not in above


def _form_problems(environment: str, changes: Any) -> Iterator[Problem]:
    """Changes that cannot be merged: the name says which source they are for."""
    path = f"environments.{environment}.sources"
    if not are_tables(changes):
        yield Problem(path, changes, f"must be tables, each written [[{path}]]")
        return
    names = [change.get("name") for change in changes]
    for index, name in enumerate(names):
        if not name or not isinstance(name, str):
            yield Problem(f"{path}[{index}].name", name, "must name the source that it changes, or a new one")
        elif name in names[:index]:
            yield Problem(f"{path}[{index}].name", name, "is named twice; names must differ")


def _paths(
    sources: Sequence[UncheckedSource], changes: Sequence[UncheckedSource], environment: str
) -> Iterator[str]:
    """The place of each merged source in the file: that of its change if it has one."""
    places = {
        change["name"]: f"environments.{environment}.sources[{index}]" for index, change in enumerate(changes)
    }
    for index, source in enumerate(sources):
        yield places.pop(source.get("name"), f"sources[{index}]")
    yield from places.values()

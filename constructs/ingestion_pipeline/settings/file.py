"""Reads pipeline.toml into settings, or raises one error with everything that is wrong."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ingestion_pipeline.settings.rules import Problem, SettingsError, meant, problems_in
from ingestion_pipeline.settings.settings import TABLES, Settings, environment_problems
from ingestion_pipeline.settings.sources.amended import amended, amended_source_problems
from ingestion_pipeline.settings.sources.problems import UncheckedSource


def read(path: Path, environment: str) -> Settings:
    """The settings of one environment: the file's tables and sources, overlaid with that environment's.

    The whole file is checked, so that a mistake in ``prod`` is found while deploying ``dev``.

    Args:
        path: A file in the form of pipeline.toml.
        environment: Name of one of its ``[environments.*]`` tables.

    Raises:
        SettingsError: With every problem of the file; not worth a retry.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(
            [Problem("file", str(path), "does not exist; take pipeline.toml of this project")]
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([Problem("file", path.name, f"is not TOML: {error}")], path.name) from error
    environments = document.pop("environments", {})
    sources = document.pop("sources", [])
    changed_sources = _pop_sources(environments)
    problems = _table_problems(document, "") + amended_source_problems(sources, changed_sources)
    problems += _environment_problems(environments, environment)
    if not problems:
        problems = [p for name in environments for p in _conflicts(document, environments[name], name)]
    if problems:
        raise SettingsError(_distinct(problems), path.name)
    merged = _merged(document, environments[environment])
    return _settings(merged, environment, amended(sources, changed_sources[environment]))


def _pop_sources(environments: object) -> dict[str, Any]:
    """The sources that each environment changes, taken out of its tables."""
    tables = environments if isinstance(environments, Mapping) else {}
    return {name: each.pop("sources", []) for name, each in tables.items() if isinstance(each, dict)}


def _settings(merged: Mapping[str, Any], environment: str, sources: Sequence[UncheckedSource]) -> Settings:
    tables = {name: table(**merged.get(name, {})) for name, table in TABLES.items()}
    return Settings(environment=environment, sources=tuple(sources), **tables)  # type: ignore[arg-type]


def _table_problems(document: Mapping[str, Any], prefix: str) -> list[Problem]:
    problems = []
    for name, values in document.items():
        path = prefix + name
        if name not in TABLES:
            known = [*TABLES, "sources", "environments"]
            advice = f"is not a table of settings; there are {', '.join(known)}{meant(name, known)}"
            problems.append(Problem(path, values, advice))
        elif not isinstance(values, Mapping):
            problems.append(Problem(path, values, f"must be a table, written [{path}]"))
        else:
            problems += problems_in(TABLES[name], values, path)
    return problems


def _environment_problems(environments: object, chosen: str) -> list[Problem]:
    if not isinstance(environments, Mapping):
        return [Problem("environments", environments, "must be tables such as [environments.dev.stream]")]
    problems = []
    for name, tables in environments.items():
        problems += environment_problems("environments", name)
        if isinstance(tables, Mapping):
            problems += _table_problems(tables, f"environments.{name}.")
        else:
            problems.append(Problem(f"environments.{name}", tables, "must hold tables"))
    if chosen not in environments:
        known = ", ".join(sorted(environments)) or "none; add [environments.dev]"
        problems.append(Problem("ENV", chosen, f"is not an environment of this file; it has {known}"))
    return problems


def _conflicts(document: Mapping[str, Any], overlay: Mapping[str, Any], environment: str) -> list[Problem]:
    """Settings of one environment that are valid alone but not together."""
    problems = []
    merged = _merged(document, overlay)
    for name, values in merged.items():
        try:
            TABLES[name](**values)
        except SettingsError as error:
            where = f"environments.{environment}." if name in overlay else ""
            problems += [Problem(where + p.field, p.value, p.advice) for p in error.problems]
    if not problems:
        try:
            _settings(merged, environment, ())
        except SettingsError as error:
            problems += error.problems
    return problems


def _merged(document: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Both files' tables, key by key; a table within a table, such as tags, is joined too."""
    merged: dict[str, dict[str, Any]] = {}
    for name in {**document, **overlay}:
        below, above = document.get(name, {}), overlay.get(name, {})
        joined = {
            key: {**below[key], **value} if isinstance(value, dict) and key in below else value
            for key, value in above.items()
        }
        values = {**below, **joined}
        merged[name] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
    return merged


def _distinct(problems: list[Problem]) -> list[Problem]:
    return list({str(problem): problem for problem in problems}.values())

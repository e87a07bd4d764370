"""The sources of pipeline.toml: checked as far as deploying needs it, handed to the function as they are."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ingestion_pipeline.rules import Problem

ENVIRONMENT_BYTES = 4096
"""All variables of a function together: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""

Source = Mapping[str, Any]
"""One source, as in pipeline.toml."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def source_problems(sources: object) -> list[Problem]:
    """Everything that is wrong with the ``[[sources]]`` of a file."""
    if not isinstance(sources, Sequence) or not all(isinstance(source, Mapping) for source in sources):
        return [Problem("sources", sources, "must be tables, each written [[sources]]")]
    problems = [problem for index, source in enumerate(sources) for problem in _problems(f"sources[{index}]", source)]
    names = [source.get("name") for source in sources]
    twice = {str(name) for name in names if name is not None and names.count(name) > 1}
    problems += [Problem("sources.name", name, "is the name of two sources; names must differ") for name in sorted(twice)]
    if not problems and len(as_variable(sources).encode()) > ENVIRONMENT_BYTES - 1024:
        advice = "take more than 3,072 bytes as JSON; a function's variables hold 4,096 in all: pass sources in the event"
        problems.append(Problem("sources", f"{len(sources)} tables", advice))
    return problems


def as_variable(sources: Sequence[Source]) -> str:
    """The sources as the function reads them from its environment: a compact JSON array."""
    return json.dumps(sources, separators=(",", ":"), ensure_ascii=False)


def _problems(path: str, source: Source) -> list[Problem]:
    problems = []
    name, url = source.get("name"), source.get("url")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        advice = "must be 1 to 63 lower-case letters, digits, underscores and hyphens"
        problems.append(Problem(f"{path}.name", name, advice))
    if not isinstance(url, str) or not re.match(r"https?://[^/\s]", url):
        problems.append(Problem(f"{path}.url", url, "must be an address that starts with https:// (or http://)"))
    return problems

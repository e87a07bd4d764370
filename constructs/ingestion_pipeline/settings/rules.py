"""Rules for the values of settings, and the error that lists every invalid setting.

A rule travels in the metadata of a dataclass field; the check, the message and the documentation
are made from it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from ingestion_pipeline.settings.expressions import Unknown

TOKEN = re.compile(r"[$#]\{TfToken\[")
"""Start of a value that only Terraform knows, as CDKTF writes it; Terraform checks such a value."""

NUMBER_TOKENS_BELOW = -1e289
"""CDKTF writes a number that only Terraform will know as an absurdly negative one."""


@dataclass(frozen=True)
class Problem:
    """One setting that cannot be used.

    Attributes:
        field: Dotted path as in pipeline.toml, such as ``stream.shard_count``.
        value: The given value.
        advice: The allowed values, and the way out.
    """

    field: str
    value: object
    advice: str

    def __str__(self) -> str:
        """The line that a user sees."""
        return f"{self.field} = {self.value!r}: {self.advice}"


class SettingsError(ValueError):
    """When settings cannot be used; lists every problem at once and is never worth a retry.

    Args:
        problems: At least one.
        origin: The file that they came from, if any.
    """

    def __init__(self, problems: list[Problem], origin: str = "") -> None:
        self.problems = problems
        count = "1 setting" if len(problems) == 1 else f"{len(problems)} settings"
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"{origin + ': ' if origin else ''}{count} cannot be used{lines}")


@dataclass(frozen=True)
class Rule:
    """The values that a setting allows.

    Attributes:
        meaning: One sentence, with the unit.
        kind: The type; a list holds strings, a mapping maps strings to strings.
        minimum: Smallest allowed number, or fewest characters.
        maximum: Largest allowed number, or most characters.
        choices: All allowed values, if they can be listed.
        pattern: Regular expression for the whole of a string, or of each string of a list.
        form: The pattern in words.
        source: Page that documents the limit.
        variable: The variable of the function's environment that carries the setting; empty if none does.
    """

    meaning: str
    kind: type
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[object, ...] = ()
    pattern: str = ""
    form: str = ""
    source: str = ""
    variable: str = ""

    def allowed(self) -> str:
        """The allowed values in words."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        span = "" if self.minimum is None else f"{self.minimum:,} to {self.maximum:,}"
        if self.kind is int:
            return f"a whole number from {span}"
        if self.kind is str:
            return (
                ", ".join(part for part in (self.form, f"{span} characters" if span else "") if part)
                or "a string"
            )
        if self.kind is bool:
            return "true or false"
        return self.form or ("a list of strings" if self.kind is tuple else "a table of strings")

    def problem(self, path: str, value: object) -> Problem | None:
        """The problem of ``value``, or None; a value that only Terraform knows has none."""
        if is_token(value) or self._holds(value):
            return None
        advice = f"must be {self.allowed()}" + (f" ({self.source})" if self.source else "")
        return Problem(path, value, advice)

    def _holds(self, value: object) -> bool:
        if self.choices:
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        if self.kind is int:
            return type(value) is int and self._within(value)
        if self.kind is str:
            return isinstance(value, str) and self._matches(value) and self._within(len(value))
        if self.kind is tuple:
            return isinstance(value, tuple | list) and all(
                isinstance(v, str) and (is_token(v) or self._matches(v)) for v in value
            )
        if self.kind is dict:
            return isinstance(value, Mapping) and all(
                self._matches(str(v)) if self.pattern else isinstance(v, str) for v in value.values()
            )
        return isinstance(value, self.kind)

    def _within(self, quantity: int) -> bool:
        return self.minimum is None or self.maximum is None or self.minimum <= quantity <= self.maximum

    def _matches(self, text: str) -> bool:
        return not self.pattern or re.fullmatch(self.pattern, text) is not None


def is_token(value: object) -> bool:
    """True if ``value`` stands for one that only Terraform knows."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int | float):
        return value < NUMBER_TOKENS_BELOW
    return isinstance(value, str) and TOKEN.search(value) is not None


def setting(default: object, rule: Rule) -> Any:
    """A dataclass field with its default and its rule."""
    return field(default=default, metadata={"rule": rule})


# A setting with a `variable` is one that the function reads, from the environment variable of that name.
# `make docs` then declares it to the function.


def whole(
    default: Any, minimum: int, maximum: int, meaning: str, source: str = "", variable: str = ""
) -> Any:
    """A setting that is a whole number between two limits, both allowed."""
    rule = Rule(meaning, int, minimum=minimum, maximum=maximum, source=source, variable=variable)
    return setting(default, rule)


def text(
    default: Any, meaning: str, pattern: str = "", form: str = "", source: str = "", variable: str = ""
) -> Any:
    """A setting that is a string of a given form."""
    return setting(default, Rule(meaning, str, pattern=pattern, form=form, source=source, variable=variable))


def texts(meaning: str, pattern: str, form: str, source: str = "", variable: str = "") -> Any:
    """A setting that is a list of strings of a given form, by default empty."""
    rule = Rule(meaning, tuple, pattern=pattern, form=form, source=source, variable=variable)
    return setting((), rule)


def one_of(
    default: object, choices: tuple[object, ...], meaning: str, source: str = "", variable: str = ""
) -> Any:
    """A setting that is one of a few values."""
    return setting(
        default, Rule(meaning, type(choices[0]), choices=choices, source=source, variable=variable)
    )


def switch(default: bool, meaning: str, variable: str = "") -> Any:
    """A setting that is true or false."""
    return setting(default, Rule(meaning, bool, variable=variable))


def rule_of(column: Field[Any]) -> Rule:
    """The rule of a field made by `setting`."""
    rule: Rule = column.metadata["rule"]
    return rule


def default_of(column: Field[Any]) -> Any:
    """The default of a setting."""
    return column.default_factory() if column.default_factory is not MISSING else column.default


def meant(given: str, known: Iterable[str]) -> str:
    """A question at the end of a message: the known name that is like the given one; empty for none."""
    found = get_close_matches(given, known, 1)
    return f"; did you mean {found[0]}?" if found else ""


def problems_in(table: type, values: Mapping[str, object], path: str) -> list[Problem]:
    """Every problem of ``values`` as settings of the dataclass ``table``: unknown keys and broken rules."""
    known = {column.name: rule_of(column) for column in fields(table)}
    there = f"is not a setting; {path} has {', '.join(sorted(known))}"
    found = [
        Problem(f"{path}.{key}", value, there + meant(key, known))
        for key, value in values.items()
        if key not in known
    ]
    broken = (known[key].problem(f"{path}.{key}", value) for key, value in values.items() if key in known)
    return found + [problem for problem in broken if problem]


class Checked:
    """A frozen dataclass of settings that cannot be created with a value that its rule forbids."""

    table: str = ""

    def __post_init__(self) -> None:
        """Check every field, then the fields together.

        Raises:
            SettingsError: With every problem.
        """
        columns = fields(self)  # type: ignore[arg-type]
        values = {c.name: getattr(self, c.name) for c in columns}
        unset = {c.name for c in columns if c.default is None and values[c.name] is None}
        given = {name: value for name, value in values.items() if name not in unset}
        problems = problems_in(type(self), given, self.table) or self.conflicts()
        if problems:
            raise SettingsError(problems)

    def conflicts(self) -> list[Problem]:
        """Problems between fields that are valid alone."""
        return []

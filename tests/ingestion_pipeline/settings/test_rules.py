from dataclasses import dataclass
from typing import Any

import pytest

from ingestion_pipeline.settings.rules import (
    Checked,
    Problem,
    Rule,
    SettingsError,
    is_token,
    problems_in,
    setting,
)


@dataclass(frozen=True, kw_only=True)
class Oven(Checked):
    """Settings for these tests."""

    table = "oven"
    degrees: int = setting(180, Rule("Heat.", int, minimum=50, maximum=1_250, source="https://oven.example"))
    name: str = setting("ours", Rule("Name.", str, minimum=2, maximum=4, pattern="[a-z]+", form="letters"))
    mode: str = setting("fan", Rule("Mode.", str, choices=("fan", "grill")))
    shelf: int = setting(2, Rule("Shelf.", int, choices=(1, 2)))
    light: bool = setting(True, Rule("Light.", bool))
    trays: tuple[str, ...] = setting((), Rule("Trays.", tuple, pattern="[a-z]", form="a list of letters"))
    timer: int | None = setting(None, Rule("Timer.", int, minimum=1, maximum=9))

    def conflicts(self) -> list[Problem]:
        """No cake is grilled."""
        return [Problem("oven.mode", self.mode, "not for cake")] if self.name == "cake" else []


class TestDefaults:
    def test_are_allowed(self) -> None:
        """Settings made of nothing are the defaults."""
        oven = Oven()

        assert (oven.degrees, oven.name, oven.timer) == (180, "ours", None)


class TestGuarded:
    @pytest.mark.parametrize(
        ("key", "values"),
        [
            ("degrees", [49, 1_251, True, False, "180", 180.0, None]),
            ("name", ["a", "abcde", "A!", "ab\n", "", 5, None]),
            ("mode", ["oven", "", None, 1]),
            ("shelf", [0, 3, True, 1.0, "1"]),
            ("light", [0, 1, "true", None]),
            ("trays", [("a", "B"), ("a", 1), "a", None, {"a": "a"}]),
            ("timer", [0, 10, True, "1"]),
        ],
    )
    def test_refuses(self, key: str, values: list[Any]) -> None:
        """What is beyond a limit or of another type is refused; a truth value is no number."""
        accepted = [value for value in values if not problems_in(Oven, {key: value}, "oven")]

        assert accepted == []

    @pytest.mark.parametrize(
        ("key", "values"),
        [
            ("degrees", [50, 1_250]),
            ("name", ["ab", "abcd"]),
            ("mode", ["fan", "grill"]),
            ("shelf", [1, 2]),
            ("light", [True, False]),
            ("trays", [(), ("a",), ["a", "b"]]),
            ("timer", [1, 9]),
        ],
    )
    def test_allows_up_to_the_limits(self, key: str, values: list[Any]) -> None:
        """Both ends of a range and every choice are allowed."""
        refused = [value for value in values if problems_in(Oven, {key: value}, "oven")]

        assert refused == []

    def test_lists_every_problem(self) -> None:
        """One error tells all that is wrong, each with field, value, range and source."""
        with pytest.raises(SettingsError) as caught:
            Oven(degrees=2_000, name="x", light=1, mode="oven", trays=("AB",))  # type: ignore[arg-type]

        assert str(caught.value) == (
            "5 settings cannot be used\n"
            "  oven.degrees = 2000: must be a whole number from 50 to 1,250 (https://oven.example)\n"
            "  oven.name = 'x': must be letters, 2 to 4 characters\n"
            "  oven.mode = 'oven': must be one of fan, grill\n"
            "  oven.light = 1: must be true or false\n"
            "  oven.trays = ('AB',): must be a list of letters"
        )

    def test_says_where_one_problem_is_from(self) -> None:
        """The file is named, and one setting is not called settings."""
        error = SettingsError([Problem("oven.light", 1, "must be true or false")], "oven.toml")

        assert str(error) == "oven.toml: 1 setting cannot be used\n  oven.light = 1: must be true or false"

    def test_unknown_keys_are_problems(self) -> None:
        """A key that is not known is answered with those that are."""
        (problem,) = problems_in(Oven, {"heat": 1}, "oven")

        known = "degrees, light, mode, name, shelf, timer, trays"
        assert str(problem) == f"oven.heat = 1: is not a setting; oven has {known}"

    def test_conflicts_come_after_rules(self) -> None:
        """What settings demand of each other is checked once each is fine."""
        with pytest.raises(SettingsError, match="not for cake"):
            Oven(name="cake")

    def test_is_frozen(self) -> None:
        """Settings that were checked stay as they were."""
        with pytest.raises(AttributeError):
            Oven().degrees = 5_000  # type: ignore[misc]


class TestTokens:
    """Values that only Terraform will know, so that constructs can be given other resources' attributes."""

    @pytest.mark.parametrize(
        "value", ["${TfToken[TOKEN.3]}", "a-${TfToken[TOKEN.3]}", -1.8881545897087505e289]
    )
    def test_are_let_through(self, value: object) -> None:
        """What cannot be known yet is not judged."""
        assert is_token(value)

    @pytest.mark.parametrize("value", ["${var.name}", "", "TfToken", 0, -1, True, None, ["${TfToken["]])
    def test_everything_else_is_judged(self, value: object) -> None:
        """Text that only looks like Terraform's is no token."""
        assert not is_token(value)

    @pytest.mark.parametrize("key", ["degrees", "name", "mode"])
    def test_break_no_rule(self, key: str) -> None:
        """A token may stand for a number, a string or a choice."""
        assert problems_in(Oven, {key: "${TfToken[TOKEN.3]}"}, "oven") == []

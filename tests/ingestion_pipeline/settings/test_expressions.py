"""Values that only Terraform knows: what it computes is what Python computes from the known ones."""

import json
import random
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from ingestion_pipeline.settings import expressions
from ingestion_pipeline.settings.expressions import (
    PRODUCT,
    WHOLE,
    Unknown,
    all_of,
    any_of,
    as_text,
    chosen,
    either_or_none,
    equal,
    expression_of,
    given,
    highest,
    is_zero,
    minus,
    negated,
    not_empty,
    operand,
    part_of,
    plus,
    positive,
    times,
    unequal,
    unknown,
)
from tools.ground.terraform import environment

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = (0, 1, 2, 7, -3)
TEXTS = ("", "a", 'a "quoted" \\ word', "%{ if true }", "a-b")
LISTS: tuple[tuple[str, ...], ...] = ((), ("a",), ("a", "b"))
TREES = 300

Leaf = Callable[[type, Any], Any]
"""A leaf of a tree: the value itself, or what stands for it."""


def number(draw: random.Random, leaf: Leaf, depth: int) -> Any:
    """A random number, computed from others."""
    if not depth:
        return leaf(int, draw.choice(NUMBERS))

    def below() -> Any:
        return number(draw, leaf, depth - 1)

    ways: list[Callable[[], Any]] = [
        lambda: plus(below(), draw.choice(NUMBERS)),
        lambda: times(below(), draw.choice(NUMBERS)),
        lambda: times(below(), below()),
        lambda: minus(below(), below()),
        lambda: highest(below(), below()),
        lambda: chosen(condition(draw, leaf, depth - 1), below(), below()),
    ]
    return draw.choice(ways)()


def text(draw: random.Random, leaf: Leaf, depth: int) -> Any:
    """A random text, chosen from others."""
    if not depth:
        return leaf(str, draw.choice(TEXTS))
    first, second = text(draw, leaf, depth - 1), draw.choice(TEXTS)
    return chosen(condition(draw, leaf, depth - 1), first, second)


def condition(draw: random.Random, leaf: Leaf, depth: int) -> Any:
    """A random condition on numbers, texts, lists and other conditions."""
    if not depth:
        return leaf(bool, draw.random() < 0.5)

    def below() -> Any:
        return condition(draw, leaf, depth - 1)

    ways: list[Callable[[], Any]] = [
        lambda: positive(number(draw, leaf, depth - 1)),
        lambda: is_zero(number(draw, leaf, depth - 1)),
        lambda: given(text(draw, leaf, depth - 1)),
        lambda: equal(text(draw, leaf, depth - 1), draw.choice(TEXTS)),
        lambda: unequal(text(draw, leaf, depth - 1), draw.choice(TEXTS)),
        lambda: not_empty(leaf(tuple, draw.choice(LISTS))),
        lambda: negated(below()),
        lambda: any_of(below(), below()),
        lambda: all_of(below(), below()),
    ]
    return draw.choice(ways)()


def known(_: type, value: Any) -> Any:
    """The value itself."""
    return value


def only_in_terraform(kind: type, value: Any) -> Any:
    """What stands for the local value that holds it."""
    kinds = {bool: (False, True), int: NUMBERS, str: TEXTS, tuple: LISTS}
    return unknown(kind, f"local.{kind.__name__}s[{kinds[kind].index(value)}]")


def written(value: Any) -> str:
    """The expression of a tree; a tree may turn out to be known."""
    return expression_of(value) or json.dumps(value)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], list[Any]]:
    """Evaluates expressions in one process of ``terraform console``."""
    folder: Path = tmp_path_factory.mktemp("console")
    values = {"bools": [False, True], "ints": NUMBERS, "strs": TEXTS, "tuples": LISTS}
    locals_ = json.loads(json.dumps(values).replace("%{", "%%{"))

    def evaluate(lines: list[str]) -> list[Any]:
        # Terraform shows the last line's value only, so that all are values of one list.
        computed = {"results": [f"${{{line}}}" for line in lines]}
        (folder / "main.tf.json").write_text(json.dumps({"locals": locals_ | computed}), encoding="utf-8")
        done = subprocess.run(
            ["terraform", "console"],
            input="jsonencode(local.results)\n",
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return list(json.loads(json.loads(done.stdout)))

    return evaluate


@pytest.mark.terraform
def test_terraform_computes_what_python_computes(console: Callable[[list[str]], list[Any]]) -> None:
    """Whatever is computed from whatever, parentheses keep the order."""
    trees = [number, text, condition]
    pairs = []
    for seed in range(TREES):
        make, depth = trees[seed % 3], seed % 4
        pairs.append([make(random.Random(seed), leaf, depth) for leaf in (known, only_in_terraform)])
    computed = console([written(each) for _, each in pairs])
    wrong = [
        (written(each), found, wanted)
        for (wanted, each), found in zip(pairs, computed, strict=True)
        if found != wanted
    ]

    assert wrong == []


@pytest.mark.terraform
def test_what_becomes_an_argument_is_computed_alike(console: Callable[[list[str]], list[Any]]) -> None:
    """A condition within a conditional, and what an environment variable gets."""
    yes, one = only_in_terraform(bool, True), only_in_terraform(int, 1)
    made = [
        either_or_none(all_of(yes, negated(yes)), "on", "off"),
        either_or_none(any_of(yes, negated(yes)), 'a "b"', None),
        as_text(plus(one, 1)),
        as_text(only_in_terraform(tuple, ("a", "b"))),
    ]
    lines = [f'"{each}"' if not str(each).startswith("${TfToken") else written(each) for each in made]

    assert console(lines) == ["off", 'a "b"', "2", "a,b"]


@pytest.mark.parametrize(
    ("expression", "level", "expected"),
    [
        ("var.a", PRODUCT, "var.a"),
        ("var.a + 1", PRODUCT, "(var.a + 1)"),
        ("(var.a + 1)", PRODUCT, "(var.a + 1)"),
        ("(var.a) + (var.b)", PRODUCT, "((var.a) + (var.b))"),
        ('f("a + b", c || d)', WHOLE, 'f("a + b", c || d)'),
        ("var.a-b", WHOLE, "var.a-b"),
        ("-1", PRODUCT, "-1"),
        ("2 - 1", PRODUCT, "(2 - 1)"),
        ("var.a * -1", expressions.SUM, "var.a * -1"),
        ("!var.a", expressions.AND, "!var.a"),
        ('a == "?" ? b : c', expressions.OR, '(a == "?" ? b : c)'),
        ("[for x in y : x if z || w]", WHOLE, "[for x in y : x if z || w]"),
    ],
)
def test_an_operand_gets_the_parentheses_that_it_needs(expression: str, level: int, expected: str) -> None:
    """An operator is looked for outside of strings, brackets and names."""
    assert operand(expression, level) == expected


def test_a_sum_is_multiplied_as_a_whole() -> None:
    """Without parentheses only the last number would be."""
    product = times(plus(unknown(int, "var.a"), 1), 6)

    assert expression_of(product) == "(var.a + 1) * 6"


def test_conditions_nest() -> None:
    """An alternative within a conjunction stays one condition, and so does a negation of both."""
    a, b, c = (Unknown(f"var.{name}") for name in "abc")

    assert negated(all_of(any_of(a, b), c)) == Unknown("!((var.a || var.b) && var.c)")


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:mine", "mine"),
        ("${local.queue.arn}", 'try(split(":", local.queue.arn)[5], null)'),
    ],
)
def test_a_part_of_a_text_is_cut_where_the_text_is_known(arn: str, name: str) -> None:
    """Terraform finds none in the ARN of what is not made."""
    found = part_of(arn, ":", 5)

    assert (expression_of(found) or found) == name

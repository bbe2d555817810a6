"""Each change on a piece of code, and what it says where it finds no place."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable

import pytest

from .changes import (
    do_nothing,
    drop_definition,
    drop_element,
    drop_filter,
    drop_guard,
    drop_item,
    drop_operand,
    drop_statement,
    preceded_by,
    replaced_by,
    reverse_operands,
    set_condition,
    set_item,
    set_keyword,
    set_return,
    swap_constant,
    swap_operator,
    unwrap_call,
)
from .planting import Bug, Change, NotPlantableError


class Sample:
    """The code that is changed."""

    def method(self) -> None:
        """Do nothing, as the only method."""


def sample(first: int, second: list[int]) -> object:
    """Return something."""
    if first < 3 and second:
        return None
    for each in second:
        if isinstance(each, bool):
            continue
        print(each, end="a")
    return {"key": [each for each in second if each], "rest": (1, 2)}


def other(first: int, second: list[int]) -> object:
    return second


def stranger(third: int) -> object:
    return third


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (drop_statement(), "print(each, end='a')"),
        (drop_guard(at=0), "if first < 3 and second:\n    return None"),
        (drop_guard(mentions=isinstance), "if isinstance(each, bool):\n    continue"),
    ],
)
def test_what_is_left_out_is_gone(change: Change, text: str) -> None:
    lines = text.splitlines()

    planted = plant(sample, change)

    assert all(line in ast.unparse(ast.parse(source(sample))) for line in lines)
    assert lines[0] not in planted


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (set_condition(False, at=0), "if False:\n"),
        (set_condition(True, mentions=isinstance), "if True:\n            continue"),
        (drop_filter(), "[each for each in second]"),
        (drop_operand(0), "if second:"),
        (reverse_operands(), "if second and first < 3:"),
        (swap_operator(ast.Lt, ast.GtE), "first >= 3 and second"),
        (swap_constant(3, 4), "first < 4"),
        (set_item("key", "value"), "'key': 'value'"),
        (drop_item("rest"), "second if each]}"),
        (drop_element(1), "(2,)"),
        (set_keyword("end", "", of=print), "end=''"),
        (unwrap_call(isinstance), "if each:"),
        (set_return(True, at=0), "return True"),
        (do_nothing(), "object:\n    pass"),
        (replaced_by(other), "object:\n    return second"),
        (preceded_by(other), "return second\n    'Return something.'"),
    ],
)
def test_what_is_changed_reads_differently(change: Change, text: str) -> None:
    assert text not in ast.unparse(ast.parse(source(sample)))
    assert text in plant(sample, change)


def test_a_class_left_without_a_method_is_still_a_class() -> None:
    planted = plant(Sample, drop_definition(Sample.method))

    assert "def method" not in planted
    assert "class Sample" in planted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_guard(), "2 places fit, not one"),
        (drop_guard(at=5), "no place 5 among 2"),
        (drop_guard(mentions="absent"), "0 places fit"),
        (swap_constant(True, False), "0 places fit"),
        (replaced_by(stranger), "sample has other parameters than stranger"),
    ],
)
def test_a_change_without_its_one_place_is_not_planted(change: Change, message: str) -> None:
    with pytest.raises(NotPlantableError, match=message):
        plant(sample, change)


def test_a_target_that_its_module_no_longer_defines_is_not_planted() -> None:
    with pytest.raises(NotPlantableError, match="0 definitions of sample"):
        Bug("gone", sample, do_nothing(), ()).plant("def renamed(): ...")


@pytest.mark.parametrize("target", [property(Sample.method), Sample.method])
def test_a_property_and_a_method_are_found_in_their_class(target: object) -> None:
    bug = Bug("found", target, do_nothing(), ())

    assert bug.file == "tests/mutation/test_changes.py"
    assert bug.plant(source(Sample)).endswith("def method(self) -> None:\n        pass")


def source(target: Callable[..., object]) -> str:
    return textwrap.dedent(inspect.getsource(target))


def plant(target: Callable[..., object], change: Change) -> str:
    return Bug("a bug", target, change, ()).plant(source(target))

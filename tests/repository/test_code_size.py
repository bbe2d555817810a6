"""The limits of the function's code: lines of a module, lines of a function, attributes a class reassigns."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "function" / "massdriver_redis"

MODULE_LINES = 250
FUNCTION_LINES = 30
"""Without the docstring and the decorators."""
REASSIGNED_ATTRIBUTES = 8
"""Attributes of a class that its methods other than `__init__` assign or delete."""

CONCURRENCY = ("reconciler/*.py", "aws/poll_schedule.py")
CONCURRENCY_LINES = 950
"""The only stateful part and its schedules, together: it must be read in one sitting."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


MODULES = tuple(sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")))


def excess(source: str) -> list[str]:
    """Return every limit that a module's source exceeds, in words."""
    tree = ast.parse(source)
    lines = len(source.splitlines())
    return [
        *([f"{lines} lines"] if lines > MODULE_LINES else []),
        *(f"{function}() has {length} lines" for function, length in long_functions(tree)),
        *(f"{owner} reassigns {', '.join(names)}" for owner, names in mutable_classes(tree)),
    ]


def long_functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the name and length of every function and method over the limit."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            length = _function_lines(node)
            if length > FUNCTION_LINES:
                yield node.name, length


def mutable_classes(tree: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the reassigned attributes of every class over the limit."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names = sorted(set(_reassigned(node)))
            if len(names) > REASSIGNED_ATTRIBUTES:
                yield node.name, names


def _function_lines(function: Function) -> int:
    length = _span(function)
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        length -= _span(first)
    return length


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _reassigned(owner: ast.ClassDef) -> Iterator[str]:
    """Yield the attributes that a class's methods set on their first argument, however they do it."""
    for method in owner.body:
        if not isinstance(method, Function) or method.name == "__init__" or not method.args.args:
            continue
        receiver = method.args.args[0].arg
        for node in ast.walk(method):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store | ast.Del)
                and isinstance(node.value, ast.Name)
                and node.value.id == receiver
            ):
                yield node.attr


@pytest.mark.parametrize("name", MODULES)
def test_a_module_stays_within_its_limits(name: str) -> None:
    exceeded = excess((PACKAGE / name).read_text("utf-8"))

    assert not exceeded, (
        f"{name}: {'; '.join(exceeded)}. The limits: {MODULE_LINES} lines a module, {FUNCTION_LINES} lines a "
        f"function without its docstring, {REASSIGNED_ATTRIBUTES} attributes reassigned outside __init__."
    )


def test_what_acts_on_time_and_order_stays_small_as_a_whole() -> None:
    paths = [path for pattern in CONCURRENCY for path in PACKAGE.glob(pattern)]
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in paths)

    assert len(paths) > len(CONCURRENCY)
    assert lines <= CONCURRENCY_LINES


def test_a_docstring_does_not_count_as_lines_of_its_function() -> None:
    docstring = '    """One.\n' + "\n" * FUNCTION_LINES + '    """\n'
    fits = "def fits():\n" + docstring + "    x = 1\n" * (FUNCTION_LINES - 1)
    exceeds = "def exceeds():\n" + docstring + "    x = 1\n" * FUNCTION_LINES

    assert list(long_functions(ast.parse(fits))) == []
    assert list(long_functions(ast.parse(exceeds))) == [("exceeds", FUNCTION_LINES + 1)]


def test_an_attribute_counts_once_and_only_outside_init() -> None:
    names = [f"a{number}" for number in range(REASSIGNED_ATTRIBUTES + 1)]
    sets = "".join(f"        self.{name} = other.b = 1\n" for name in names)
    ways = "        self.a0 += 1\n        (self.a1, x), y = z\n        for self.a2 in z: del self.a3\n"
    free = f"class Free:\n    def __init__(self):\n{sets}\n    def go(self):\n{ways}"
    full = f"class Full:\n    def __init__(self):\n        self.b = 1\n    def go(self, other):\n{sets}{ways}"

    assert list(mutable_classes(ast.parse(free))) == []
    assert list(mutable_classes(ast.parse(full))) == [("Full", names)]


def test_a_module_is_measured_in_lines() -> None:
    assert excess("x = 1\n" * MODULE_LINES) == []
    assert excess("x = 1\n" * (MODULE_LINES + 1)) == [f"{MODULE_LINES + 1} lines"]

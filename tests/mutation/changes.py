"""The changes that make a bug, each an operation on the syntax tree of a function, a class or a module.

`at` chooses among the places that fit, in source order, -1 being the last; without it there must be one.
`mentions` keeps the innermost places that name a function or class, or that hold a string of AWS's own.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import TypeVar

from .planting import Change, NotPlantableError

Mention = Callable[..., object] | str
Constant = str | int | float | None
Node = TypeVar("Node", bound=ast.AST)

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def drop_statement(mentions: Mention | None = None, at: int | None = None) -> Change:
    """Leave out a simple statement other than a docstring."""

    def change(root: ast.AST) -> None:
        _replace(root, _choose(root, ast.stmt, _is_simple, mentions, at), None)

    return change


def drop_guard(mentions: Mention | None = None, at: int | None = None) -> Change:
    """Leave out an `if` without `else` that leaves the function or the round of a loop."""

    def change(root: ast.AST) -> None:
        def leaves(node: ast.If) -> bool:
            return not node.orelse and isinstance(node.body[-1], _LEAVES)

        _replace(root, _choose(root, ast.If, leaves, mentions, at), None)

    return change


def set_condition(value: bool, mentions: Mention | None = None, at: int | None = None) -> Change:
    """Take one branch of an `if`, as a statement or in an expression, whatever its condition says."""

    def change(root: ast.AST) -> None:
        node = _choose(root, ast.AST, lambda node: isinstance(node, ast.If | ast.IfExp), mentions, at)
        assert isinstance(node, ast.If | ast.IfExp)
        node.test = ast.Constant(value)

    return change


def drop_filter(mentions: Mention | None = None, at: int | None = None) -> Change:
    """Let a comprehension take every item."""

    def change(root: ast.AST) -> None:
        _choose(root, ast.comprehension, lambda node: bool(node.ifs), mentions, at).ifs = []

    return change


def drop_operand(operand: int, mentions: Mention | None = None, at: int | None = None) -> Change:
    """Leave out one operand, counted from 0, of an `and` or an `or`."""

    def change(root: ast.AST) -> None:
        del _choose(root, ast.BoolOp, lambda _: True, mentions, at).values[operand]

    return change


def reverse_operands(mentions: Mention | None = None, at: int | None = None) -> Change:
    """Evaluate the operands of an `and` or an `or` in reverse order."""

    def change(root: ast.AST) -> None:
        _choose(root, ast.BoolOp, lambda _: True, mentions, at).values.reverse()

    return change


def swap_operator(old: type[ast.cmpop], new: type[ast.cmpop], at: int | None = None) -> Change:
    """Compare by another operator."""

    def change(root: ast.AST) -> None:
        node = _choose(root, ast.Compare, lambda node: any(isinstance(op, old) for op in node.ops), None, at)
        node.ops = [new() if isinstance(op, old) else op for op in node.ops]

    return change


def swap_constant(old: Constant, new: Constant, at: int | None = None) -> Change:
    """Write another constant for a number, a string, a truth value or None."""

    def change(root: ast.AST) -> None:
        constant = _choose(root, ast.Constant, lambda node: _is_constant(node, old), None, at)
        _replace(root, constant, ast.Constant(new))

    return change


def set_item(key: str, value: Constant) -> Change:
    """Give a key of a dict display a constant value."""

    def change(root: ast.AST) -> None:
        node = _choose(root, ast.Dict, lambda node: any(_is_constant(each, key) for each in node.keys))
        node.values = [
            ast.Constant(value) if _is_constant(name, key) else old
            for name, old in zip(node.keys, node.values, strict=True)
        ]

    return change


def drop_item(key: str) -> Change:
    """Leave a key out of a dict display."""

    def change(root: ast.AST) -> None:
        node = _choose(root, ast.Dict, lambda node: any(_is_constant(each, key) for each in node.keys))
        items = [each for each in zip(node.keys, node.values, strict=True) if not _is_constant(each[0], key)]
        node.keys, node.values = [name for name, _ in items], [value for _, value in items]

    return change


def drop_element(value: Constant) -> Change:
    """Leave a constant out of a list, tuple or set display."""

    def change(root: ast.AST) -> None:
        def holds(node: ast.AST) -> bool:
            displays = isinstance(node, ast.List | ast.Tuple | ast.Set)
            return displays and any(_is_constant(each, value) for each in ast.iter_child_nodes(node))

        node = _choose(root, ast.AST, holds)
        assert isinstance(node, ast.List | ast.Tuple | ast.Set)
        node.elts = [each for each in node.elts if not _is_constant(each, value)]

    return change


def set_keyword(name: str, value: Constant, of: Mention | None = None, at: int | None = None) -> Change:
    """Pass a constant as a keyword argument that a call has."""

    def change(root: ast.AST) -> None:
        node = _choose(root, ast.Call, lambda node: any(each.arg == name for each in node.keywords), of, at)
        node.keywords = [
            ast.keyword(name, ast.Constant(value)) if each.arg == name else each for each in node.keywords
        ]

    return change


def unwrap_call(of: Callable[..., object], at: int | None = None) -> Change:
    """Use the first argument of a call for its result, or that of a list of one its item."""

    def change(root: ast.AST) -> None:
        node = _choose(root, ast.Call, lambda node: _names(node.func, of), None, at)
        first = node.args[0]
        _replace(root, node, first.elts[0] if isinstance(first, ast.List) else first)

    return change


def set_return(value: Constant, at: int | None = None) -> Change:
    """Return a constant."""

    def change(root: ast.AST) -> None:
        _choose(root, ast.Return, lambda _: True, None, at).value = ast.Constant(value)

    return change


def drop_definition(of: Callable[..., object]) -> Change:
    """Leave a method out of its class, or a function out of its module."""

    def change(root: ast.AST) -> None:
        name = of.__name__
        _replace(root, _choose(root, ast.FunctionDef, lambda node: node.name == name, None, 0), None)

    return change


def do_nothing() -> Change:
    """Return None at once."""

    def change(root: ast.AST) -> None:
        _function(root).body = [ast.Pass()]

    return change


def replaced_by(other: Callable[..., object]) -> Change:
    """Do what another function of the same parameters does; what it imports, it imports in its body."""

    def change(root: ast.AST) -> None:
        _function(root).body = _body_for(_function(root), other)

    return change


def preceded_by(other: Callable[..., object]) -> Change:
    """Do first what another function of the same parameters does; what it imports, it imports in its body."""

    def change(root: ast.AST) -> None:
        _function(root).body[:0] = _body_for(_function(root), other)

    return change


def _body_for(target: ast.FunctionDef, other: Callable[..., object]) -> list[ast.stmt]:
    source = _function(ast.parse(textwrap.dedent(inspect.getsource(other))).body[0])
    if _parameters(target) != _parameters(source):
        raise NotPlantableError(f"{target.name} has other parameters than {source.name}")
    return source.body


def _choose(
    root: ast.AST,
    kind: type[Node],
    fits: Callable[[Node], bool] = lambda _: True,
    mentions: Mention | None = None,
    at: int | None = None,
) -> Node:
    found = [node for node in ast.walk(root) if isinstance(node, kind) and fits(node)]
    if mentions is not None:
        found = _innermost([node for node in found if _mentioned(node, mentions)])
    found.sort(key=_position)
    if at is None and len(found) != 1:
        raise NotPlantableError(f"{len(found)} places fit, not one")
    try:
        return found[at or 0]
    except IndexError:
        raise NotPlantableError(f"no place {at} among {len(found)}") from None


def _position(node: ast.AST) -> tuple[int, int]:
    """Return line and column; a part without its own, such as a comprehension's `for`, has its child's."""
    if isinstance(node, ast.comprehension):
        node = node.target
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _innermost(nodes: list[Node]) -> list[Node]:
    outer = {id(node) for node in nodes for inner in nodes if node is not inner and inner in ast.walk(node)}
    return [node for node in nodes if id(node) not in outer]


def _mentioned(node: ast.AST, what: Mention) -> bool:
    for each in ast.walk(node):
        if isinstance(what, str):
            if _is_constant(each, what):
                return True
        elif _names(each, what):
            return True
    return False


def _names(node: ast.AST, what: Callable[..., object]) -> bool:
    """Return whether a node is the name of a function or class, alone or as an attribute of its module."""
    name = what.__name__
    return (isinstance(node, ast.Name) and node.id == name) or (
        isinstance(node, ast.Attribute) and node.attr == name
    )


def _is_simple(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Raise)


def _is_constant(node: ast.AST | None, value: Constant) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is type(value) and node.value == value


def _replace(root: ast.AST, old: ast.AST, new: ast.AST | None) -> None:
    """Put `new` where `old` is, or nothing; a block left empty becomes `pass`."""
    for parent in ast.walk(root):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and any(each is old for each in value):
                instead = [] if new is None else [new]
                index = next(index for index, each in enumerate(value) if each is old)
                value[index : index + 1] = instead
                if not value:
                    value.append(ast.Pass())


def _function(node: ast.AST) -> ast.FunctionDef:
    if not isinstance(node, ast.FunctionDef):
        raise NotPlantableError("the target is not a function")
    return node


def _parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    every = [
        *arguments.posonlyargs,
        *arguments.args,
        arguments.vararg,
        *arguments.kwonlyargs,
        arguments.kwarg,
    ]
    return [each.arg for each in every if each]

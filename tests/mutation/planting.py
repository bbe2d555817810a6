"""A planted bug: the code it is in, by reference, and the change of that code's syntax tree.

The target is the function, class or module itself, not its name in a text, so that a rename carries the bug
along and a target that is gone is an error of the import.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]

Definition = ast.FunctionDef | ast.ClassDef
Change = Callable[[ast.AST], None]
"""Changes the tree of the target in place; raises NotPlantableError where it finds nothing to change."""


class NotPlantableError(Exception):
    """The code no longer has the place that a bug describes."""


@dataclass(frozen=True)
class Bug:
    """A change of `target`, which is a function, a method, a property, a class or a module.

    `name` says what is wrong with the code; `tests` are the files, under tests/, of which one must find it.
    """

    name: str
    target: object
    change: Change
    tests: tuple[str, ...]

    @property
    def module(self) -> ModuleType:
        """The module that `target` is defined in."""
        target = _defined(self.target)
        return target if isinstance(target, ModuleType) else sys.modules[target.__module__]

    @property
    def file(self) -> str:
        """The path of the changed file in the repository."""
        return Path(str(self.module.__file__)).resolve().relative_to(ROOT).as_posix()

    def plant(self, source: str) -> str:
        """Return the module's source with the bug, as Python writes a syntax tree: without comments."""
        tree = ast.parse(source)
        target = _defined(self.target)
        names = [] if isinstance(target, ModuleType) else target.__qualname__.split(".")
        self.change(_find(tree, names))
        return ast.unparse(ast.fix_missing_locations(tree))


def _defined(target: object) -> Callable[..., object] | ModuleType:
    """Return the function under a property or a decorator, or the target itself."""
    if isinstance(target, property):
        target = target.fget
    if isinstance(target, ModuleType):
        return target
    if not callable(target):
        raise TypeError(f"{target!r} is not defined by a statement of its own")
    function: Callable[..., object] = inspect.unwrap(target)
    return function


def _find(tree: ast.AST, names: list[str]) -> ast.AST:
    for name in names:
        nodes = [node for node in ast.iter_child_nodes(tree) if isinstance(node, Definition)]
        found = [node for node in nodes if node.name == name]
        if len(found) != 1:
            raise NotPlantableError(f"{len(found)} definitions of {'.'.join(names)}")
        tree = found[0]
    return tree

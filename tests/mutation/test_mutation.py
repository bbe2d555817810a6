"""Each bug can be planted, and leaves another module that Python compiles and whose names are all defined."""

from __future__ import annotations

import ast
import builtins
import dis
from collections.abc import Iterator
from types import CodeType

import pytest

from .planted import BUGS
from .planting import ROOT, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted_where_it_says(bug: Bug) -> None:
    sound = (ROOT / bug.file).read_text()

    planted = bug.plant(sound)

    assert ast.dump(ast.parse(planted)) != ast.dump(ast.parse(sound))
    assert all((ROOT / "tests" / name).is_file() for name in bug.tests)
    unknown = set(_globals(compile(planted, bug.file, "exec"))) - vars(bug.module).keys()
    assert unknown <= set(dir(builtins)), "a NameError would be found by any test"


def test_every_bug_has_a_name_of_its_own_and_tests_that_must_find_it() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 70
    assert all(bug.tests for bug in BUGS)


def _globals(code: CodeType) -> Iterator[str]:
    """Yield the global names that the functions of a module load."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            for instruction in dis.get_instructions(constant):
                if instruction.opname == "LOAD_GLOBAL":
                    yield str(instruction.argval)
            yield from _globals(constant)

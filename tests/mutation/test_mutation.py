"""The planted bugs: each can still be planted, and each leaves a file that Python takes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .planted import BUGS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted_where_it_says(bug):
    sound = (ROOT / "function" / "massdriver_redis" / bug.file).read_text()

    assert sound.count(bug.old) == 1
    assert ast.dump(ast.parse(sound.replace(bug.old, bug.new))) != ast.dump(ast.parse(sound))
    assert all((ROOT / "tests" / name).is_file() for name in bug.tests)


def test_there_are_more_than_twenty_bugs_and_no_two_of_a_name():
    assert len({bug.name for bug in BUGS}) == len(BUGS) > 20

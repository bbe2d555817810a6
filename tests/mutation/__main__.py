"""Plant each bug in a copy of the repository, run its tests there, and report which test found it.

`python -m tests.mutation [part of a name]`. A bug that no test finds, or that can't be planted any more, is
an error.
"""

from __future__ import annotations

import ast
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .planting import ROOT, Bug, NotPlantableError

PROCESSES = 2
LIMIT = 600
"""Seconds one bug's tests may take."""

_LEFT_OUT = (".git", ".venv", ".build", ".aws-sam", ".hypothesis", "__pycache__", ".*_cache", ".coverage*")


@dataclass(frozen=True)
class Found:
    """What became of a bug: the first test that failed, or what is wrong."""

    bug: Bug
    by: str
    error: str
    seconds: float


def main() -> int:
    """Return 0 where the tests pass without a bug and every bug is found."""
    part = " ".join(sys.argv[1:])
    bugs = [bug for bug in _bugs() if part in bug.name]
    if not bugs:
        print(f"no bug has {part!r} in its name")
        return 1
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [_copy(Path(folder) / str(number)) for number in range(PROCESSES)]
        files = sorted({name for bug in bugs for name in bug.tests})
        code, printed = _run(copies[0], files, "-n", str(PROCESSES))
        if code:
            print(f"the tests fail without any bug:\n{printed[-3000:]}")
            return 1
        found = _all(bugs, copies)
    for each in found:
        print(f"{'LIVES ' if each.error else 'found '} {each.bug.name} ({each.seconds:.0f} s)")
        print(f"        {each.error or each.by}")
    lives = [each for each in found if each.error]
    print(f"{len(found)} planted bugs, {len(lives)} not found, {time.monotonic() - began:.0f} s")
    return 1 if lives else 0


def _bugs() -> tuple[Bug, ...]:
    # The targets are the function's own code: import it from this repository, as pytest does.
    sys.path.insert(0, str(ROOT / "function"))
    from .planted import BUGS

    return BUGS


def _all(bugs: list[Bug], copies: list[Path]) -> list[Found]:
    free = list(copies)
    lock = threading.Lock()

    def plant(bug: Bug) -> Found:
        with lock:
            copy = free.pop()
        try:
            return _plant(bug, copy)
        finally:
            with lock:
                free.append(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(plant, bugs))


def _plant(bug: Bug, copy: Path) -> Found:
    began = time.monotonic()
    path = copy / bug.file
    sound = path.read_text()
    try:
        planted = bug.plant(sound)
    except NotPlantableError as gone:
        return Found(bug, "", f"{bug.file}: {gone}", time.monotonic() - began)
    path.write_text(planted)
    try:
        code, printed = _run(copy, bug.tests)
    finally:
        path.write_text(sound)
    by = re.search(r"^FAILED (\S+)", printed, re.MULTILINE)
    lives = (
        "" if code == 1 and by else f"no test found it (pytest ended with {code})\n{_diff(sound, planted)}"
    )
    return Found(bug, by[1] if by else "", lives, time.monotonic() - began)


def _run(copy: Path, names: Iterable[str], *options: str) -> tuple[int, str]:
    """Run test files in a copy until the first failure; return pytest's exit code and what it printed."""
    files = [f"tests/{name}" for name in names]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:logging",
    ]
    # No bytecode: a bug planted within the second would be overlooked.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environ.pop("PYTHONPATH", None)
    done = subprocess.run(
        [*command, *options, "-m", "not deployed and not full", *files],
        cwd=copy,
        env=environ,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _diff(sound: str, planted: str) -> str:
    """Return the lines that differ, both sources written as Python writes a syntax tree."""
    before, after = (ast.unparse(ast.parse(source)).splitlines() for source in (sound, planted))
    lines = difflib.unified_diff(before, after, "sound", "planted", lineterm="", n=2)
    return textwrap.indent("\n".join(lines), " " * 8)


def _copy(folder: Path) -> Path:
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    return folder


if __name__ == "__main__":
    sys.exit(main())

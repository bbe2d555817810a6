"""Plant each bug in a copy of the repository, run its tests there, and tell which test found it.

`python -m tests.mutants [part of a name]`. A bug that no test finds, or that can't be planted any more, is
an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .planted import BUGS, Bug

ROOT = Path(__file__).parents[2]
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
    wanted = " ".join(sys.argv[1:])
    bugs = [bug for bug in BUGS if wanted in bug.name]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [_copy(Path(folder) / str(number)) for number in range(PROCESSES)]
        files = sorted({name for bug in bugs for name in bug.tests})
        code, told = _run(copies[0], files, "-n", str(PROCESSES))
        if code:
            print(f"the tests fail without any bug:\n{told[-3000:]}")
            return 1
        found = _all(bugs, copies)
    for each in found:
        print(f"{'LIVES ' if each.error else 'found '} {each.bug.name} ({each.seconds:.0f} s)")
        print(f"        {each.error or each.by}")
    lives = [each for each in found if each.error]
    print(f"{len(found)} planted bugs, {len(lives)} not found, {time.monotonic() - began:.0f} s")
    return 1 if lives else 0


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
    path = copy / "function" / "massdriver_redis" / bug.file
    sound = path.read_text()
    if sound.count(bug.old) != 1:
        error = f"{bug.file} holds the text to replace {sound.count(bug.old)} times, not once"
        return Found(bug, "", error, time.monotonic() - began)
    path.write_text(sound.replace(bug.old, bug.new))
    try:
        code, told = _run(copy, bug.tests)
    finally:
        path.write_text(sound)
    by = re.search(r"^(?:FAILED|ERROR) (\S+)", told, re.MULTILINE)
    error = "" if code == 1 and by else f"no test found it (pytest ended with {code})"
    return Found(bug, by[1] if by else "", error, time.monotonic() - began)


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


def _copy(folder: Path) -> Path:
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    return folder


if __name__ == "__main__":
    sys.exit(main())

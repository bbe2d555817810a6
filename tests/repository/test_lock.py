"""function/requirements.txt: what the Lambda ships is pinned and hashed, to the last package it needs."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
CHOSEN = ROOT / "function" / "requirements.in"
LOCK = ROOT / "function" / "requirements.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(path: Path) -> list[str]:
    """Return a file's entries, each on one line, without the comments."""
    text = re.sub(r"^\s*#.*\n?", "", path.read_text("utf-8"), flags=re.MULTILINE)
    return [" ".join(line.split()) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def pins(path: Path, python: str) -> dict[str, str]:
    """Return the versions that a file pins for a Python, by the package's name."""
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    found = (Requirement(each.split(" --hash")[0]) for each in entries(path))
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in found
        if each.marker is None or each.marker.evaluate(environment)
    }


def needed(name: str, python: str) -> set[str]:
    """Return the packages that an installed package needs on a Python, without extras."""
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.0",
        "extra": "",
    }
    found = (Requirement(each) for each in metadata.requires(name) or [])
    kept = (each for each in found if each.marker is None or each.marker.evaluate(environment))
    return {canonicalize_name(each.name) for each in kept}


@pytest.mark.parametrize("entry", entries(LOCK), ids=lambda entry: entry.split("==")[0])
def test_an_entry_is_one_version_with_its_hashes_and_nothing_else(entry: str) -> None:
    requirement, *hashes = re.split(r" (?=--hash)", entry)

    assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; .+)?", requirement)
    assert hashes
    assert [each for each in hashes if not _HASH.fullmatch(each)] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_every_chosen_package_and_all_that_they_need(python: str) -> None:
    locked = pins(LOCK, python)

    chosen = pins(CHOSEN, python)
    assert chosen.items() <= locked.items(), "run `make lock`"
    assert {name: needed(name, python) - locked.keys() for name in locked} == {name: set() for name in locked}


def test_nothing_is_locked_that_no_chosen_package_needs() -> None:
    for_any = {name for python in PYTHONS for name in pins(LOCK, python)}
    reached = set(pins(CHOSEN, PYTHONS[0]))
    for _ in for_any:
        reached |= {each for name in reached for python in PYTHONS for each in needed(name, python)}

    assert for_any == reached


def test_the_tests_run_with_the_versions_that_are_shipped() -> None:
    locked = pins(LOCK, f"{sys.version_info.major}.{sys.version_info.minor}")

    assert {name: metadata.version(name) for name in locked} == locked


def test_the_build_takes_nothing_without_its_hash() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    installs = [line for line in makefile.splitlines() if "-r function/requirements.txt" in line]

    assert len(installs) == 2
    assert all("--require-hashes" in line for line in installs)

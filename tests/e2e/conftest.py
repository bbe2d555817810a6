"""One emulated AWS with the provider deployed, for all deployed tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.emulator.emulator import ACCOUNT, Emulator

from .emulator import stacks

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a deployed one."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.deployed)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Start an emulated AWS and deploy the built provider to it with SAM."""
    if not stacks.BUILT.exists():
        pytest.fail("the provider is not built: run `make build-emulated`")
    with Emulator(tmp_path_factory.mktemp("emulator")) as started:
        stacks.deploy_provider(
            started, parameters={"AllowedRoleArns": f"arn:aws:iam::{ACCOUNT}:role/redis-*"}
        )
        yield started


@pytest.fixture(scope="session")
def network(emulator: Emulator) -> stacks.Network:
    """Return the VPC that every stack uses."""
    return stacks.make_network(emulator)


@pytest.fixture(autouse=True)
def nothing_is_left(emulator: Emulator) -> Iterator[None]:
    """Each test must leave the account as it found it."""
    yield
    assert stacks.left_over(emulator) == []

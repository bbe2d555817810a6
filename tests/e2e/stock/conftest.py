"""A second test bed: the same emulated AWS with an ElastiCache that others wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.emulator import stacks
from tests.e2e.emulator.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Start an emulated AWS with MiniStack's own ElastiCache, and deploy the built provider to it."""
    if not stacks.BUILT.exists():
        pytest.fail("the provider is not built: run `make build-emulated`")
    # The polls of an operation last an hour: here ten minutes, for a change that never shows is asked for
    # twice, and waited for each time.
    with Emulator(tmp_path_factory.mktemp("stock"), speed=6.0, stock_elasticache=True) as started:
        stacks.deploy_provider(started)
        yield started


@pytest.fixture(scope="package")
def network(emulator: Emulator) -> stacks.Network:
    """Return the VPC that every stack uses."""
    return stacks.make_network(emulator)

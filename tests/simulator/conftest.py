"""The fixture of every test of the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.moto_aws import MotoAws


@pytest.fixture
def cloud() -> Iterator[MotoAws]:
    """Yield moto with the simulator's ElastiCache in it; it has no subnet group yet."""
    with MotoAws() as made:
        yield made

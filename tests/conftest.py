"""Fixtures that several test files share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stage import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Yield one stack with one resource, on an AWS in memory."""
    with Stage() as made:
        yield made


@pytest.fixture
def real() -> Iterator[Stage]:
    """Yield the same on moto."""
    with Stage(real=True) as made:
        yield made

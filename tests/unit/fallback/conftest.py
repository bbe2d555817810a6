"""The stage that the tests of the fallback share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.inmemory_aws import InMemoryAws

from .stage import Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.delenv("RESPONSE_HOST", raising=False)
    with InMemoryAws() as aws:
        yield Stage(aws)

"""Fixtures that several test files share, and what passing tests report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.harness.stack import StackUnderTest

# A machine that is busy must not fail a test.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

TOLD = "told"
"""The property in which a test leaves a line to show even when it passes, such as its seed."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests that passed have told; of one that failed pytest shows all."""
    for report in terminalreporter.getreports("passed"):
        for told in (value for name, value in report.user_properties if name == TOLD):
            terminalreporter.write_line(f"{report.nodeid.rsplit('::')[-1]}: {told}")


@pytest.fixture
def stack() -> Iterator[StackUnderTest]:
    """Yield one stack with one resource, on an AWS in memory."""
    with StackUnderTest() as made:
        yield made


@pytest.fixture
def real() -> Iterator[StackUnderTest]:
    """Yield the same on moto."""
    with StackUnderTest(real=True) as made:
        yield made

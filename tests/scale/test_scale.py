"""Hundreds of Creates at once: all succeed within CloudFormation's hour, and Lambda gives up no event."""

from __future__ import annotations

from unittest import mock

import pytest

from massdriver_redis.aws import poll_schedule
from massdriver_redis.cloudformation.request import LONGEST_OPERATION

from .creates import LATEST_FIRING, Creates, Figures


def in_time(figures: Figures) -> bool:
    all_well = figures.succeeded == figures.creates and figures.by_fallback == 0
    return all_well and figures.slowest < LONGEST_OPERATION


@pytest.mark.parametrize("concurrency", [2, 100])
def test_thirty_creates_at_a_tenth_of_the_rates_all_succeed_in_time(concurrency: int) -> None:
    figures = Creates(creates=30, others=300, concurrency=concurrency, share=0.1).run()

    assert in_time(figures), figures
    assert figures.refused > 0, "AWS's rates were never reached"


def test_invocations_that_wait_where_many_requests_are_open_lose_events() -> None:
    """What the figures above show is the function's doing: without it, Lambda's queue gives events up."""
    with mock.patch.object(poll_schedule, "_A_FEW", 99):
        figures = Creates(creates=30, others=300, concurrency=2, share=0.1).run()

    assert figures.by_fallback > 0
    assert not in_time(figures)


def test_one_seed_gives_one_run() -> None:
    first, again, other = (
        Creates(creates=6, others=60, concurrency=2, seed=seed, share=0.02).run() for seed in (1, 1, 2)
    )

    assert first == again != other


@pytest.mark.full
@pytest.mark.parametrize(("concurrency", "late"), [(10, LATEST_FIRING), (1000, LATEST_FIRING), (1000, 0)])
def test_three_hundred_creates_with_three_thousand_other_clusters_all_succeed_in_time(
    concurrency: int, late: float
) -> None:
    figures = Creates(creates=300, others=3000, concurrency=concurrency, late=late).run()

    assert in_time(figures), figures

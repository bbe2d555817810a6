"""Replacements, deployed: the new cluster is whole before the old goes, and a failed one leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.emulator.emulator import ROOT

from . import shops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.emulator.emulator import Emulator

    from .emulator import stacks

FREE_TIER = (ROOT / "examples" / "free-tier.yaml").read_text()
CLUSTER_MODE = {"cluster_mode_enabled: false": "cluster_mode_enabled: true\n      allow_replacement: true"}
NO_TLS = {"secure: true": "secure: false\n      allow_replacement: true"}


@pytest.fixture
def shop(emulator: Emulator, network: stacks.Network) -> Iterator[shops.Shop]:
    with shops.opened(emulator, network, "replaced") as opened:
        yield opened


def test_a_replacement_that_fails_half_way_leaves_no_trace_and_one_that_succeeds_removes_the_original(
    shop: shops.Shop,
) -> None:
    shop.create(FREE_TIER)
    original, artifact, before, made = shop.physical_id(), shop.artifact(), shop.cluster(), shop.made()
    replaced = shops.changed(FREE_TIER, CLUSTER_MODE)

    shop.emulator.order("fail_next_create", "Create failed: the subnets have no free addresses.")
    assert shop.update(replaced) == "UPDATE_ROLLBACK_COMPLETE", shop.reasons()

    assert any("no free addresses" in reason for reason in shop.reasons())
    assert shop.made() == made
    assert (shop.physical_id(), shop.artifact(), shop.cluster()) == (original, artifact, before)
    assert shop.answers_ping()

    assert shop.update(replaced) == "UPDATE_COMPLETE", shop.reasons()

    assert shop.physical_id() != original
    assert shop.cluster().cluster_mode
    assert shop.answers_ping()
    assert len(shop.made()) == len(made)
    assert not any(original in name for name in shop.made())
    assert len(shop.snapshots(original)) == 1


@pytest.mark.full
def test_a_finished_replacement_is_given_up_for_the_original_when_another_resource_fails(
    shop: shops.Shop,
) -> None:
    shop.create(FREE_TIER)
    original, artifact, before, made = shop.physical_id(), shop.artifact(), shop.cluster(), shop.made()

    update = shops.failing_afterwards(shops.changed(FREE_TIER, NO_TLS))
    assert shop.update(update) == "UPDATE_ROLLBACK_COMPLETE", shop.reasons()

    [replacement] = {name for name, _ in shop.seen} - {original}
    assert shop.made() == made
    assert (shop.physical_id(), shop.artifact(), shop.cluster()) == (original, artifact, before)
    assert (len(shop.snapshots(original)), len(shop.snapshots(replacement))) == (0, 1)
    assert shop.answers_ping()

"""The fallback, deployed: a provider that can't even be imported fails a stack in minutes, not in an hour."""

from __future__ import annotations

import contextlib
import io
import time
import zipfile
from typing import TYPE_CHECKING

from tests.e2e.emulator.emulator import ROOT

from .emulator import client, stacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.emulator.emulator import Emulator

TEMPLATE = client.showing_artifact((ROOT / "examples" / "free-tier.yaml").read_text())


@contextlib.contextmanager
def broken_provider(emulator: Emulator) -> Iterator[None]:
    """Replace the provider's code by one that fails to import."""
    lambda_client = emulator.client("lambda")
    name = stacks.Stack(emulator, stacks.PROVIDER).outputs()["FunctionName"]
    good = io.BytesIO()
    built = stacks.BUILT.parent / "ProviderFunction"
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in built.rglob("*"):
            archive.write(path, path.relative_to(built))
    bad = io.BytesIO()
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("app.py", "import a_package_that_was_forgotten\n")
    lambda_client.update_function_code(FunctionName=name, ZipFile=bad.getvalue())
    try:
        yield
    finally:
        lambda_client.update_function_code(FunctionName=name, ZipFile=good.getvalue())


def test_a_provider_that_fails_to_import_fails_the_stack_with_the_cause_within_minutes(
    emulator: Emulator, network: stacks.Network
) -> None:
    stack = stacks.Stack(emulator, "shop")
    began = time.monotonic()

    with broken_provider(emulator):
        status = stack.create(TEMPLATE, network.parameters())

    # What the create made is not known, so its rollback waits for a provider that can look.
    assert status == "ROLLBACK_FAILED"
    assert time.monotonic() - began < 300
    assert any("a_package_that_was_forgotten" in reason for reason in stack.reasons()), stack.reasons()
    assert stack.delete() == "DELETE_COMPLETE"

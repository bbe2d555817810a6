"""The fallback function next to the provider's: as it is built, on the same AWS and the same clock.

Its own modules come from its folder; the one it shares with the provider is that of the provider's package.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from massdriver_redis.cloudformation.genuine import Recipient

from .context import FUNCTION
from .inmemory_aws import client
from .schedules import GROUP

FOLDER = Path(__file__).parent.parent.parent / "fallback"


def load() -> dict[str, ModuleType]:
    """Import the fallback's modules; its `app` under another name, for the function's is called so too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        modules = {name: importlib.import_module(name) for name in ("answer", "envelope", "schedules")}
        spec = importlib.util.spec_from_file_location("fallback_app", FOLDER / "app.py")
        assert spec
        assert spec.loader
        modules["app"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules["app"])
    return modules


MODULES = load()
RECIPIENT = Recipient().at(FUNCTION)
"""Partition, Region and account of the fallback are the provider's."""


def take(record: dict[str, Any], put: Callable[[str, bytes], int], now: float) -> dict[str, str]:
    """Give the fallback an on-failure record, inside one of the tests' AWS."""
    schedules = MODULES["schedules"].Schedules(client("scheduler"), GROUP)
    done: dict[str, str] = MODULES["app"].handle(record, RECIPIENT, schedules, put, now)
    return done

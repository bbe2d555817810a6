"""The fallback function on the driver's stack: its own code, with EventBridge reached in process."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

from tests.simulator.errors import Refusal

from .cloudformation import FakeCloudFormation
from .inmemory_aws import Rules
from .moto_aws import client

FOLDER = Path(__file__).parent.parent.parent / "fallback"


def load() -> dict[str, ModuleType]:
    """Import the fallback's modules; its `app` under another name, for the function's is called so too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        modules = {name: importlib.import_module(name) for name in ("answer", "envelope", "eventbridge")}
        spec = importlib.util.spec_from_file_location("fallback_app", FOLDER / "app.py")
        assert spec
        assert spec.loader
        modules["app"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules["app"])
    return modules


MODULES = load()


class LastResort:
    """Takes on-failure records, as `Driver(failed=...)`; `outcomes` tells what it did with each."""

    def __init__(self) -> None:
        self.cloudformation: FakeCloudFormation | None = None
        self.outcomes: list[str] = []

    def __call__(self, record: dict[str, Any]) -> None:
        assert self.cloudformation
        bridge = MODULES["eventbridge"].EventBridge(sleep=self.cloudformation.clock.sleep)
        # The signed HTTP call has tests of its own; moto in process takes boto3's.
        with mock.patch.object(bridge, "_try", _call):
            done = MODULES["app"].handle(
                record, bridge, self.cloudformation.put, self.cloudformation.clock.now()
            )
        self.outcomes.append(done["status"])


def _call(operation: str, wanted: dict[str, Any]) -> dict[str, Any]:
    method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)[1:]
    answer: dict[str, Any] = getattr(client("events"), method)(**wanted)
    return answer


Tags = dict[str, dict[str, str]]


def take(
    record: dict[str, Any], rules: Rules, tags: Tags, put: Callable[[str, bytes], int], now: float
) -> dict[str, str]:
    """Hand the fallback an on-failure record over the swift `rules`, whose `tags` stand by their name."""
    bridge = MODULES["eventbridge"].EventBridge({}, sleep=lambda _: None)

    def answer(operation: str, wanted: dict[str, Any]) -> dict[str, Any]:
        try:
            return _answer(rules, tags, operation, wanted)
        except Refusal as refusal:
            raise MODULES["eventbridge"].EventBridgeError(str(refusal.message), str(refusal.code)) from None

    with mock.patch.object(bridge, "_try", answer):
        done: dict[str, str] = MODULES["app"].handle(record, bridge, put, now)
    return done


def _answer(rules: Rules, tags: Tags, operation: str, wanted: dict[str, Any]) -> dict[str, Any]:
    match operation:
        case "ListRules":
            names = [name for name in rules.rules if name.startswith(wanted["NamePrefix"])]
            return {"Rules": [{"Name": name, "Arn": name} for name in names]}
        case "ListTagsForResource":
            kept = tags.get(wanted["ResourceARN"], {})
            return {"Tags": [{"Key": key, "Value": value} for key, value in kept.items()]}
        case "TagResource":
            new = {tag["Key"]: tag["Value"] for tag in wanted["Tags"]}
            tags.setdefault(wanted["ResourceARN"], {}).update(new)
            return {}
    answer: dict[str, Any] | None = getattr(rules, operation)(**wanted)
    return answer or {}

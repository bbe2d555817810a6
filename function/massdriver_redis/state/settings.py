"""Settings: scalar properties that ModifyReplicationGroup changes in place, one row each.

Creating, observing, planning, the record and the preview all walk this table. A new one takes its schema
in schemas/properties.json, its field in properties/model.py, and its row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from massdriver_redis import catalog
from massdriver_redis.calls.base import FieldValue
from massdriver_redis.properties.model import Properties
from massdriver_redis.state.observed import Engine

Wanted = Mapping[str, FieldValue]
Shown = Mapping[str, tuple[FieldValue, ...]]


@dataclass(frozen=True)
class Setting:
    """One setting.

    `name` is the property and the field of a record. `parameter` is its name in CreateReplicationGroup and
    ModifyReplicationGroup, and in what describes the replication group or its members (`shown_by`); where
    that leaves it out, its value is the empty one of `kind`. `applies` says whether it is sent, by the
    engine in use and by the settings wanted and shown (none before a create).
    """

    name: str
    parameter: str
    kind: type[str] | type[int] | type[bool]
    shown_by: Literal["replication group", "members"]
    desired: Callable[[Properties], FieldValue]
    applies: Callable[[Engine, Wanted, Shown], bool] = lambda *_: True


SETTINGS = (
    Setting(
        name="snapshot_retention_limit",
        parameter="SnapshotRetentionLimit",
        kind=int,
        shown_by="replication group",
        desired=lambda properties: properties.snapshot_retention_limit,
    ),
    Setting(
        name="snapshot_window",
        parameter="SnapshotWindow",
        kind=str,
        shown_by="replication group",
        desired=lambda properties: properties.snapshot_window,
        applies=lambda _, wanted, shown: _has_snapshots(wanted, shown),
    ),
    Setting(
        name="maintenance_window",
        parameter="PreferredMaintenanceWindow",
        kind=str,
        shown_by="members",
        desired=lambda properties: properties.maintenance_window,
    ),
    Setting(
        name="auto_minor_version_upgrade",
        parameter="AutoMinorVersionUpgrade",
        kind=bool,
        shown_by="members",
        desired=lambda properties: properties.auto_minor_version_upgrade,
        applies=lambda engine, *_: catalog.auto_minor_upgrade(*engine),
    ),
)


SETTING_NAMES = frozenset(setting.name for setting in SETTINGS)


def _has_snapshots(wanted: Wanted, shown: Shown) -> bool:
    """The windows may not overlap even with snapshots off (hashicorp/terraform#17247): they move together."""
    windows = shown.get("snapshot_window")
    return windows is None or any(windows) or bool(wanted["snapshot_retention_limit"])

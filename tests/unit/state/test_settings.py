"""The table of settings: each row is a declared property, and is known by the names AWS gives it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import botocore.session
import pytest

from massdriver_redis.properties import schemas
from massdriver_redis.properties.parse import read
from massdriver_redis.state.desired import desired
from massdriver_redis.state.observed import Engine
from massdriver_redis.state.settings import SETTINGS
from tests.harness.builders import ID, MINE, PREFIX
from tests.harness.samples import properties

ROOT = Path(__file__).resolve().parents[3]
MODEL = botocore.session.get_session().get_service_model("elasticache")
KINDS = {"string": str, "integer": int, "boolean": bool}
SHAPES = {"replication group": "ReplicationGroup", "members": "CacheCluster"}
WANTED = read(properties(), today=date(2026, 7, 1))
REDIS_5, REDIS_6 = Engine("redis", "5.0.6"), Engine("redis", "6.2.6")
every_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)


def row(name):
    return next(each for each in SETTINGS if each.name == name)


@every_setting
def test_aws_takes_and_shows_a_setting_under_its_parameter(setting):
    members = {
        "create": MODEL.operation_model("CreateReplicationGroup").input_shape.members,
        "modify": MODEL.operation_model("ModifyReplicationGroup").input_shape.members,
        "describe": MODEL.shape_for(SHAPES[setting.shown_by]).members,
    }

    for shape in members.values():
        assert KINDS[shape[setting.parameter].type_name] is setting.kind


@every_setting
def test_a_setting_desires_what_its_property_says(setting):
    others = {str: "another", int: 9, bool: False}
    changed = replace(WANTED, **{setting.name: others[setting.kind]})

    assert desired(WANTED, MINE, ID, PREFIX).settings[setting.name] == getattr(WANTED, setting.name)
    assert desired(changed, MINE, ID, PREFIX).settings[setting.name] == others[setting.kind]


@every_setting
def test_a_setting_is_declared_as_a_property_of_its_kind_that_changes_in_place(setting):
    declared = schemas.schema("properties.json")["properties"]

    assert KINDS[declared[setting.name]["type"]] is setting.kind
    assert declared[setting.name]["x-update"] == "in place"
    assert declared[setting.name]["x-rolls-back"].startswith("yes")


def test_minor_versions_are_upgraded_by_aws_only_where_an_engine_has_them():
    applies = row("auto_minor_version_upgrade").applies

    assert applies(REDIS_6, {}, {})
    assert not applies(REDIS_5, {}, {})


@pytest.mark.parametrize(
    ("retention", "shown", "sent"),
    [
        (7, {"snapshot_window": ("",)}, True),
        (0, {"snapshot_window": ("07:00-08:00",)}, True),
        (0, {"snapshot_window": ("",)}, False),
        (0, {}, True),
    ],
    ids=["snapshots wanted", "a window shown", "neither", "before a create"],
)
def test_a_snapshot_window_is_sent_unless_there_are_no_snapshots_at_all(retention, shown, sent):
    wanted = {"snapshot_retention_limit": retention}

    assert row("snapshot_window").applies(REDIS_6, wanted, shown) is sent


def test_a_setting_without_a_rule_of_its_own_stands_in_the_three_places_that_contributing_names():
    files = [
        *(ROOT / "function").rglob("*.py"),
        *(ROOT / "schemas").glob("*"),
        *(ROOT / "tools").rglob("*.py"),
    ]
    holding = {
        str(each.relative_to(ROOT)) for each in files if "auto_minor_version_upgrade" in each.read_text()
    }

    assert holding == {
        "schemas/properties.json",
        "function/massdriver_redis/properties/model.py",
        "function/massdriver_redis/state/settings.py",
    }
    walk = (ROOT / "CONTRIBUTING.md").read_text().split("## Add a property")[1]
    assert all(f"`{each}`" in walk for each in holding)

"""Engine versions and node families: how versions compare, what can be created, when support ends."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis import catalog
from massdriver_redis.properties import schemas

OFFERED_REDIS = ("4.0.10", "5.0.6", "6.0", "6.2", "7.0", "7.1")
"""What DescribeCacheEngineVersions lists in 2026 (cfn-lint, aws_elasticache_cachecluster/engine_version)."""

OFFERED_VALKEY = ("7.2", "8.0", "8.1", "8.2", "9.0", "9.1")


def test_the_catalog_has_exactly_the_versions_and_node_types_of_the_schema() -> None:
    properties = schemas.source("properties.json")["properties"]
    assert list(catalog.versions("redis") + catalog.versions("valkey")) == properties["redis_version"]["enum"]
    assert set(catalog.node_types()) == set(properties["node_type"]["enum"])
    assert catalog.versions("memcached") == ()


@pytest.mark.parametrize(
    ("engine", "version", "family"),
    [
        ("redis", "3.2", "redis3.2"),
        ("redis", "3.2.10", "redis3.2"),
        ("redis", "4.0.10", "redis4.0"),
        ("redis", "5.0", "redis5.0"),
        ("redis", "6.x", "redis6.x"),
        ("redis", "6.0.5", "redis6.x"),
        ("redis", "7.0", "redis7"),
        ("redis", "7.1.0", "redis7"),
        ("valkey", "7.2", "valkey7"),
        ("valkey", "8.1", "valkey8"),
        ("valkey", "9.0", "valkey9"),
        ("valkey", "10.3", "valkey10"),
    ],
)
def test_the_default_parameter_group_depends_on_engine_version_and_cluster_mode(
    engine: str, version: str, family: str
) -> None:
    assert catalog.parameter_group(engine, version, cluster_mode=False) == f"default.{family}"
    assert catalog.parameter_group(engine, version, cluster_mode=True) == f"default.{family}.cluster.on"


@pytest.mark.parametrize(
    ("desired", "observed"),
    [
        ("6.x", "6.0.5"),
        ("6.x", "6.2"),
        ("6.2", "6.2.6"),
        ("5.0", "5.0.6"),
        ("5.0.6", "5.0.6"),
        ("3.2", "3.2.10"),
        ("7.1", "7.1.0"),
        ("8.0", "8.0.1"),
    ],
)
def test_an_observed_version_satisfies_the_desired_one(desired: str, observed: str) -> None:
    assert catalog.matches(desired, observed)


@pytest.mark.parametrize(
    ("desired", "observed"),
    [
        ("6.x", "7.0"),
        ("7.0", "7.1"),
        ("5.0.6", "5.0.5"),
        ("5.0", "4.0.10"),
        ("3.2", "6.2"),
        ("8.1", "8.0"),
        ("6.x", ""),
    ],
)
def test_an_observed_version_does_not_satisfy_another(desired: str, observed: str) -> None:
    assert not catalog.matches(desired, observed)


def test_every_valkey_is_newer_than_every_redis() -> None:
    assert catalog.compare("valkey", "7.2", "redis", "7.1") == 1
    assert catalog.compare("redis", "7.1", "valkey", "7.2") == -1


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        ("7.1", "7.0", 1),
        ("7.0", "6.x", 1),
        ("6.x", "6.2.6", 0),
        ("6.2", "6.2.6", 0),
        ("6.0", "6.2", -1),
        ("5.0", "5.0.6", 0),
        ("5.0.5", "5.0.6", -1),
        ("4.0.10", "4.0.9", 1),
        ("10.0", "9.1", 1),
    ],
)
def test_versions_of_one_engine_are_compared_as_numbers(a: str, b: str, order: int) -> None:
    assert catalog.compare("redis", a, "redis", b) == order
    assert catalog.compare("redis", b, "redis", a) == -order


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize(
    ("engine", "desired", "sent"),
    [
        ("redis", "4.0", "4.0.10"),
        ("redis", "5.0", "5.0.6"),
        ("redis", "6.x", "6.2"),
        ("redis", "7.0", "7.0"),
        ("redis", "7.1", "7.1"),
        ("valkey", "8.2", "8.2"),
    ],
)
def test_the_version_to_send_is_the_same_with_and_without_the_list_of_aws(
    engine: str, desired: str, sent: str, secure: bool
) -> None:
    offered = OFFERED_REDIS if engine == "redis" else OFFERED_VALKEY
    assert catalog.creatable(engine, desired, secure, offered) == sent
    assert catalog.creatable(engine, desired, secure, None) == sent


def test_redis_3_2_can_no_longer_be_created() -> None:
    assert catalog.creatable("redis", "3.2", True, OFFERED_REDIS) is None
    assert catalog.creatable("redis", "3.2", False, None) is None


def test_a_secure_redis_3_2_has_the_patch_version_with_tls_where_aws_still_lists_it() -> None:
    listed = ("3.2.4", "3.2.6", "3.2.10")
    assert catalog.creatable("redis", "3.2", True, listed) == "3.2.6"
    assert catalog.creatable("redis", "3.2", False, listed) == "3.2.10"
    assert catalog.creatable("redis", "3.2", True, ("3.2.10",)) is None


def test_6_x_is_the_newest_6_that_aws_lists_without_a_patch_version() -> None:
    assert catalog.creatable("redis", "6.x", True, ("6.0", "6.2", "7.1")) == "6.2"
    assert catalog.creatable("redis", "6.x", True, ("6.0",)) == "6.0"
    assert catalog.creatable("redis", "6.x", True, ("6.2.6",)) == "6.2"
    assert catalog.creatable("redis", "6.x", True, ("7.1",)) is None


def test_an_unknown_engine_or_version_can_not_be_created() -> None:
    assert catalog.creatable("memcached", "1.6", True, None) is None
    assert catalog.creatable("redis", "8.1", True, OFFERED_REDIS) is None


def test_the_offered_versions_are_those_that_can_be_created() -> None:
    assert catalog.offered("redis", OFFERED_REDIS) == ("4.0", "5.0", "6.x", "7.0", "7.1")
    assert catalog.offered("redis", ("7.1",)) == ("7.1",)
    assert catalog.offered("redis", ()) == ("4.0", "5.0", "6.x", "7.0", "7.1")
    assert catalog.offered("valkey", OFFERED_VALKEY) == OFFERED_VALKEY


def test_aws_upgrades_minor_versions_from_redis_6_on() -> None:
    assert [catalog.auto_minor_upgrade("redis", version) for version in ("4.0.10", "5.0", "6.x", "7.1")] == [
        False,
        False,
        True,
        True,
    ]
    assert catalog.auto_minor_upgrade("valkey", "7.2")


@pytest.mark.parametrize(
    ("node_type", "redis", "valkey"),
    [
        ("cache.t3.micro", "3.2.4", "7.2"),
        ("cache.m5.24xlarge", "3.2.4", "7.2"),
        ("cache.r5.large", "3.2.4", "7.2"),
        ("cache.m6g.large", "5.0.6", "7.2"),
        ("cache.r6g.16xlarge", "5.0.6", "7.2"),
        ("cache.t4g.medium", "5.0.6", "7.2"),
        ("cache.m7g.large", "6.2", "7.2"),
        ("cache.r7g.large", "6.2", "7.2"),
        ("cache.c7gn.16xlarge", "6.2", "7.2"),
        ("cache.m8g.large", None, "7.2"),
        ("cache.r8g.xlarge", None, "7.2"),
        ("cache.c8gn.12xlarge", None, "7.2"),
        ("cache.z9.large", "0", "0"),
        ("nonsense", "0", "0"),
    ],
)
def test_a_node_family_has_its_oldest_version_of_each_engine(
    node_type: str, redis: str | None, valkey: str
) -> None:
    assert catalog.minimum_version(node_type, "redis") == redis
    assert catalog.minimum_version(node_type, "valkey") == valkey


@pytest.mark.parametrize(
    ("node_type", "engine", "version", "runs"),
    [
        ("cache.r7g.large", "redis", "6.x", True),
        ("cache.r7g.large", "redis", "6.2.6", True),
        ("cache.r7g.large", "redis", "6.0", False),
        ("cache.r7g.large", "redis", "5.0", False),
        ("cache.m6g.large", "redis", "5.0", True),
        ("cache.m6g.large", "redis", "5.0.5", False),
        ("cache.c7gn.large", "redis", "7.1", True),
        ("cache.m8g.large", "redis", "7.1", False),
        ("cache.m8g.large", "valkey", "7.2.6", True),
        ("cache.t3.micro", "valkey", "9.1", True),
        ("cache.z9.large", "redis", "3.2", True),
    ],
)
def test_a_version_runs_on_a_node_type_from_its_familys_oldest_on(
    node_type: str, engine: str, version: str, runs: bool
) -> None:
    assert catalog.runs_on(node_type, engine, version) is runs


@pytest.mark.parametrize(
    ("version", "today", "said"),
    [
        ("6.x", date(2026, 8, 3), None),
        ("6.x", date(2026, 8, 4), "redis 6.x leaves standard support on 2027-01-31"),
        ("6.2.6", date(2027, 1, 31), "redis 6.2.6 leaves standard support on 2027-01-31"),
        ("6.x", date(2027, 2, 1), "paid Extended Support since 2027-02-01, until 2030-01-31"),
        ("5.0", date(2026, 1, 31), "then paid Extended Support until 2029-01-31"),
        ("5.0.6", date(2026, 2, 1), "paid Extended Support since 2026-02-01, until 2029-01-31"),
        ("4.0", date(2028, 8, 3), "paid Extended Support since"),
        ("4.0", date(2028, 8, 4), "reaches its end of life on 2029-01-31"),
        ("4.0.10", date(2029, 2, 1), "reached its end of life on 2029-01-31"),
        ("3.2", date(2023, 7, 31), "redis 3.2 leaves standard support on 2023-07-31; plan an upgrade."),
        ("3.2.10", date(2026, 1, 1), "reached its end of life on 2023-07-31"),
        ("7.0", date(2035, 1, 1), None),
        ("7.1", date(2035, 1, 1), None),
        ("12.0", date(2035, 1, 1), None),
    ],
)
def test_a_warning_begins_180_days_before_support_ends_and_changes_with_its_phase(
    version: str, today: date, said: str | None
) -> None:
    warning = catalog.support_warning("redis", version, today)
    assert (warning is None) if said is None else said in (warning or "")


def test_no_valkey_has_a_published_end_of_support() -> None:
    assert not any(catalog.support_warning("valkey", each, date(2040, 1, 1)) for each in OFFERED_VALKEY)


@given(st.sampled_from(catalog.versions("redis")), st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_a_warning_never_ends(version: str, today: date) -> None:
    if catalog.support_warning("redis", version, today):
        assert catalog.support_warning("redis", version, today + timedelta(days=1))


VERSIONS = st.sampled_from([*catalog.versions("redis"), *OFFERED_REDIS, "6.2.6", "7.0.7", "3.2.6", "5.0.5"])


@given(VERSIONS, VERSIONS)
def test_compare_is_antisymmetric_and_a_match_is_neither_older_nor_newer(a: str, b: str) -> None:
    assert catalog.compare("redis", a, "redis", b) == -catalog.compare("redis", b, "redis", a)
    if catalog.matches(a, b):
        assert catalog.compare("redis", a, "redis", b) == 0


@given(st.sampled_from(catalog.versions("redis")), st.sets(st.sampled_from(OFFERED_REDIS)), st.booleans())
def test_the_version_to_send_is_listed_and_satisfies_the_desired_one(
    desired: str, available: set[str], secure: bool
) -> None:
    sent = catalog.creatable("redis", desired, secure, available)
    if sent is not None:
        assert sent in available
        assert catalog.matches(desired, sent)


@given(st.text(max_size=30))
def test_any_text_can_be_read_as_a_version(text: str) -> None:
    assert catalog.compare("redis", text, "redis", text) == 0
    assert catalog.parameter_group("redis", text, cluster_mode=False).startswith("default.redis")

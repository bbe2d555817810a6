"""Ids and names: legal, stable, and never shared by two owners."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.state.naming import (
    MAX_ID,
    Owner,
    final_snapshot,
    id_prefix,
    is_legal,
    is_nothing_made,
    is_ours,
    names,
    nothing_made,
    physical_id,
    prefix_of,
    unknown_outcome,
)

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0-da77-11e4-872e-1234567db123"
OWNER = Owner(STACK, "Redis")
CREATE_ONLY = {"cluster_mode_enabled": False, "secure": True, "subnet_type": "internal", "vpc": "arn"}
LEGAL = re.compile(r"(?!.*--)[a-z][a-z0-9-]{0,38}[a-z0-9]")

stack_names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,127}", fullmatch=True)
logical_ids = st.from_regex(r"[A-Za-z0-9]{1,255}", fullmatch=True)
prefixes = st.none() | st.text(max_size=60)


def owners() -> st.SearchStrategy[Owner]:
    return st.builds(
        lambda name, logical: Owner(f"{STACK[:-41]}{name}/51af3dc0", logical), stack_names, logical_ids
    )


@given(owner=owners(), prefix=prefixes, secure=st.booleans())
def test_every_id_is_legal_for_a_replication_group_and_known_as_ours(owner, prefix, secure):
    made = physical_id(owner, prefix, {"secure": secure})

    assert len(made) <= MAX_ID == 40
    assert LEGAL.fullmatch(made)
    assert is_ours(made)
    assert is_legal(made)


@given(owner=owners(), prefix=prefixes)
def test_the_head_of_an_id_is_found_again_from_the_id(owner, prefix):
    assert prefix_of(physical_id(owner, prefix, {})) == id_prefix(owner, prefix)


@given(owner=owners(), prefix=prefixes, request_id=st.text(min_size=1, max_size=128))
def test_a_final_snapshot_s_name_is_as_legal_as_an_id_with_room_for_a_number(owner, prefix, request_id):
    group = physical_id(owner, prefix, {})

    name = final_snapshot(group, request_id)

    assert LEGAL.fullmatch(f"{name}-2")
    assert name == final_snapshot(group, request_id)


def test_a_final_snapshot_is_named_for_the_group_and_the_request():
    assert (
        final_snapshot("shop-redis-abcdefghij", "0F6F6D4E-9d3b-4f4d") == "shop-redis-abcdefghij-0f6f6d4e9d3b"
    )


def test_a_final_snapshot_of_a_long_id_keeps_the_request_s_part_whole():
    group = "a-name-prefix-of-twenty-nine--".strip("-") + "-abcdefghij"

    first, second = final_snapshot(group, "0f6f6d4e9d3b"), final_snapshot(group, "1a2b3c4d5e6f")

    assert first.endswith("-0f6f6d4e9d3b")
    assert second.endswith("-1a2b3c4d5e6f")
    assert first.startswith("a-name-prefix")


def test_the_id_of_the_same_request_is_always_the_same():
    assert physical_id(OWNER, None, CREATE_ONLY) == physical_id(
        Owner(STACK, "Redis"), None, dict(CREATE_ONLY)
    )


@pytest.mark.parametrize(
    "other",
    [
        (Owner(STACK.replace("51af", "61af"), "Redis"), CREATE_ONLY),
        (Owner(STACK.replace("us-east-1", "us-west-2"), "Redis"), CREATE_ONLY),
        (Owner(STACK, "Redis2"), CREATE_ONLY),
        *((OWNER, {**CREATE_ONLY, key: "another"}) for key in CREATE_ONLY),
    ],
)
def test_another_stack_or_resource_or_create_only_property_gives_another_id(other):
    assert physical_id(other[0], "same", other[1]) != physical_id(OWNER, "same", CREATE_ONLY)


def test_a_create_only_property_added_later_leaves_earlier_ids_as_they_are():
    assert physical_id(OWNER, None, {**CREATE_ONLY, "kms_key": None}) == physical_id(OWNER, None, CREATE_ONLY)


@pytest.mark.parametrize(
    ("wanted", "head"),
    [
        ("Shop--Cache_1", "shop-cache-1"),
        ("-9lives-", "redis-9lives"),
        ("äöü", "redis"),
        ("", "shop-redis"),
        (None, "shop-redis"),
        ("x" * 60, "x" * 29),
        ("a" * 28 + "-b", "a" * 28),
    ],
)
def test_any_text_becomes_the_legal_head_of_an_id(wanted, head):
    assert id_prefix(OWNER, wanted) == head


@pytest.mark.parametrize(
    "other",
    [
        "shop_Redis_1760FPLT",
        "none:abcdefghij",
        "",
        "a--b-abcdefghij",
        "Shop-abcdefghij",
        "shop-redis",
        "x" * 41,
    ],
)
def test_other_ids_are_not_taken_for_ours(other):
    assert not is_ours(other)


def test_the_id_of_nothing_says_so_and_names_no_group():
    made = nothing_made(OWNER)

    assert is_nothing_made(made)
    assert not is_ours(made)
    assert not is_legal(made)
    assert made == nothing_made(OWNER) != nothing_made(Owner(STACK, "Other"))


def test_everything_made_for_a_cluster_is_named_after_it_and_the_provider():
    made = names("shop-redis-abcdefghij", "mdr-1a2b3c4d")

    assert made.replication_group == "shop-redis-abcdefghij"
    assert {made.subnet_group, made.security_group, made.secret} == {"mdr-1a2b3c4d-shop-redis-abcdefghij"}


def test_two_providers_never_meet():
    one, other = (names("shop-redis-abcdefghij", prefix) for prefix in ("mdr-1a2b3c4d", "mdr-99999999"))

    assert not {one.subnet_group, one.secret} & {other.subnet_group, other.secret}


def test_an_unknown_outcome_is_an_id_under_which_a_delete_looks_again():
    made = unknown_outcome(OWNER)

    assert not is_nothing_made(made)
    assert not is_ours(made)
    assert made == unknown_outcome(OWNER) != unknown_outcome(Owner(STACK, "Other"))


def test_the_marker_names_the_stack_s_guid_and_the_logical_id():
    assert OWNER.marker.startswith("Custom::MassdriverRedis 51af3dc0-da77-11e4-872e-1234567db123/Redis ")


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("shop", "shop2"),
        ("123456789012", "210987654321"),
        ("us-east-1", "us-east-2"),
        ("arn:aws:", "arn:aws-cn:"),
    ],
)
def test_every_part_of_the_stack_s_id_counts_in_the_marker(part, other):
    assert part in STACK

    assert Owner(STACK.replace(part, other), "Redis").marker != OWNER.marker


@given(one=logical_ids, other=logical_ids)
def test_markers_fit_a_description_and_differ_where_logical_ids_do(one, other):
    markers = [Owner(STACK, logical).marker for logical in (one, other)]

    assert all(len(marker) <= 255 for marker in markers)
    assert (markers[0] == markers[1]) == (one == other)


@given(logical_id=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255))
def test_a_session_name_is_one_that_sts_takes(logical_id):
    name = Owner(STACK, logical_id).session_name

    assert re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII)
    assert name.startswith("shop.")


def test_an_emulator_s_short_stack_id_still_has_a_name():
    assert Owner("stack-1", "Redis").stack_name == "stack-1"

"""What is kept in tags: it comes back as it was written, and nonsense counts as absent."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massdriver_redis.calls.base import ExpectedChange
from massdriver_redis.state.record import (
    IN_SERVICE,
    LAST_ACCEPTED_REQUEST,
    LAST_ANSWERED_REQUEST,
    LAST_REQUESTED_CHANGE,
    LATEST_AHEAD,
    OperationRecord,
    RequestedChange,
    RequestVersion,
)

request_ids = st.from_regex(r"[!-~]{1,128}", fullmatch=True)
times = st.floats(0, 4e9).map(round).map(float)
TRUTH = ("true", "false")
names = st.sampled_from(["engine", "node_type", "replicas", "security_group", "maintenance_window"])
texts = st.from_regex(r"[a-z][a-z0-9.:+ -]{0,19}", fullmatch=True).filter(
    lambda text: text not in {"true", "false"}
)
values = st.booleans() | st.integers(0, 500) | texts
changes = st.builds(
    ExpectedChange,
    st.lists(st.tuples(names, values), min_size=1, max_size=3).map(tuple),
    st.none() | values,
    st.integers(1, 9),
)


@given(request_id=request_ids, at=times)
def test_a_request_version_is_read_as_it_was_written(request_id, at):
    request_version = RequestVersion(request_id, at)

    assert OperationRecord.read({LAST_ACCEPTED_REQUEST: request_version.text()}).accepted == request_version
    assert OperationRecord.read({LAST_ANSWERED_REQUEST: request_version.text()}).answered == request_version


@given(change=changes, request_id=request_ids, at=times)
def test_a_requested_change_is_read_as_it_was_written(change, request_id, at):
    read = OperationRecord.read(
        {LAST_REQUESTED_CHANGE: RequestedChange.of(change, request_id, at).text()}
    ).requested

    assert read == RequestedChange.of(change, request_id, at)
    assert [type(value) for _, value in read.change.fields] == [type(value) for _, value in change.fields]
    assert read.by(request_id)
    assert not read.by(f"{request_id}0")
    assert not read.by(f"0{request_id}")


@given(request_id=request_ids, change=changes)
def test_every_value_fits_a_tag(request_id, change):
    assert len(RequestVersion(request_id, 1.0e9).text()) <= 256
    assert len(RequestedChange.of(change, request_id, 1.0e9).text()) <= 256


def test_a_request_version_uses_only_characters_that_every_service_takes_in_a_tag():
    text = RequestVersion("0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", 1.7e9).text()

    assert re.fullmatch(r"[\w .:/=+@-]*", text)


LARGEST = ExpectedChange(
    (
        ("security_group", "sg-0123456789abcdef0"),
        ("parameter_group", "default.redis6.x.cluster.on"),
        ("snapshot_retention_limit", 35),
        ("maintenance_window", "sun:09:00-sun:10:00"),
        ("snapshot_window", "07:00-08:00"),
        ("auto_minor_version_upgrade", False),
    )
)


def test_the_largest_change_ever_recorded_is_read_back_whole():
    requested = RequestedChange.of(LARGEST, "0f6f6d4e-9d3b-4f4d-9f0e-1a2b3c4d5e6f", 1.7e9)

    assert OperationRecord.read({LAST_REQUESTED_CHANGE: requested.text()}).requested == requested


def test_of_a_change_that_a_tag_can_not_hold_the_first_fields_are_kept_whole():
    long = replace(LARGEST, fields=LARGEST.fields * 3)
    requested = RequestedChange.of(long, "a", 1.7e9)

    read = OperationRecord.read({LAST_REQUESTED_CHANGE: requested.text()}).requested

    assert read.by("a")
    assert len(LARGEST.fields) <= len(read.change.fields) < len(long.fields)
    assert read.change.fields == long.fields[: len(read.change.fields)]


@pytest.mark.parametrize("text", ["", " ", "x", "x y", "1e3", "||||", "1|a|b|c|d", "1|a|b", "nan"])
def test_nonsense_in_a_tag_counts_as_absent(text):
    record = OperationRecord.read(
        {LAST_ACCEPTED_REQUEST: text, LAST_ANSWERED_REQUEST: text, LAST_REQUESTED_CHANGE: text}
    )

    assert record == OperationRecord()


def test_no_tags_are_an_empty_record():
    record = OperationRecord.read({})

    assert record == OperationRecord()
    assert not record.open
    assert not record.delivered
    assert not record.was_accepted("a")
    assert not record.was_answered("a")
    assert not record.newer_than(RequestVersion("b", 1.0), now=100.0)


def test_a_request_is_open_from_its_acceptance_to_its_answer():
    accepted = {
        LAST_ACCEPTED_REQUEST: RequestVersion("b", 20).text(),
        LAST_ANSWERED_REQUEST: RequestVersion("a", 10).text(),
    }

    assert OperationRecord.read(accepted).open
    assert not OperationRecord.read({**accepted, LAST_ANSWERED_REQUEST: RequestVersion("b", 20).text()}).open


def test_a_success_is_delivered_only_once_an_answer_is_on_record():
    marked = {IN_SERVICE: RequestVersion("a", 10).text()}

    assert not OperationRecord.read(marked).delivered
    assert OperationRecord.read({**marked, LAST_ANSWERED_REQUEST: RequestVersion("a", 10).text()}).delivered


@pytest.mark.parametrize("key", [LAST_ACCEPTED_REQUEST, LAST_ANSWERED_REQUEST])
def test_a_request_signed_before_the_last_one_is_older(key):
    record = OperationRecord.read({key: RequestVersion("a", 100).text()})

    assert record.newer_than(RequestVersion("b", 99), now=100.0)
    assert not record.newer_than(RequestVersion("b", 100), now=100.0)
    assert not record.newer_than(RequestVersion("b", 101), now=100.0)


@pytest.mark.parametrize("key", [LAST_ACCEPTED_REQUEST, LAST_ANSWERED_REQUEST])
def test_a_recorded_time_in_the_future_makes_no_request_older(key):
    record = OperationRecord.read({key: RequestVersion("a", 20_000).text()})

    assert record.newer_than(RequestVersion("b", 99), now=20_000 - LATEST_AHEAD)
    assert not record.newer_than(RequestVersion("b", 99), now=20_000 - LATEST_AHEAD - 1)


@pytest.mark.parametrize("text", ["", "x", "10 a"])
def test_a_cluster_with_the_mark_is_in_service_whatever_the_mark_s_value(text):
    assert OperationRecord.read({IN_SERVICE: text}).in_service is not None


@pytest.mark.parametrize(("recorded", "mine"), [(0, 100), (100, 0), (0, 0)])
def test_a_request_whose_signing_time_is_unknown_is_neither_older_nor_newer(recorded, mine):
    one, other = RequestVersion("a", recorded), RequestVersion("b", mine)

    assert not one < other
    assert not other < one
    assert not OperationRecord.read({LAST_ACCEPTED_REQUEST: one.text()}).newer_than(other, now=1e10)


@given(times, times)
def test_requests_are_ordered_by_their_signing_times_alone(a, b):
    one, other = RequestVersion("b", a), RequestVersion("a", b)

    assert (one < other) is (0 < a < b)
    assert (one > other) is (0 < b < a)
